"""The module around the engine: arguments, documentation, result, members."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.host.engine import Outcome
from ansible_collections.biomax.platform.plugins.modules import host_state

from tests.unit.host.simulated import SimulatedHost, resources

ENTRIES: list[dict[str, Any]] = [
    {"packages": ["alpha"]},
    {"file": "/etc/alpha.conf", "content": "one", "restarts": ["alpha.service"]},
    {"unit": "alpha.service", "state": "running", "disruptive": True},
]


def call(simulated: SimulatedHost, entries: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    sent = [
        {"role": item.role, "kind": item.kind, "name": item.name, "args": item.args}
        for item in resources(entries)
    ]
    defaults = {name: row.get("default") for name, row in host_state.argument_spec().items()}
    check = more.pop("check", False)
    params = {**defaults, "roles": ["demo"], "resources": sent, **more}
    return host_state.run(params, simulated.host, Outcome(), check=check, diff=True)


def changed() -> list[dict[str, Any]]:
    return [ENTRIES[0], {**ENTRIES[1], "content": "two"}, ENTRIES[2]]


def test_documentation_has_every_argument() -> None:
    documented = yaml.safe_load(host_state.DOCUMENTATION)["options"]
    spec = host_state.argument_spec()
    assert documented.keys() == spec.keys()
    for name, row in spec.items():
        assert documented[name]["type"] == row["type"], name
        assert documented[name].get("default") == row.get("default"), name


def test_every_returned_key_is_documented(simulated: SimulatedHost) -> None:
    result = call(simulated, ENTRIES)
    documented = {*yaml.safe_load(host_state.RETURN), "changed", "diff", "warnings"} - {"evidence"}
    assert result.keys() == documented


def test_a_joined_host_is_a_member_unless_told(simulated: SimulatedHost) -> None:
    call(simulated, ENTRIES)
    before = call(simulated, changed(), disruptive="defer", check=True)
    assert (before["deferred"], before["changed"]) == (False, True)
    (simulated.root / "etc/kubernetes").mkdir()
    (simulated.root / "etc/kubernetes/kubelet.conf").write_text("")
    deferred = call(simulated, changed(), disruptive="defer")
    assert (deferred["deferred"], deferred["changed"]) == (True, False)
    assert deferred["disruptive"] == ["alpha.service"]
    assert call(simulated, changed(), disruptive="defer", check=True)["changed"] is False
    told = call(simulated, changed(), disruptive="defer", member=False)
    assert (told["deferred"], told["changed"]) == (False, True)


def test_an_unmoved_member_and_what_is_planned_are_looked_at_in_the_same_call(
    simulated: SimulatedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def look_at_rest(question: Any, layout: Any) -> dict[str, Any]:
        asked.append((question, layout.root))
        return {"name": "cp1"}

    monkeypatch.setattr(host_state, "look_at_rest", look_at_rest)
    question = {"node": {"name": "cp1"}}
    assert call(simulated, ENTRIES, membership=question, member=True)["observation"] == {}
    assert call(simulated, ENTRIES, membership=question, member=False)["observation"] == {}
    assert call(simulated, ENTRIES, member=True)["observation"] == {}
    assert asked == [], "a step was needed, nothing is asked, or the host is no member"
    member = call(simulated, ENTRIES, membership=question, member=True)
    assert member["observation"] == {"name": "cp1"}
    planned = call(simulated, changed(), membership=question, check=True)
    assert (planned["changed"], planned["observation"]) == (True, {"name": "cp1"})
    assert asked == 2 * [(question, simulated.root)]


def test_status_of_each_declaration(simulated: SimulatedHost) -> None:
    result = call(simulated, ENTRIES)
    assert [row["status"] for row in result["resources"]] == ["install", "create", "start"]
    again = call(simulated, ENTRIES)
    assert [row["status"] for row in again["resources"]] == ["ok", "ok", "ok"]
    assert (again["changed"], again["plan"], again["diff"]) == (False, [], [])
