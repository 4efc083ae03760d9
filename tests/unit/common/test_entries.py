"""Declarations made from a list."""

from __future__ import annotations

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.entries import resource_entries
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError


@pytest.mark.parametrize(
    ("names", "fields", "entries"),
    [
        ([], {"state": "absent"}, []),
        (["/a"], None, [{"file": "/a"}]),
        (["/a", "/b"], {"state": "absent"}, [{"file": n, "state": "absent"} for n in ("/a", "/b")]),
        (["/a", "/a"], {}, [{"file": "/a"}]),
    ],
)
def test_one_entry_for_each_name(names, fields, entries) -> None:  # type: ignore[no-untyped-def] # table
    assert resource_entries(names, "file", fields) == entries


@pytest.mark.parametrize(
    ("names", "kind", "fields", "message"),
    [
        ("/a", "file", {}, "Expected a list of names, found '/a'"),
        ({"a": 1}, "file", {}, "Expected a list of names"),
        ([1], "file", {}, "Expected names as text, found 1"),
        (["/a"], "", {}, "Expected the kind"),
        (["/a"], "file", ["x"], "Expected the other keys as a map"),
        (["/a"], "file", {"file": "/b"}, "is the kind and cannot be set again"),
    ],
)
def test_bad_input_is_named(names, kind, fields, message) -> None:  # type: ignore[no-untyped-def] # table
    with pytest.raises(InputError, match=message):
        resource_entries(names, kind, fields)
