"""The controller's side: finding roles, templates, tags, specs, and what the output shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.biomax.platform.plugins.callback.concise import (
    has_plan,
    headline,
    plan_lines,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.plugin_utils.role_files import (
    RoleFiles,
    find_role,
)
from ansible_collections.biomax.platform.plugins.plugin_utils.role_render import RoleRenderer
from ansible_collections.biomax.platform.plugins.plugin_utils.role_specs import check_arguments
from ansible_collections.biomax.platform.plugins.plugin_utils.role_tags import select


@pytest.fixture
def role(tmp_path: Path) -> RoleFiles:
    for name in ("resources", "templates", "meta"):
        (tmp_path / "roles/demo" / name).mkdir(parents=True)
    return RoleFiles("demo", tmp_path / "roles/demo")


def rendered(role: RoleFiles, resources: str, **variables: Any) -> list[Any]:
    role.resources.write_text(resources)
    trusted = {k: trust_as_template(v) if isinstance(v, str) else v for k, v in variables.items()}
    loader = DataLoader()
    templar = Templar(loader=loader, variables=trusted)
    return RoleRenderer(role, templar, loader, trusted).declarations()


def test_values_are_templated_after_parsing(role: RoleFiles) -> None:
    text = '- file: "{{ base }}/x"\n  content: "{{ text }}"\n  mode: "{{ omit }}"\n'
    entry = rendered(role, text, base="/etc", text="{{ inner }}", inner="a: b")[0]
    assert (entry.name, entry.args["content"], entry.args["mode"]) == ("/etc/x", "a: b", "0644")


def test_lists_expand_in_place(role: RoleFiles) -> None:
    text = (
        "- directory: /a\n- resources: \"{{ names | map('community', 1) | list if false else"
        " [{'directory': '/b'}, {'resources': [{'directory': '/c'}]}] }}\"\n- directory: /d\n"
    )
    assert [entry.name for entry in rendered(role, text)] == ["/a", "/b", "/c", "/d"]


def test_a_users_entries_follow_the_roles(role: RoleFiles) -> None:
    extra = [{"directory": trust_as_template("/{{ name }}")}]
    entries = rendered(role, "- directory: /a\n", demo_extra_resources=extra, name="z")
    assert [entry.name for entry in entries] == ["/a", "/z"]
    assert str(entries[1].origin) == "role demo, entry 1 of variable demo_extra_resources"


def test_templates_are_strict_and_have_a_header_without_dates(role: RoleFiles) -> None:
    (role.templates / "a.j2").write_text("# {{ ansible_managed }}\n{{ text }}\n")
    entry = "- file: /x\n  template: a.j2\n"
    content = rendered(role, entry, text="t")[0].args["content"]
    managed = "Managed by biomax.platform; changes here are replaced by the next run."
    assert content == f"# {managed}\nt\n"
    with pytest.raises(InputError, match=r"entry 1 of demo/resources/main.yml: template a.j2: .*"):
        rendered(role, entry)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\n", "is no list of entries"),
        ("- file: /x\n  template: a.js2\n", r"no template 'a.js2' in .*Did you mean 'a.j2'"),
        ('- file: "{{ nope }}"\n  content: x\n', "entry 1 of demo/resources/main.yml: 'nope' is"),
        ('- resources: "{{ 3 }}"\n', "`resources` wants a list of entries, found 3"),
        ("- resources: []\n  file: /x\n", "one kind per entry"),
    ],
)
def test_wrong_declarations(role: RoleFiles, text: str, message: str) -> None:
    (role.templates / "a.j2").write_text("")
    with pytest.raises(InputError, match=message):
        rendered(role, text)


def test_arguments_are_checked_and_each_finding_named(role: RoleFiles) -> None:
    role.specs.write_text(
        "argument_specs:\n  main:\n    options:\n"
        "      demo_port: {type: int, required: true}\n      demo_name: {type: str}\n"
    )
    loader = DataLoader()
    good: dict[str, Any] = {"demo_port": 1}
    check_arguments(role, Templar(loader=loader, variables=good), loader, good)
    bad: dict[str, Any] = {"demo_port": "many"}
    with pytest.raises(InputError, match=r"Role demo: .*demo_port.*demo/meta/argument_specs.yml"):
        check_arguments(role, Templar(loader=loader, variables=bad), loader, bad)
    with pytest.raises(InputError, match="missing required arguments: demo_port"):
        check_arguments(role, Templar(loader=loader, variables={}), loader, {})


def test_a_role_is_found_beside_the_playbook_or_suggested(role: RoleFiles) -> None:
    role.resources.write_text("[]")
    task: Any = SimpleNamespace(_role=None)
    variables = {"playbook_dir": str(role.path.parents[1])}
    assert find_role("biomax.platform.demo", task, variables) == role
    with pytest.raises(InputError, match=r"'dmo' with resources/main.yml .* Did you mean 'demo'\?"):
        find_role("dmo", task, variables)


@pytest.mark.parametrize(
    ("task_tags", "only", "skip", "wanted"),
    [
        ([], {"all"}, set(), ["a", "c.d.b"]),
        (["always"], {"b"}, set(), ["c.d.b"]),
        (["always"], {"other"}, set(), []),
        (["always"], {"always"}, set(), []),
        (["always", "hosts"], {"hosts"}, set(), ["a", "c.d.b"]),
        (["always"], {"all"}, {"a"}, ["c.d.b"]),
        (["hosts"], {"hosts"}, {"b"}, ["a"]),
        (["always"], {"tagged"}, set(), ["a", "c.d.b"]),
    ],
)
def test_role_names_are_tags(
    task_tags: list[str], only: set[str], skip: set[str], wanted: list[str]
) -> None:
    assert select(["a", "c.d.b"], task_tags, only, skip) == wanted


STEP = {"role": "r", "kind": "file", "name": "/x", "action": "create", "detail": "d"}
OK = {"role": "r", "kind": "file", "name": "/y", "status": "ok"}


def test_output_has_a_line_per_step() -> None:
    data = {"plan": [STEP], "changed": True, "resources": [OK]}
    assert has_plan(data)
    assert not has_plan({"plan": "text"})
    assert headline("h1", data, check=True) == "would change: [h1] 1 step"
    assert list(plan_lines(data, "h1", verbose=False)) == ["  h1  r: create file /x (d)"]
    assert list(plan_lines(data, "h1", verbose=True))[1] == "  h1  r: ok file /y"


def test_output_of_nothing_and_of_a_deferred_plan() -> None:
    nothing = {"plan": [], "changed": False, "resources": [OK]}
    assert headline("h1", nothing, check=False) == "ok: [h1] 1 resources as declared"
    deferred = {"plan": [STEP], "deferred": True, "disruptive": ["a.service"]}
    assert headline("h1", deferred, check=False) == "deferred: [h1] 1 step, would touch a.service"
