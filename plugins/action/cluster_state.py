# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the objects of roles on the controller and converges the cluster to them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    PartialError,
    UnreachableError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Object,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.selection import select
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.siteplan.document import COMPONENTS
from ansible_collections.biomax.platform.plugins.plugin_utils.approved import approval_of
from ansible_collections.biomax.platform.plugins.plugin_utils.component_objects import (
    BundleManifests,
    objects_of,
    render_object_template,
)

_SPEC = {
    "components": {"type": "list", "elements": "str", "required": True},
    "kubeconfig": {"type": "path", "required": True},
    "whole_platform": {"type": "bool", "default": False},
    "take_over": {"type": "list", "elements": "str", "default": []},
    "ready_seconds": {"type": "int", "default": 180},
    "absent": {"type": "list", "elements": "str", "default": []},
    "bundle_dir": {"type": "path", "default": ""},
    "bundle_public_key": {"type": "str", "default": ""},
    "plan_file": {"type": "path", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Everything runs in this process on the controller: no connection, no module is copied."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Render, plan and, unless in check mode, apply."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, checked = self.validate_argument_spec(_SPEC)
        # Values of the inventory carry their origin; plain copies can be dumped and compared.
        arguments = json.loads(json.dumps(checked))
        variables = dict(task_vars or {})
        check = bool(self._task.check_mode)
        try:
            names, complete = select(
                arguments["components"],
                context.CLIARGS.get("tags", ()),
                context.CLIARGS.get("skip_tags", ()),
                self._task.tags,
            )
            manifests = BundleManifests(arguments["bundle_dir"], arguments["bundle_public_key"])
            parsed = [(name, self._objects(name, variables, manifests)) for name in names]
            client, warning = self._client(arguments["kubeconfig"], check)
            options = Options(
                whole_platform=arguments["whole_platform"] and complete,
                take_over=frozenset(arguments["take_over"]),
                ready_seconds=arguments["ready_seconds"],
                absent=frozenset(arguments["absent"]),
            )
            approval = approval_of(arguments["plan_file"], COMPONENTS)
            result |= converge(client, parsed, options, check=check, approval=approval)
        except PartialError as error:
            report = {"plan": error.planned, "applied": error.applied, "msg": str(error)}
            return {**result, "failed": True, "changed": bool(error.applied), **report}
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        kept = [
            f"{name} left the set of its component and stays, since it may hold data. Delete it by "
            "hand when nobody needs it."
            for name in result["kept"]
        ]
        if kept or warning:
            result["warnings"] = [*kept, *([warning] if warning else [])]
        if not self._task.diff:
            result.pop("diff", None)
        return result

    def _client(self, kubeconfig: str, check: bool) -> tuple[KubeClient | None, str]:
        """Open the cluster; in check mode it may be absent, which is said in a warning."""
        try:
            client = open_client(kubeconfig, retry_seconds=0.0 if check else 20.0)
            if check:
                client.text("/livez")
                client.retry_seconds = 20.0  # it is there; busy, as after new kinds, it may be
        except UnreachableError as error:
            if not check:
                raise
            return None, f"Predicted without a cluster. {error}"
        return client, ""

    def _objects(
        self, component: str, task_vars: Mapping[str, Any], manifests: BundleManifests
    ) -> list[Object]:
        """Render and parse objects/*.yml.j2 of a role with its defaults."""
        role = _role_dir(component, self._search_path())
        templates = sorted((role / "objects").glob("*.yml.j2"))
        if not templates:
            raise InputError(f"Role {component} ({role}) has no objects/*.yml.j2 to apply.")
        variables = {**self._yaml(role / "defaults/main.yml"), **task_vars}
        templar = self._templar.copy_with_new_env(
            searchpath=[str(role / "objects"), str(role / "templates")],
            available_variables=variables,
        )
        self._check_arguments(component, role, templar)
        parsed: list[Object] = []
        for template in templates:
            source = f"{component}/objects/{template.name}"
            text = render_object_template(templar, template)
            parsed += objects_of(text, source, manifests)
        return parsed

    def _check_arguments(self, component: str, role: Path, templar: Any) -> None:
        """Check the role's variables against its argument specification, with its own words."""
        specs = self._yaml(role / "meta/argument_specs.yml").get("argument_specs", {})
        options = specs.get("main", {}).get("options", {})
        values = {
            name: templar.template(templar.available_variables[name])
            for name in options
            if name in templar.available_variables
        }
        checked = ArgumentSpecValidator(options).validate(values)
        if checked.error_messages:
            told = [
                f"{name}: {_text(option['description'])}"
                for name, option in options.items()
                if any(f" {name} " in f"{message} " for message in checked.error_messages)
            ]
            raise InputError(
                f"Role {component}: {'; '.join(checked.error_messages)}. {' '.join(told)}"
            )

    def _yaml(self, path: Path) -> dict[str, Any]:
        if not path.is_file():
            return {}
        return dict(self._loader.load_from_file(str(path), trusted_as_template=True) or {})

    def _search_path(self) -> Iterable[Path]:
        """Roles beside the playbook, then the configured path, then those of the collection."""
        yield Path(self._loader.get_basedir()) / "roles"
        yield from (Path(entry) for entry in constants.DEFAULT_ROLES_PATH)
        yield Path(__file__).parents[2] / "roles"


def _role_dir(component: str, search_path: Iterable[Path]) -> Path:
    searched = []
    for directory in search_path:
        if (directory / component).is_dir():
            return directory / component
        searched.append(str(directory))
    raise InputError(f"There is no role {component} in {', '.join(searched)}.")


def _text(description: Any) -> str:
    return description if isinstance(description, str) else " ".join(description)
