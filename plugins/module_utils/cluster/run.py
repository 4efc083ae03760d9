# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run over an ordered list of components: look, plan, apply, wait."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    ConflictError,
    MissingError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import (
    SWEPT,
    SWEPT_WHERE_DEFINED,
    Kind,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    COMPONENT_LABEL,
    Component,
    Object,
    Ref,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.operated import made_by
from ansible_collections.biomax.platform.plugins.module_utils.cluster.ownership import differences
from ansible_collections.biomax.platform.plugins.module_utils.cluster.plan import (
    Change,
    judge,
    orphans,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options, Waiter

_DEFINITION_SECONDS = 30.0  # until a new kind is served, also when nothing else is waited for
_PARALLEL = 4  # requests in flight; more gains nothing on two cores
_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Run:
    """A run over components. Plan first; apply executes exactly that plan."""

    def __init__(
        self,
        client: KubeClient,
        components: Sequence[Component],
        kinds: Mapping[tuple[str, str], Kind],
        options: Options,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            client: Client of the cluster.
            components: Labelled and ordered components.
            kinds: Every kind that occurs in them.
            options: See Options.
        """
        self._client = client
        self._components = components
        self._kinds = kinds
        self._options = options
        self.live: dict[Ref, Object] = {}
        self._waiter = Waiter(client, options, self.live, self._path)
        self.applied: list[Change] = []
        self.kept: list[Object] = []

    def plan(self) -> list[Change]:
        """Compare everything with the cluster.

        Returns:
            The changes in the order of their application, deletions last.

        Raises:
            ConflictError: A program owns a field; what a person set with kubectl is taken.
            ClusterError: The server refuses a declaration.
        """
        self._look()
        pending = [
            (component.name, item, reasons)
            for component in self._components
            for item in component.objects
            if (reasons := self._reasons(item))
        ]
        changes = [change for change in self._each(self._ask, pending) if change is not None]
        declared = [Ref.of(item) for component in self._components for item in component.objects]
        names = [component.name for component in self._components]
        leaving, self.kept = orphans(
            self.live.values(), declared, names, whole_platform=self._options.whole_platform
        )
        for item in leaving:
            owner = item["metadata"]["labels"][COMPONENT_LABEL]
            changes.append(Change(owner, Ref.of(item), "delete", {}, item, {}, "left the set"))
        return changes

    def apply(self, changes: Sequence[Change]) -> None:
        """Execute a plan and wait for each component.

        Args:
            changes: What plan() returned.

        Raises:
            NotReadyError: A component did not become ready in time.
            ClusterError: The server refused a change.
        """
        for component in self._components:
            self._apply_component(
                component.name,
                [
                    change
                    for change in changes
                    if change.component == component.name and change.action != "delete"
                ],
            )
            if self._options.ready_seconds:
                self.wait(component)
        for change in changes:
            if change.action == "delete":
                path = self._path(change.before)
                try:
                    self._client.delete(path, change.before["metadata"]["uid"])
                except MissingError:
                    continue  # somebody else removed it; that is what was wanted
                self.applied.append(change)

    def unready(self, component: Component) -> list[str]:
        """Say which objects of a component are not ready, by what is known of them now."""
        return self._waiter.unready(component)

    def wait(self, component: Component) -> None:
        """Wait until a component is ready.

        Raises:
            NotReadyError: It took too long, or an object failed for good.
        """
        self._waiter.wait(component)

    def _look(self) -> None:
        declared = {
            self._kinds[(item["apiVersion"], item["kind"])]
            for component in self._components
            for item in component.objects
        }
        declared |= {self._kinds[key] for key in SWEPT_WHERE_DEFINED if key in self._kinds}
        listed = sorted(declared | set(SWEPT), key=lambda kind: (kind.api_version, kind.name))
        for kind, items in zip(listed, self._each(self._list, listed), strict=True):
            for item in items:
                # Items of a list carry neither, by the convention of the API.
                item |= {"apiVersion": kind.api_version, "kind": kind.name}
                self.live[Ref.of(item)] = item
        made = [ref for component in self._components for ref in made_by(component.objects)]
        self.live.update(zip(made, self._each(self._waiter.seek, made), strict=True))

    def _list(self, kind: Kind) -> list[Object]:
        try:
            items = self._client.get(kind.list_path(), labelSelector=COMPONENT_LABEL)["items"]
        except MissingError:
            return []  # a kind whose definition is among the components and not applied yet
        return list(items or ())

    def _reasons(self, item: Object) -> list[str]:
        live = self.live.get(Ref.of(item))
        if live is None:
            return ["absent or without our label"]
        found = differences(item, live)
        # A plan file and a log show where a secret differs, never what stands there.
        return [text.split(" (")[0] for text in found] if item["kind"] == "Secret" else found

    def _ask(self, pending: tuple[str, Object, list[str]]) -> Change | None:
        """Ask the server what an apply would do; only this costs a request for an object."""
        component, item, reasons = pending
        ref, path = Ref.of(item), self._path(item)
        try:
            predicted, created, taken = self._apply(path, item, dry_run=True)
        except MissingError:
            prerequisite = self._prerequisite(item)
            if not prerequisite:
                raise
            note = f"known after {prerequisite} exists"
            return Change(component, ref, "create", item, {}, item, note)
        if created:
            return Change(component, ref, "create", item, {}, predicted)
        live = self.live.get(ref)
        if live is None:
            live = self.live[ref] = self._client.get(path)
        action = judge(live, predicted)
        if not action:
            return None
        detail = "; ".join([*reasons[:5], *taken])
        return Change(component, ref, action, item, live, predicted, detail)

    def _prerequisite(self, item: Object) -> str:
        """Name the namespace or definition of this set that an object waits for."""
        for component in self._components:
            for other in component.objects:
                ref = Ref.of(other)
                if ref in self.live:
                    continue
                names = other.get("spec", {}).get("names", {}) if "spec" in other else {}
                if ref.kind == "Namespace" and ref.name == item["metadata"].get("namespace"):
                    return str(ref)
                if ref.kind == "CustomResourceDefinition" and names.get("kind") == item["kind"]:
                    return str(ref)
        return ""

    def _apply_component(self, name: str, changes: Sequence[Change]) -> None:
        """Apply changes in order; definitions are served before anything that follows them."""
        definitions: list[Object] = []
        for change in changes:
            defines = change.ref.kind == "CustomResourceDefinition"
            if definitions and not defines:
                self._waiter.wait(Component(name, tuple(definitions)), _DEFINITION_SECONDS)
                definitions = []
            self.live[change.ref] = self._apply(self._path(change.wanted), change.wanted)[0]
            self.applied.append(change)
            if defines:
                definitions.append(dict(change.wanted))

    def _apply(
        self, path: str, item: Mapping[str, Any], dry_run: bool = False
    ) -> tuple[Object, bool, list[str]]:
        """Apply; return the object, whether it is new, and whose fields were taken for it."""
        try:
            return *self._client.apply(path, item, dry_run=dry_run), []
        except ConflictError as error:
            programs = {found.manager for found in error.conflicts if not found.by_hand}
            if not error.conflicts or not programs <= self._options.take_over:
                raise
            taken = sorted({f"set with {found.manager}" for found in error.conflicts})
            return *self._client.apply(path, item, dry_run=dry_run, force=True), taken

    def _path(self, item: Mapping[str, Any]) -> str:
        kind = self._kinds.get((item["apiVersion"], item["kind"])) or next(
            kind
            for kind in SWEPT
            if (kind.api_version, kind.name) == (item["apiVersion"], item["kind"])
        )
        ref = Ref.of(item)
        return kind.object_path(ref.name, ref.namespace)

    @staticmethod
    def _each(work: Callable[[_In], _Out], items: Iterable[_In]) -> list[_Out]:
        """Do independent requests side by side; the order of the results is that of the items."""
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            return list(pool.map(work, items))
