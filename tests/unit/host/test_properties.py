"""Random declarations on a temporary tree: any state is reached from any other, in one call."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.host.simulated import SimulatedHost

Entry = dict[str, Any]
MODES = st.sampled_from(["0644", "0600", "0755"])


@st.composite
def declarations(draw: st.DrawFn) -> list[Entry]:
    """Return entries for some of five paths, each of one kind, in any order."""
    entries: list[Entry] = []
    for path in draw(st.lists(st.sampled_from("abc"), unique=True)):
        name = f"/etc/files/{path}"
        absent: Entry = {"file": name, "state": "absent"}
        text = draw(st.text(st.characters(codec="utf-8"), max_size=20))
        present: Entry = {"file": name, "content": text, "mode": draw(MODES)}
        entries.append(draw(st.sampled_from([absent, present])))
    if draw(st.booleans()):
        entries.append({"symlink": "/etc/files/link", "target": draw(st.sampled_from("xyz"))})
    if draw(st.booleans()):
        entries.append({"directory": "/etc/files/d/e", "mode": draw(MODES)})
    return draw(st.permutations(entries))


def assert_true(root: Path, entry: Entry) -> None:
    """Fail unless the tree is as `entry` says."""
    kind = next(key for key in ("file", "symlink", "directory") if key in entry)
    path = root / entry[kind].lstrip("/")
    if entry.get("state") == "absent":
        assert not path.exists()
        return
    if kind == "symlink":
        assert str(path.readlink()) == entry["target"]
        return
    assert stat.S_IMODE(path.stat().st_mode) == int(entry["mode"], 8)
    if kind == "file":
        assert path.read_bytes() == entry["content"].encode()


@settings(max_examples=60, deadline=None)
@given(st.lists(declarations(), min_size=1, max_size=4))
def test_any_state_follows_any_other(states: list[list[Entry]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        simulated = SimulatedHost(Path(folder))
        for entries in states:
            predicted = simulated.converge(entries, check=True)
            outcome = simulated.converge(entries)
            assert outcome.plan == predicted.plan
            assert outcome.applied == [*predicted.plan.steps]
            for entry in entries:
                assert_true(simulated.root, entry)
            assert simulated.converge(entries).plan.steps == ()
        assert simulated.leftovers() == []
