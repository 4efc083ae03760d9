"""Quotas of namespaces: sums of what services request, with room beside them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.sizing import namespace_quotas
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError

ROWS: list[dict[str, Any]] = [
    {"service": "api", "namespace": "web", "replicas": 2, "cpu": "500m", "memory": "1Gi"},
    {"service": "bot", "namespace": "web", "replicas": 1, "cpu": "250m", "memory": "512Mi"},
    {
        "service": "store",
        "namespace": "data",
        "replicas": 3,
        "cpu": 2,
        "memory": "8Gi",
        "storage": "100Gi",
    },
]


def test_sums_and_limits() -> None:
    found = namespace_quotas(ROWS, ["web", "data"], 100)
    assert found == {
        "web": {
            "hard": {
                "requests.cpu": "2500m",
                "requests.memory": "5Gi",
                "requests.storage": "0",
                "services.nodeports": "0",
            },
            "limits": [{"type": "Pod", "max": {"memory": "2Gi"}}],
        },
        "data": {
            "hard": {
                "requests.cpu": "12",
                "requests.memory": "48Gi",
                "requests.storage": "600Gi",
                "services.nodeports": "0",
            },
            "limits": [
                {"type": "Pod", "max": {"memory": "16Gi"}},
                {"type": "PersistentVolumeClaim", "max": {"storage": "200Gi"}},
            ],
        },
    }


def test_without_headroom_a_quota_is_the_sum() -> None:
    hard = namespace_quotas(ROWS, ["web", "data"], 0)["web"]["hard"]
    assert (hard["requests.cpu"], hard["requests.memory"]) == ("1250m", "2560Mi")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{**ROWS[0], "namespace": "wbe"}], "api: namespace 'wbe'.*Did you mean 'web'"),
        ([{**ROWS[0], "cpu": "much"}], "Service api: Expected a quantity"),
        ([{**ROWS[0], "replicas": 0}], "api: replicas 0"),
        ([{"service": "api"}], "Service api lacks"),
        ([], "namespace web has no service"),
    ],
)
def test_wrong_rows_are_refused(rows: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=message):
        namespace_quotas(rows, ["web"], 100)
