# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Controller side of preflight_host_info: say whom to ask, and compare the clocks."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.biomax.platform.plugins.module_utils.preflight.neighbours import (
    neighbours,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.requirements import ETCD
from ansible_collections.biomax.platform.plugins.module_utils.preflight.site import (
    ABSENT,
    CONTROL_PLANE,
    MIRROR,
    NODES,
)

_VARIABLES = (
    "node_interface",
    "node_address",
    "time_servers",
    "site_domain",
    "kube_api_endpoint",
    "mirrors",
    "bundle_dir",
)


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Run the collector on the host, with the site's questions and the controller's clock.

    A variable that is missing or has a wrong value leaves its question out: the check of variables
    names it.
    """

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action and return its result."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        if "probe" not in arguments:
            arguments["probe"] = self._probe(variables)
        sent = time.time()
        result.update(
            self._execute_module(
                module_name="biomax.platform.preflight_host_info",
                module_args=arguments,
                task_vars=variables,
            )
        )
        received = time.time()
        if isinstance(result.get("host"), dict):
            result["host"]["clock"] = clock_bounds(result["host"]["clock"], sent, received)
        result.pop("invocation", None)
        return result

    def _probe(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Make the questions for this host from the site's variables."""
        host = str(variables["inventory_hostname"])
        groups = variables["groups"]
        known = self._values(variables)
        domain, endpoint = _text(known.get("site_domain")), _text(known.get("kube_api_endpoint"))
        mirrors = [item for item in _list(known.get("mirrors")) if isinstance(item, Mapping)]
        names = [host, f"{host}.{domain}", endpoint, *(_text(item.get("name")) for item in mirrors)]
        own = _text(known.get("node_address"))
        servers = [item for item in _list(known.get("time_servers")) if isinstance(item, str)]
        return {
            "interface": _text(known.get("node_interface")),
            "peers": self._peers(host, groups, variables["hostvars"], mirrors),
            "time_servers": [server for server in servers if server != own],
            "names": [name for name in names if name],
            "resolve": endpoint,
            "etcd_dir": ETCD if host in groups.get(CONTROL_PLANE, ()) else "",
            "bundle_sha256": _index_sum(_text(known.get("bundle_dir")))
            if host in groups.get(MIRROR, ())
            else "",
        }

    def _values(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """Resolve the site's variables, each for itself."""
        values: dict[str, Any] = {}
        for name in _VARIABLES:
            if name not in variables:
                continue
            try:
                values[name] = self._templar.resolve_variable_expression(name)
            except AnsibleError:
                continue  # the check of variables reports it with its reason
        return values

    def _peers(
        self,
        host: str,
        groups: Mapping[str, Iterable[str]],
        hostvars: Mapping[str, Mapping[str, Any]],
        mirrors: Iterable[Mapping[str, Any]],
    ) -> list[dict[str, str]]:
        """Choose the hosts to which this one probes the path; only IPv4 addresses are probed."""
        gone = set(groups.get(ABSENT, ()))
        members = [*groups.get(CONTROL_PLANE, ()), *groups.get(NODES, ())]
        ring = [str(name) for name in dict.fromkeys(members) if name not in gone]

        def read(name: str, variable: str) -> str:
            try:
                return _text(hostvars[name].get(variable))
            except AnsibleError:
                return ""  # reported by the check of variables

        chosen = neighbours(ring, host, lambda name: read(name, "failure_domain"))
        peers = [{"name": name, "address": read(name, "node_address")} for name in chosen]
        if host in ring:
            peers += [
                {"name": _text(item.get("host")), "address": _text(item.get("address"))}
                for item in mirrors
                if item.get("host") not in gone
            ]
        return [peer for peer in peers if peer["address"] and ":" not in peer["address"]]


def clock_bounds(seen: Mapping[str, float], sent: float, received: float) -> dict[str, float]:
    """Compare the clock of a host with the controller's, as NTP does with one exchange.

    Args:
        seen: The host's clock in seconds when its module began (``start``) and ended (``end``).
        sent: The controller's clock when the module was sent.
        received: The controller's clock when its result had come.

    Returns:
        ``low`` and ``high``: the host is ahead of the controller by a number of seconds between
        these two. They lie as far apart as the way there and back took.
    """
    return {"low": seen["end"] - received, "high": seen["start"] - sent}


def _text(value: object) -> str:
    return str(value) if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else []


def _index_sum(directory: str) -> str:
    """Return the sum of the controller's bundle index; empty when there is none."""
    try:
        return hashlib.sha256(Path(directory, "index.json").read_bytes()).hexdigest()
    except OSError:
        return ""
