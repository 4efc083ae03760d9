"""No template is without a checker, and no checker is without a template."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rendered.conftest import Sites, checkers
from tests.rendered.sandbox import ROOT


def names(roles: Path, folder: str) -> set[str]:
    """Return the files of a folder of all roles, as the checkers name them."""
    files = [path for path in roles.glob(f"*/{folder}/**/*") if path.is_file()]
    return {str(path.relative_to(roles)) for path in files}


def unchecked(roles: Path) -> tuple[set[str], set[str]]:
    """Return what has no checker, and checkers that have nothing to check."""
    listed = {*checkers()["templates"], *checkers()["objects"]}
    there = names(roles, "templates") | names(roles, "objects")
    return there - listed, listed - there


def test_every_template_and_object_file_has_a_checker() -> None:
    assert unchecked(ROOT / "roles") == (set(), set())


@pytest.mark.parametrize("new", ["web/templates/web.conf.j2", "web/objects/web.yml.j2"])
def test_a_new_file_without_a_checker_and_a_checker_without_a_file_are_found(
    new: str, tmp_path: Path
) -> None:
    for name in {*checkers()["templates"], *checkers()["objects"], new}:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "base_os/templates/hosts.j2").unlink()
    assert unchecked(tmp_path) == ({new}, {"base_os/templates/hosts.j2"})


def test_every_template_is_rendered_for_some_host_of_each_site(sites: Sites) -> None:
    for template in checkers()["templates"]:
        assert {item.site for item in sites.rendered(template)} == {"lab", "selectel"}, template


def test_every_object_template_renders_objects_for_some_site(sites: Sites) -> None:
    for template, checker in checkers()["objects"].items():
        rendered = [data["objects"][template] for data in sites.data.values()]
        if "parsed" in checker:
            assert checker["parsed"], f"{template}: why can no API server judge it?"
            assert None in rendered or any(rendered), template
        else:
            assert any(rendered), template


def test_a_checker_of_objects_is_one_of_both() -> None:
    kinds = [tuple(item) for item in checkers()["objects"].values()]
    assert set(kinds) <= {("server",), ("parsed",)}
