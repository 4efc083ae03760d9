# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a component: its objects, and what operators make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError
from ansible_collections.biomax.platform.plugins.module_utils.cluster.explain import (
    explain,
    pods_of,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Component,
    Object,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.operated import (
    MADE,
    judge_operated,
    made_by,
    made_path,
    not_made,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.readiness import (
    Readiness,
    readiness,
    without_absent,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import NotReadyError


@dataclass(frozen=True)
class Options:
    """How a run behaves.

    Attributes:
        whole_platform: The run holds every component; objects of others are leftovers.
        take_over: Programs whose fields are taken when they conflict.
        ready_seconds: How long one component may take to become ready; 0 does not wait.
        absent: Names of nodes that are known to be dead; nobody waits for pods there.
    """

    whole_platform: bool = False
    take_over: frozenset[str] = frozenset()
    ready_seconds: float = 180.0
    absent: frozenset[str] = frozenset()


class Waiter:
    """Judges and waits; what it learns goes to the run's view of the cluster."""

    def __init__(
        self,
        client: KubeClient,
        options: Options,
        live: dict[Ref, Object],
        path: Callable[[Mapping[str, Any]], str],
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            client: Client of the cluster.
            options: See Options.
            live: What is known of the cluster; shared with the run.
            path: Finds the path of a declared object.
        """
        self._client, self._options = client, options
        self._live, self._path = live, path
        self._pace = client.pace

    def unready(self, component: Component) -> list[str]:
        """Say which objects of a component are not ready, by what is known of them now."""
        return [f"{Ref.of(live)}: {verdict.reason}" for live, verdict in self._waiting(component)]

    def wait(self, component: Component, at_least: float = 0.0) -> None:
        """Wait until every object of a component is ready.

        Args:
            component: The component, or the part of it that is waited for.
            at_least: Seconds to wait even if the options say less.

        Raises:
            NotReadyError: It took too long, or an object failed for good.
        """
        made = made_by(component.objects)
        seconds = max(self._options.ready_seconds, at_least)
        deadline = self._pace.clock() + seconds
        pause = 0.2
        while True:
            waiting = self._waiting(component)
            if not waiting:
                return
            if self._pace.clock() >= deadline or any(verdict.final for _, verdict in waiting):
                raise NotReadyError(self._complaint(component, waiting, seconds))
            self._pace.sleep(pause)
            pause = min(pause * 1.5, 2.0)
            for live, _ in waiting:
                ref = Ref.of(live)
                self._live[ref] = (
                    self.seek(ref) if ref in made else self._client.get(self._path(live))
                )

    def seek(self, ref: Ref) -> Object:
        """Get what an operator makes; a stand-in when it does not exist yet."""
        try:
            return self._client.get(made_path(ref))
        except MissingError:
            return not_made(ref)

    def _waiting(self, component: Component) -> list[tuple[Object, Readiness]]:
        """List what is not ready: objects of a component, and what operators make of them."""
        made = made_by(component.objects)
        subjects = [self._live.get(Ref.of(item), _unseen(item)) for item in component.objects]
        subjects += [self._live.get(ref, not_made(ref)) for ref in made]
        verdicts = [(live, self._verdict(live, made.get(Ref.of(live)))) for live in subjects]
        return [(live, verdict) for live, verdict in verdicts if not verdict.ready]

    def _verdict(self, live: Object, version: str | None) -> Readiness:
        """Judge a live object; only a workload that waits for a dead node costs a request.

        Args:
            live: The object.
            version: None for a declared object; for one that an operator makes the version that
                it must run, empty for any.
        """
        absent = self._options.absent
        operated = version is not None or (live["apiVersion"], live["kind"]) in MADE
        verdict = judge_operated(live, version or "", absent) if operated else readiness(live)
        is_workload = live["kind"] in ("Cluster", "DaemonSet", "Deployment") and "spec" in live
        if verdict.ready or not absent or not is_workload:
            return verdict
        if operated:
            return judge_operated(live, version or "", absent, pods_of(self._client, live))
        if live["kind"] in ("Cluster", "DaemonSet"):
            return without_absent(live, pods_of(self._client, live), absent)
        return verdict

    def _complaint(
        self,
        component: Component,
        waiting: Sequence[tuple[Object, Readiness]],
        seconds: float,
    ) -> str:
        lines = []
        for live, verdict in waiting:
            why = explain(self._client, live)
            lines.append(f"{Ref.of(live)}: {verdict.reason}{f' [{why}]' if why else ''}")
        return (
            f"Component {component.name} is not ready after {seconds:g} s: "
            f"{'; '.join(lines)}. Cure the cause and run again; what was applied stays."
        )


def _unseen(item: Object) -> Object:
    """Stand in for an object that nobody has looked at yet, so that readiness asks for it."""
    return {**item, "metadata": {**item["metadata"], "generation": 1}, "status": {}}
