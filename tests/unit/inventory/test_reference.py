# SPDX-License-Identifier: GPL-3.0-or-later
"""The generated reference is in step with the variables it describes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.unit.inventory.reading import ROOT
from tools import generate_reference


def test_the_committed_reference_is_in_step() -> None:
    committed = (ROOT / "docs/reference/variables.md").read_text()
    assert committed == generate_reference.generate(), "run tools/generate_reference.py"
    flows = (ROOT / "docs/reference/flows.md").read_text()
    assert flows == generate_reference.generate_flows(), "run tools/generate_reference.py"


def test_every_variable_of_a_role_is_in_it() -> None:
    text = generate_reference.generate()
    for spec in ROOT.glob("roles/*/meta/argument_specs.yml"):
        role = spec.parents[1]
        assert f"\n## Role {role.name}\n" in text
        for name in yaml.safe_load((role / "defaults/main.yml").read_text()) or {}:
            assert f"| `{name}` |" in text, f"{name} is not in the argument specs of {role.name}"


def test_a_cell_stays_a_cell(tmp_path: Path) -> None:
    role = tmp_path / "roles/web"
    (role / "meta").mkdir(parents=True)
    (role / "defaults").mkdir()
    (role / "meta/argument_specs.yml").write_text(
        "argument_specs: {main: {short_description: Serves., options:"
        " {web_filter: {type: list, elements: str, description: [a, 'b']}}}}"
    )
    (role / "defaults/main.yml").write_text("web_filter: ['{{ x | y }}']\n")
    closed = tmp_path / "plugins/module_utils/preflight/site_variables.yml"
    closed.parent.mkdir(parents=True)
    closed.write_text("site: {}\nhost: {}\n")
    text = generate_reference.generate(tmp_path)
    assert '| `web_filter` | list of str | `["{{ x \\| y }}"]` | a b |' in text


def test_check_fails_on_a_difference(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert generate_reference.main(["--check"]) == 0
    monkeypatch.setattr(generate_reference, "HEAD", "# Other\n")
    assert generate_reference.main(["--check"]) == 1
    assert "out of step" in capsys.readouterr().out
