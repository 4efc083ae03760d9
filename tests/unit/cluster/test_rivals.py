# SPDX-License-Identifier: GPL-3.0-or-later
"""A formed cluster keeps its network provider."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import Component
from ansible_collections.biomax.platform.plugins.module_utils.cluster.rivals import (
    PROVIDERS,
    refuse_rivals,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

from tests.unit.cluster.fakes import client_of


def mark(provider: str) -> dict[str, Any]:
    """The object that a provider cannot do without."""
    _, ref = PROVIDERS[provider]
    metadata = {"name": ref.name, "namespace": ref.namespace}
    return {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}


def path(provider: str) -> str:
    kind, ref = PROVIDERS[provider]
    return kind.object_path(ref.name, ref.namespace)


@pytest.mark.parametrize(("running", "wanted"), [("calico", "routed"), ("routed", "calico")])
def test_another_provider_is_refused(running: str, wanted: str) -> None:
    client, _, _ = client_of({path(running): mark(running)})
    with pytest.raises(InputError) as caught:
        refuse_rivals(client, [Component("network", (mark(wanted),))])
    message = str(caught.value)
    assert f"Cannot apply network provider {wanted}" in message
    assert f"from provider {running} ({PROVIDERS[running][1]})" in message
    assert f"Set network_provider to {running}" in message


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_the_provider_that_runs_is_no_rival(provider: str) -> None:
    client, paths, _ = client_of({path(provider): mark(provider)})
    refuse_rivals(client, [Component("network", (mark(provider),))])
    assert len(paths.asked) == len(PROVIDERS) - 1


def test_a_run_without_the_network_asks_nothing() -> None:
    client, paths, _ = client_of({path("routed"): mark("routed")})
    refuse_rivals(client, [Component("cluster_dns", ())])
    assert paths.asked == []
