"""ansible-doc shows every module, filter, callback and role of the collection, completely."""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from typing import Any

import pytest
import yaml

from tests.support.site import ROOT, VENV_BIN, run_tool

COLLECTION = "biomax.platform"
PACKAGE = "ansible_collections.biomax.platform.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins/modules").glob("[a-z]*.py"))
ACTIONS = sorted(path.stem for path in (ROOT / "plugins/action").glob("[a-z]*.py"))
CALLBACKS = sorted(path.stem for path in (ROOT / "plugins/callback").glob("[a-z]*.py"))
FILTER_FILES = sorted(path.stem for path in (ROOT / "plugins/filter").glob("[a-z]*.py"))
ROLES = sorted(path.parents[1].name for path in (ROOT / "roles").glob("*/tasks/main.yml"))


def filters() -> list[str]:
    """Return the names of every filter that the collection defines."""
    return sorted(
        name
        for stem in FILTER_FILES
        for name in import_module(f"{PACKAGE}.filter.{stem}").FilterModule().filters()
    )


@cache
def shown(kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Return what ansible-doc says of plugins or roles, by short name."""
    full = [f"{COLLECTION}.{name}" for name in names]
    program = str(VENV_BIN / "ansible-doc")
    done = run_tool([program, "--type", kind, "--json", *full], timeout=300)
    assert done.returncode == 0, done.stdout
    text = done.stdout[done.stdout.index("{") :]
    return {name.removeprefix(f"{COLLECTION}."): item for name, item in json.loads(text).items()}


@pytest.mark.parametrize(
    ("kind", "names"),
    [("module", MODULES), ("filter", filters()), ("callback", CALLBACKS), ("role", ROLES)],
    ids=["modules", "filters", "callbacks", "roles"],
)
def test_ansible_doc_shows_all_of_them(kind: str, names: list[str]) -> None:
    assert len(names) >= 3
    assert sorted(shown(kind, tuple(names))) == names


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_takes_gives_and_how_it_is_used(name: str) -> None:
    found = shown("module", tuple(MODULES))[name]
    doc = found["doc"]
    assert doc["short_description"] and doc["description"]
    assert all(option.get("description") for option in doc.get("options", {}).values())
    assert {"check_mode", "diff_mode"} <= doc.get("attributes", {}).keys()
    assert f"{COLLECTION}.{name}:" in (found["examples"] or "")
    assert all(value.get("description") for value in (found["return"] or {}).values())
    assert found["return"], f"{name} documents no result"


@pytest.mark.parametrize("name", MODULES)
def test_the_options_are_those_of_the_code(name: str) -> None:
    module = import_module(f"{PACKAGE}.modules.{name}")
    if not hasattr(module, "argument_spec"):
        assert name in ACTIONS, f"{name} has no argument_spec() and no action plugin"
        return
    documented = shown("module", tuple(MODULES))[name]["doc"].get("options", {})
    code = module.argument_spec()
    assert documented.keys() == code.keys()
    for option, spec in code.items():
        text = documented[option]
        assert text.get("type", "str") == spec.get("type", "str"), option
        assert bool(text.get("required")) == bool(spec.get("required")), option
        assert text.get("default") == spec.get("default"), option
        assert text.get("choices") == spec.get("choices"), option
        assert text.get("elements") == spec.get("elements"), option


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_plugin_is_documented_by_a_module(name: str) -> None:
    assert name in MODULES


@pytest.mark.parametrize("name", filters())
def test_a_filter_says_what_it_takes_gives_and_how_it_is_used(name: str) -> None:
    found = shown("filter", tuple(filters()))[name]
    assert found["doc"]["short_description"] and found["doc"]["description"]
    assert "_input" in found["doc"]["options"]
    assert f"{COLLECTION}.{name}" in found["examples"]
    assert found["return"]["_value"]["description"]


@pytest.mark.parametrize("name", ROLES)
def test_a_role_specifies_every_default(name: str) -> None:
    role = ROOT / "roles" / name
    entries = shown("role", tuple(ROLES))[name]["entry_points"]
    assert entries["main"]["short_description"]
    options = {key: value for entry in entries.values() for key, value in entry["options"].items()}
    assert all(option.get("description") for option in options.values())
    defaults = yaml.safe_load((role / "defaults/main.yml").read_text()) or {}
    assert defaults.keys() - options.keys() == set()
