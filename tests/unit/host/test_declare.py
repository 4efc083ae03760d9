"""Strict keys: what is refused, and with which hint."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.host.declare import (
    Origin,
    check_entry,
    kind_of,
    merge,
)

WHERE = Origin("demo", "demo/resources/main.yml", 3)


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ("text", "an entry is a mapping"),
        ({}, "an entry is a mapping"),
        ({"fiel": "/x"}, "unknown kind 'fiel'. Did you mean 'file'?"),
        ({"file": "/x", "unit": "a.service"}, "one kind per entry, found file, unit"),
        ({"file": "/x", "contents": "a"}, "unknown key 'contents'. Did you mean 'content'?"),
        ({"file": "/x", "zzz": "a"}, "unknown key 'zzz'. Known are: content, group, mode"),
        ({"file": "/x"}, "exactly one of template, content and state: absent; found none"),
        ({"file": "/x", "content": "a", "state": "absent"}, "found content, state: absent"),
        ({"file": "x", "content": "a"}, "file is 'x', which does not match"),
        ({"file": "/x/", "content": "a"}, "file is '/x/', which does not match"),
        ({"file": "/x", "content": "a", "mode": 420}, 'wanted string. Quote it: `mode: "0644"`.'),
        ({"file": "/x", "content": "a", "mode": "rw"}, "mode is 'rw', which does not match"),
        ({"file": "/x", "content": 1}, "content is 1, wanted string"),
        ({"file": "/x", "content": "a", "validate": ["x"]}, "validate without %s"),
        ({"file": "/x", "content": "a", "restarts": "a.service"}, "restarts is a.service, wanted"),
        ({"file": "/x", "content": "a", "restarts": ["a"]}, "restarts is 'a', which does not"),
        ({"packages": "a"}, "packages is a, wanted strings"),
        ({"packages": ["a", 1]}, "packages holds 1, wanted strings only"),
        ({"packages": ["a"], "state": "latest"}, "state is latest, wanted 'present' or 'absent'"),
        ({"artifact": "a"}, "the key 'dest' is missing"),
        ({"unit": "a"}, "unit is 'a', which does not match"),
        ({"unit": "a.service"}, "wants state, enabled or both"),
        ({"unit": "a.service", "enabled": "yes"}, "enabled is yes, wanted boolean or 'masked'"),
        ({"unit": "a.service", "state": "running", "enabled": "masked"}, "masked and running"),
        (
            {"unit": "a.service", "state": "stopped", "ready": ["x"]},
            "ready and is declared stopped",
        ),
        ({"unit": "a.service", "state": "running", "ready_seconds": True}, "ready_seconds is True"),
        ({"sysctl": {"a": [1]}}, "sysctl wants a plain value for each key"),
        ({"swap": "enabled"}, "swap is enabled, wanted 'disabled'"),
        ({"user": "a b"}, "user is 'a b', which does not match"),
    ],
)
def test_refused(entry: Any, text: str) -> None:
    with pytest.raises(InputError) as caught:
        check_entry(entry, WHERE)
    assert str(caught.value).startswith("role demo, entry 3 of demo/resources/main.yml: ")
    assert text in str(caught.value)


def test_defaults_are_filled_in() -> None:
    entry = check_entry({"file": "/x", "content": "a"}, WHERE)
    assert entry.args == {
        "content": "a",
        "state": "present",
        "mode": "0644",
        "owner": "root",
        "group": "root",
        "sensitive": False,
    }
    assert check_entry({"sysctl": {"a.b": 1}}, WHERE).name == "demo"


def test_file_is_a_kind_and_a_key_of_others() -> None:
    assert kind_of({"sysctl": {}, "file": "name"}, WHERE) == "sysctl"
    assert kind_of({"kernel_modules": [], "file": "name"}, WHERE) == "kernel_modules"
    assert kind_of({"resources": []}, WHERE) == "resources"


def both(first: dict[str, Any], second: dict[str, Any]) -> list[Any]:
    other = Origin("other", "other/resources/main.yml", 1)
    return [check_entry(first, WHERE), check_entry(second, other)]


def test_equal_entries_are_one() -> None:
    entry = {"directory": "/etc/x"}
    assert len(merge(both(entry, dict(entry)))) == 1


@pytest.mark.parametrize(
    ("first", "second", "text"),
    [
        (
            {"file": "/x", "content": "a"},
            {"file": "/x", "content": "b"},
            "file /x is declared twice: role demo, entry 3 of demo/resources/main.yml and role "
            "other, entry 1 of other/resources/main.yml; they differ in content",
        ),
        ({"file": "/x", "content": "a"}, {"directory": "/x"}, "kinds differ"),
        (
            {"packages": ["a"]},
            {"packages": ["a"], "state": "absent"},
            "package a is declared present by role demo",
        ),
        (
            {"unit": "a.service", "state": "running"},
            {"unit": "a.service", "state": "stopped"},
            "they differ in state",
        ),
    ],
)
def test_entries_that_fight(first: dict[str, Any], second: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        merge(both(first, second))
    assert text in str(caught.value)
