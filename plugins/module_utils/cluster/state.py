# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From parsed objects to a run, and from a run to the result that a task returns."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import KubeClient
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    MissingError,
    PartialError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.kinds import (
    BUILTIN,
    Kind,
    kinds_of_definitions,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Component,
    Object,
    Ref,
    finish,
    refuse_duplicates,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.plan import Change
from ansible_collections.biomax.platform.plugins.module_utils.cluster.rivals import refuse_rivals
from ansible_collections.biomax.platform.plugins.module_utils.cluster.run import Run
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Approval
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
)

Parsed = Sequence[tuple[str, Sequence[Object]]]
_LATER = "known after form_cluster"


def build_components(
    parsed: Parsed, client: KubeClient | None
) -> tuple[list[Component], dict[tuple[str, str], Kind]]:
    """Label and order the objects of all components.

    Args:
        parsed: Component names with their parsed objects, in order.
        client: Asked for the kinds that no component defines; None when there is no cluster.

    Returns:
        The components and every kind that occurs in them.

    Raises:
        InputError: An object is wrong or its kind unknown.
    """
    everything = [item for _, objects in parsed for item in objects]
    kinds = {**BUILTIN, **kinds_of_definitions(everything)}
    if client is not None:
        for item in everything:
            if (item["apiVersion"], item["kind"]) not in kinds:
                kinds |= discover(client, item["apiVersion"])
    components = [finish(name, objects, kinds) for name, objects in parsed]
    refuse_duplicates(components)
    return components, kinds


def discover(client: KubeClient, api_version: str) -> dict[tuple[str, str], Kind]:
    """Ask the API server for the kinds of one API version.

    Returns:
        Kinds by (api version, kind name); none when the API version is not served.
    """
    root = "api" if "/" not in api_version else "apis"
    try:
        found = client.get(f"/{root}/{api_version}")
    except MissingError:
        return {}
    return {
        (api_version, row["kind"]): Kind(api_version, row["kind"], row["name"], row["namespaced"])
        for row in found.get("resources") or ()
        if "/" not in row["name"]
    }


def predict_without_cluster(components: Sequence[Component]) -> list[Change]:
    """Plan for a cluster that does not exist: everything is created, once it does."""
    return [
        Change(component.name, Ref.of(item), "create", item, {}, item, _LATER, derived=True)
        for component in components
        for item in component.objects
    ]


def converge(
    client: KubeClient | None,
    parsed: Parsed,
    options: Options,
    *,
    check: bool,
    approval: Approval | None = None,
) -> dict[str, Any]:
    """Bring the cluster to the declared components.

    Args:
        client: Client of the cluster; None when there is no cluster yet.
        parsed: Component names with their parsed objects, in order.
        options: See Options.
        check: Only plan.
        approval: What may be done; None when nothing binds this run.

    Returns:
        ``changed``, ``plan``, ``diff``, ``components``, ``kept`` (objects that left the set and
        stay, since they may hold data), ``requests`` and ``seconds``.

    Raises:
        InputError: No cluster and not in check mode, or an object is wrong.
        ClusterError: The API server refused a declaration; nothing was changed.
        UnsafeError: The plan is not the approved one; nothing was changed.
        PartialError: The API server refused a change, or a component did not become ready.
    """
    started = time.monotonic()
    components, kinds = build_components(parsed, client)
    if client is None:
        if not check:
            raise InputError("There is no cluster to apply to: run playbooks/form_cluster.yml.")
        predicted = predict_without_cluster(components)
        _verify(approval, predicted, check)
        return _result(predicted, components, None, None, started)
    refuse_rivals(client, components)
    run = Run(client, components, kinds, options)
    changes = run.plan()
    _verify(approval, changes, check)
    if not check:
        try:
            run.apply(changes)
        except PlatformError as error:
            planned, applied = (
                [change.row() for change in rows] for rows in (changes, run.applied)
            )
            raise PartialError(str(error), planned, applied) from error
    return _result(changes, components, run, client, started)


def _verify(approval: Approval | None, changes: Sequence[Change], check: bool) -> None:
    if approval:
        approval.verify([change.row() for change in changes], check=check)


def _result(
    changes: Sequence[Change],
    components: Sequence[Component],
    run: Run | None,
    client: KubeClient | None,
    started: float,
) -> dict[str, Any]:
    requests: Mapping[str, int] = dict(client.requests) if client else {}
    return {
        "changed": bool(changes),
        "plan": [change.row() for change in changes],
        "diff": [change.diff() for change in changes],
        "components": [
            {
                "name": component.name,
                "objects": len(component.objects),
                "changes": sum(change.component == component.name for change in changes),
                "not_ready": run.unready(component) if run else [],
            }
            for component in components
        ],
        "kept": [str(Ref.of(item)) for item in run.kept] if run else [],
        "requests": {**requests, "total": sum(requests.values())},
        "seconds": round(time.monotonic() - started, 3),
    }
