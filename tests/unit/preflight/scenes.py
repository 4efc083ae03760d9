# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene is the clean site with something changed; a case is a finding's two scenes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_bundle import Need
from ansible_collections.biomax.platform.plugins.module_utils.preflight.check_variables import (
    ClosedList,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.judge import Seen, judge
from ansible_collections.biomax.platform.plugins.module_utils.preflight.page import Outcome
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import Definition

from tests.unit.preflight.examples import all_facts, example_site

NEEDS = (Need("package", "runc", "", "containerd"), Need("file", "kubelet", "1.36.3", "node"))
OURS, THEIRS = "a" * 64, "f" * 64
MEMBER = {"managed": True, "cluster_ca": OURS, "kubernetes_files": ["kubelet.conf"]}
CONTROL_PLANE = {**MEMBER, "etcd_data": True, "api_version": "1.36.3"}
FORMED = {"cp1": CONTROL_PLANE, "cp2": CONTROL_PLANE, "cp3": CONTROL_PLANE, "w1": MEMBER}


@dataclass(frozen=True)
class Scene:
    """What differs from the clean site.

    Attributes:
        facts: Changes of what the collector said, by host.
        site: Changes of site variables.
        groups: Changes of groups.
        addresses: Addresses of more hosts, or other ones of known hosts.
        host_variables: Changes of host variables, by host; None takes a variable away.
        unset: Site variables that are taken away.
        definitions: Names that the inventory defines on top.
        unreadable: Reasons why a variable cannot be read, by host (or empty) and name.
        unreached: Reasons by host that does not answer.
        needs: What roles ask for on top.
        unreadable_roles: Reasons by role whose needs cannot be told.
        kubelets: Versions by node.
        bundle: Changes a copy of the bundle; it is given the directory and the signing key.
    """

    facts: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    site: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, list[str]] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    host_variables: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    unset: Sequence[str] = ()
    definitions: Sequence[str] = ()
    unreadable: Mapping[tuple[str, str], str] = field(default_factory=dict)
    unreached: Mapping[str, str] = field(default_factory=dict)
    needs: Sequence[Need] = ()
    unreadable_roles: Mapping[str, str] = field(default_factory=dict)
    kubelets: Mapping[str, str] = field(default_factory=dict)
    bundle: Callable[[Path, Path], None] | None = None

    def judge(self, closed: ClosedList, bundle: tuple[Path, str], scratch: Path) -> Outcome:
        """Run every check on the scene; `scratch` is an empty directory."""
        directory = bundle[0]
        if self.bundle:
            directory = Path(shutil.copytree(bundle[0], scratch / "bundle"))
            self.bundle(directory, bundle[0].parent / "key")
        keys = {"bundle_dir": str(directory), "bundle_public_key": bundle[1]}
        site = example_site(dict(self.addresses), dict(self.groups), **{**keys, **self.site})
        hosts = {name: dict(values) for name, values in site.host_variables.items()}
        for host, changes in self.host_variables.items():
            hosts[host] |= changes
            hosts[host] = {name: value for name, value in hosts[host].items() if value is not None}
        site = replace(
            site,
            variables={name: v for name, v in site.variables.items() if name not in self.unset},
            host_variables=hosts,
            unreadable=self.unreadable,
            role_variables=frozenset(closed.role),
            definitions=[
                *site.definitions,
                *(Definition(name, "group all") for name in self.definitions),
            ],
        )
        facts = all_facts(**self.facts)
        seen = Seen(
            facts={host: said for host, said in facts.items() if host not in self.unreached},
            unreached=self.unreached,
            needs=[*NEEDS, *self.needs],
            unreadable=self.unreadable_roles,
            kubelets=self.kubelets,
            sha256=sha256_file,
        )
        return judge(site, closed, seen)


@dataclass(frozen=True)
class Case:
    """One finding: where it must be reported, and where it must not.

    Attributes:
        id: The finding.
        planted: A scene with the fault.
        hosts: Hosts that must be named, in words separated by blanks.
        found: What the finding must say.
        near: A scene that is nearly the same and all right: nothing at all may be reported.
        also: Other findings that the same fault cannot but bring.
        near_also: Findings that the near scene cannot but bring.
    """

    id: str
    planted: Scene
    hosts: str
    found: str
    near: Scene
    also: tuple[str, ...] = ()
    near_also: tuple[str, ...] = ()
