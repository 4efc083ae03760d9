"""README and guides name only what exists, and the component table carries the true versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
import yaml

from lab.builder.cli import app as bundle_app
from lab.hosts.cli import app as lab_app
from tests.support.site import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
VERSION = re.compile(r"(?<![\d.])\d+\.\d+\.\d+")
LEVELS = {"A", "B", "C", "D"}
# Options of the lab program that take a value and stand before the command.
LAB_COMMAND = re.compile(r"lab/lab (?:--instance \S+ )?([a-z][a-z-]*)")


def code(text: str) -> str:
    """Return what stands in code blocks and code spans: commands, not prose."""
    return "\n".join(CODE.findall(text))


def commands(app: typer.Typer) -> set[str]:
    """Return the commands of a program."""
    group = typer.main.get_command(app)
    return set(group.commands)  # type: ignore[attr-defined] # a Typer with commands is a group


@pytest.mark.parametrize("page", TEXTS)
def test_every_link_leads_to_a_file(page: str) -> None:
    targets = [link for link in LINK.findall(TEXTS[page]) if "://" not in link]
    folder = (ROOT / page).parent
    assert [link for link in targets if not (folder / link).exists()] == []


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        name for text in TEXTS.values() for name in re.findall(r"\bmake ([a-z-]+)", code(text))
    }
    assert {"lab", "test", "lab-down"} <= named
    assert named - targets == set()


@pytest.mark.parametrize(
    ("pattern", "app"),
    [(LAB_COMMAND, lab_app), (re.compile(r"lab/bundle ([a-z][a-z-]*)"), bundle_app)],
    ids=["lab", "bundle"],
)
def test_every_command_of_a_program_exists(pattern: re.Pattern[str], app: typer.Typer) -> None:
    named = {name for text in TEXTS.values() for name in pattern.findall(code(text))}
    assert named
    assert named - commands(app) == set()


def test_every_playbook_tool_and_inventory_exists() -> None:
    wanted = re.compile(r"\b((?:playbooks|tools|inventories)/[\w/.-]*\w)")
    named = {name for text in TEXTS.values() for name in wanted.findall(code(text))}
    assert "playbooks/preflight.yml" in named
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_python_module_that_is_run_exists() -> None:
    modules = {name for text in TEXTS.values() for name in re.findall(r"-m (tests\.[\w.]+)", text)}
    paths = {ROOT / name.replace(".", "/") for name in modules}
    found = {path for path in paths if path.with_suffix(".py").exists() or path.is_dir()}
    assert paths - found == set()


def catalogue() -> dict[str, set[str]]:
    """Return the versions of every program, image and manifest of the bundle, by last name."""
    versions: dict[str, set[str]] = {}
    for path in sorted((ROOT / "bundle/catalogue").glob("*.yml")):
        for entries in yaml.safe_load(path.read_text()).values():
            for entry in entries if isinstance(entries, list) else ():
                version = (
                    entry.get("version") or entry.get("tag") if isinstance(entry, dict) else ""
                )
                if version:
                    name = Path(entry["name"]).name
                    versions.setdefault(name, set()).update(VERSION.findall(str(version)))
    return versions


def component_rows() -> list[list[str]]:
    """Return the rows of README's table of parts: part, version, level, remark."""
    _, _, rest = TEXTS["README.md"].partition(
        "| part | version | level | remark |\n|---|---|---|---|\n"
    )
    lines = rest.split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    assert len(rows) > 10
    return rows


@pytest.mark.parametrize("row", component_rows(), ids=lambda row: str(row[0]))
def test_a_row_has_a_true_version_and_a_level(row: list[str]) -> None:
    part, version, level, _ = row
    assert level in LEVELS
    words = {word for word in re.findall(r"[a-z-]{4,}", part.lower()) if word != "network"}
    known = catalogue()
    true = {
        found
        for name, versions in known.items()
        if any(word in name for word in words)
        for found in versions
    }
    assert set(VERSION.findall(version)) <= true, f"{version}: the bundle has {sorted(true)}"


@pytest.mark.parametrize(
    "inventory", sorted((ROOT / "inventories").iterdir()), ids=lambda p: p.name
)
def test_an_inventory_wants_versions_that_the_bundle_has(inventory: Path) -> None:
    known = catalogue()
    wanted = yaml.safe_load((inventory / "group_vars/all/cluster.yml").read_text())
    names = {"kube_version": "kube-apiserver", "kube_etcd_version": "etcd"}
    names |= {"kube_coredns_version": "coredns", "kube_pause_version": "pause"}
    for variable, name in names.items():
        assert str(wanted[variable]) in known[name], (variable, known[name])
