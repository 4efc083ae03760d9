"""Promises that every role keeps: its interface is complete, documented and equal in all places."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir())
HOST_ROLES = [role for role in ROLES if (role / "resources" / "main.yml").is_file()]
MAX_VARIABLES = 40
MAX_LINES = {"tasks/main.yml": 40, "defaults/main.yml": 200, "resources/main.yml": 150}
MAX_TASK_LINES = 80
TABLE_CHARACTERS = 300
TYPES: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
    "path": str,
}

every_role = pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
every_host_role = pytest.mark.parametrize("role", HOST_ROLES, ids=lambda path: path.name)


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def defaults(role: Path) -> dict[str, Any]:
    return document(role / "defaults" / "main.yml") or {}


def options(role: Path) -> dict[str, Any]:
    specs = document(role / "meta" / "argument_specs.yml")["argument_specs"]
    return dict(specs["main"].get("options") or {})


def site_variables() -> set[str]:
    """Names that the example inventory sets, for all hosts or for a group."""
    names: set[str] = set()
    for path in ROOT.glob("inventories/*/group_vars/**/*.yml"):
        names |= set(document(path) or {})
    return names


def is_template(value: Any) -> bool:
    return "{{" in str(value)


def is_table(value: Any) -> bool:
    """Tell whether a default is data by the dozen, which is read in one place only."""
    return isinstance(value, (dict, list)) and len(str(value)) > TABLE_CHARACTERS


@every_role
def test_specification_lists_the_defaults_and_nothing_unknown(role: Path) -> None:
    listed, given = options(role), defaults(role)
    assert set(given) <= set(listed), "defaults that the specification does not list"
    without = {name for name in set(listed) - set(given) if not listed[name].get("required")}
    assert without <= site_variables(), "listed, not required, and without a default"


@every_role
def test_specification_repeats_literal_defaults(role: Path) -> None:
    given = defaults(role)
    for name, option in options(role).items():
        if name in given and is_table(given[name]) and "default" not in option:
            continue
        if name in given and not is_template(given[name]):
            assert option.get("default") == given[name], name
        elif name in given:
            assert "default" not in option, f"{name}: a template cannot be repeated"


@every_role
def test_every_option_has_a_type_that_fits_and_a_description(role: Path) -> None:
    given = defaults(role)
    for name, option in options(role).items():
        assert option.get("type") in {*TYPES, "raw"}, name
        assert option.get("description"), name
        if option["type"] == "list":
            assert option.get("elements"), f"{name}: elements is missing"
        value = given.get(name)
        if option["type"] in TYPES and value is not None and not is_template(value):
            assert isinstance(value, TYPES[option["type"]]), name
            assert not (isinstance(value, bool) and option["type"] in ("int", "float")), name


@every_role
def test_defaults_are_few_commented_and_carry_the_role_name(role: Path) -> None:
    lines = (role / "defaults" / "main.yml").read_text(encoding="utf-8").splitlines()
    names = defaults(role)
    assert len(names) <= MAX_VARIABLES
    for number, line in enumerate(lines):
        if match := re.match(r"([A-Za-z_]\w*):", line):
            assert match[1].startswith(f"{role.name}_"), match[1]
            assert lines[number - 1].startswith("# "), f"{match[1]} has no comment above it"


@every_role
def test_files_are_short(role: Path) -> None:
    for name, limit in MAX_LINES.items():
        path = role / name
        if path.is_file():
            assert len(path.read_text(encoding="utf-8").splitlines()) <= limit, name
    for path in (role / "tasks").glob("*.yml"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_TASK_LINES, path.name


@every_role
def test_role_has_its_parts(role: Path) -> None:
    for name in ("defaults", "meta"):
        assert (role / name / "main.yml").is_file(), name
    assert (role / "README.md").is_file()
    meta = document(role / "meta" / "main.yml")
    assert meta["dependencies"] == [], "dependencies between roles cost tasks on every host"
    assert not (role / "handlers").exists(), "restarts belong to declarations, waiting to readiness"


@every_host_role
def test_host_role_declares_and_makes_one_call(role: Path) -> None:
    declared = (role / "tasks" / "declare.yml").read_text(encoding="utf-8").splitlines()
    assert declared[0] == "---"
    assert all(line.startswith("#") for line in declared[1:] if line)
    tasks = document(role / "tasks" / "main.yml")
    assert len(tasks) == 1
    assert tasks[0]["biomax.platform.host_state"]["roles"] == [role.name]
    assert f"{role.name}_extra_resources" in defaults(role)


@every_host_role
def test_host_role_knows_no_group_and_no_fact(role: Path) -> None:
    for path in role.rglob("*"):
        if path.is_file() and path.suffix in (".yml", ".j2"):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\bgroups\b\s*[\[.|]|\bgroup_names\b", text), path
            assert not re.search(r"\bansible_facts\b|\bhostvars\b", text), path


@every_role
def test_templates_are_all_used(role: Path) -> None:
    texts = [
        path.read_text(encoding="utf-8")
        for folder in ("resources", "tasks", "templates", "defaults", "objects")
        for path in role.glob(f"{folder}/**/*")
        if path.is_file()
    ]
    for template in role.glob("templates/**/*.j2"):
        name = str(template.relative_to(role / "templates"))
        assert any(name in text for text in texts), f"{name} is used nowhere"
