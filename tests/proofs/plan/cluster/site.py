"""A site whose cluster is an API server: what is declared for it, and runs bound to a plan file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import Kind
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import Ref
from ansible_collections.biomax.platform.plugins.module_utils.cluster.pools_run import (
    reconcile_pools,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import (
    build_components,
    converge,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import (
    COMPONENTS,
    NODE_POOLS,
)

from tests.proofs.plan.cluster.objects import Declared
from tests.support.apiserver import api_server
from tests.support.plan_files import approval_of, write_plan
from tests.support.site import ROOT, platform_components, run_tool

# No controller runs here, so nothing would become ready.
OPTIONS = Options(whole_platform=True, ready_seconds=0)
POOLS: dict[str, Any] = {
    "application": {"labels": {"workload": "application"}, "taints": [], "min": 1, "max": 9},
    "database": {
        "labels": {"workload": "database", "example.org/disk": "local"},
        "taints": [{"key": "dedicated", "value": "database", "effect": "NoSchedule"}],
        "min": 1,
        "max": 9,
    },
}
NODES = {"app1": "application", "app2": "application", "db1": "database", "db2": "database"}
MEMBERS = [{"name": name, "pool": pool} for name, pool in NODES.items()]

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """Rows of both calls, pools first as in a run."""

    pools: Rows
    components: Rows

    def write(self, path: Path) -> None:
        """Write them as a plan file of the product."""
        write_plan(path, {NODE_POOLS: self.pools, COMPONENTS: self.components})

    @property
    def rows(self) -> Rows:
        """Every row, in order."""
        return [*self.pools, *self.components]


class Site:
    """The platform on an API server without controllers."""

    def __init__(self, kubeconfig: Path, rendered: Mapping[str, Any]) -> None:
        """Use the server of `kubeconfig`; `rendered` are objects by the template they come from."""
        self._kubeconfig = str(kubeconfig)
        self._parsed = [
            (
                name,
                [
                    item
                    for template in sorted(rendered)
                    if template.startswith(f"{name}/")
                    for item in rendered[template] or ()
                ],
            )
            for name in platform_components()
        ]
        self.client = open_client(self._kubeconfig)
        for name in NODES:
            item = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
            self.client.apply(f"/api/v1/nodes/{name}", item)

    def run(self, *, check: bool, plan_file: Path | None = None) -> Plan:
        """Make both calls as `deploy_platform` does, bound to a plan file if one is given."""
        client = open_client(self._kubeconfig)
        pools = reconcile_pools(
            client,
            POOLS,
            MEMBERS,
            may_be_small=False,
            check=check,
            approval=approval_of(plan_file, NODE_POOLS),
        )
        components = converge(
            client, self._parsed, OPTIONS, check=check, approval=approval_of(plan_file, COMPONENTS)
        )
        return Plan(pools["plan"], components["plan"])

    def declared(self) -> list[Declared]:
        """Return each declared object as it is applied."""
        components, kinds = build_components(self._parsed, self.client)
        return [
            Declared(component.name, item, _path(item, kinds))
            for component in components
            for item in component.objects
        ]


def _path(item: Mapping[str, Any], kinds: Mapping[tuple[str, str], Kind]) -> str:
    ref = Ref.of(item)
    return kinds[(ref.api_version, ref.kind)].object_path(ref.name, ref.namespace)


def rendered_objects() -> dict[str, Any]:
    """Return the objects of the lab's inventory, rendered by the product's own code."""
    program = [sys.executable, "-m", "tests.support.render_roles", "inventories/lab"]
    done = run_tool([*program, str(ROOT / ".lab/keys"), str(ROOT / ".lab/bundle")], 120)
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads(done.stdout[done.stdout.index("{") :])["objects"]
    return found


@contextmanager
def platform(folder: Path, rendered: Mapping[str, Sequence[Any]]) -> Iterator[Site]:
    """Start an API server and bring the platform to it."""
    with api_server(folder) as kubeconfig:
        site = Site(kubeconfig, rendered)
        site.run(check=False)
        assert site.run(check=True).rows == []
        yield site
