# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that somebody approved, compared with the steps that are needed now: pure.

A step is a row as modules report it. Two of its keys make its fingerprint: `declared`, the sum of
the declaration, and `observed`, what was found, in words; contents stand there as sums only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError

Row = Mapping[str, Any]

# What a cut run leaves for the next one to finish; it needs no approval of its own.
_RECOVERY = ("restart", "reload", "daemon-reload", "clean", "finish")
_STARTS = ("start", "restart", "reload")
# Work whose remainder shrinks while it goes on: only the declaration must be the approved one.
_PROGRESS = ("bundle", "images", "packages")


@dataclass(frozen=True)
class Moved:
    """Something that is not as it was when the plan was made.

    Attributes:
        what: the resource or object, as in plans.
        planned: the planned act and what it was planned from.
        found: the act that is needed now and what it would start from.
    """

    what: str
    planned: str
    found: str

    def line(self) -> str:
        """Return the sentence for the operator."""
        return f"{self.what}: planned {self.planned}; found {self.found}"


def digest(value: object) -> str:
    """Return the hexadecimal SHA-256 of `value`: plain data, dataclasses, bytes or sets."""
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sum_of(content: bytes | str) -> str:
    """Return how a plan shows a content that it must not hold: its SHA-256, shortened."""
    data = content.encode() if isinstance(content, str) else content
    return f"sha256:{hashlib.sha256(data).hexdigest()[:16]}"


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return f"sha256:{hashlib.sha256(value).hexdigest()}"
    return value


def changing(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that change something; a step that only waits needs no approval."""
    return [row for row in rows if row.get("changes", True)]


def moved(approved: Sequence[Row], found: Sequence[Row], *, under_way: bool) -> list[Moved]:
    """Return what differs between the approved steps and those that are needed now.

    Args:
        approved: steps of the plan.
        found: steps of a plan made now, of the same declarations.
        under_way: this plan's own run has begun, so a step that is no longer needed is one that
            it has carried out, and what a cut left behind may be finished.
    """
    then, now = _grouped(approved), _grouped(found)
    result = []
    for identity, rows in now.items():
        known = then.get(identity, [])
        if not _matches(known, rows, under_way) and not (
            under_way and all(_is_left_over(row, approved) for row in rows)
        ):
            result.append(_described(identity, known, rows))
    if not under_way:
        gone = [identity for identity in then if identity not in now]
        result += [_described(identity, then[identity], []) for identity in gone]
    return result


def undecided(approved: Sequence[Row], found: Sequence[Row]) -> list[Row]:
    """Return the steps needed now that could not be known in detail when the plan was made."""
    derived = {_identity(row) for row in changing(approved) if row.get("derived")}
    return [row for row in changing(found) if _identity(row) in derived]


@dataclass(frozen=True)
class Approval:
    """The part of a plan file that one call must keep to.

    Attributes:
        source: name of the plan file, for messages.
        where: the host or the cluster, for messages.
        rows: its steps.
        accept_derived: steps that were `known after` something need no second approval.
        open_kinds: kinds of which further steps may become known during the run.
    """

    source: str
    where: str
    rows: tuple[Row, ...]
    accept_derived: bool = False
    open_kinds: tuple[str, ...] = ()

    @classmethod
    def from_arguments(cls, given: Mapping[str, Any] | None) -> Approval | None:
        """Return the approval that an action plugin passed to its module, or None for none."""
        if not given:
            return None
        return cls(
            given["source"],
            given["where"],
            tuple(given["rows"]),
            bool(given["accept_derived"]),
            tuple(given["open_kinds"]),
        )

    def as_arguments(self) -> dict[str, Any]:
        """Return what `from_arguments` takes."""
        return {**asdict(self), "rows": [*self.rows], "open_kinds": [*self.open_kinds]}

    def verify(self, found: Sequence[Row], *, check: bool = False) -> None:
        """Compare with the steps of a plan made now, before the first of them is carried out.

        Args:
            found: the steps.
            check: nothing will be carried out, so steps that need a second approval may pass.

        Raises:
            UnsafeError: something moved, or a step needs a second approval.
        """
        new = [row for row in changing(found) if row["kind"] in self.open_kinds]
        new = [row for row in new if moved(self.rows, [row], under_way=True)]
        rest = [row for row in found if row not in new]
        differences = moved(self.rows, rest, under_way=True)
        if differences:
            raise UnsafeError(refusal(self.source, {self.where: differences}))
        open_steps = [*undecided(self.rows, found), *new]
        if open_steps and not (self.accept_derived or check):
            shown = "; ".join(_act(row) for row in open_steps[:5])
            more = f" and {len(open_steps) - 5} more" if len(open_steps) > 5 else ""
            raise UnsafeError(
                f"{self.where}: the run stops here for a second approval. {self.source} could not "
                f"know these steps and now they are known: {shown}{more}. What was approved before "
                "them is done. Make a new plan with playbooks/plan.yml, read it, and apply that; "
                "or make plans with -e plan_accept_derived=true."
            )


def refusal(source: str, differences: Mapping[str, Sequence[Moved]]) -> str:
    """Return the message for everything that moved, by host."""
    lines = [f"{where}: {item.line()}" for where, items in differences.items() for item in items]
    return (
        f"Not as planned in {source}, so nothing of it was carried out here. "
        + " | ".join(lines)
        + ". Make a new plan with playbooks/plan.yml and read it."
    )


def _identity(row: Row) -> tuple[str, str, str]:
    return str(row.get("role", "")), str(row["kind"]), str(row["name"])


def _grouped(rows: Sequence[Row]) -> dict[tuple[str, str, str], list[Row]]:
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in changing(rows):
        groups.setdefault(_identity(row), []).append(row)
    return groups


def _matches(known: Sequence[Row], rows: Sequence[Row], under_way: bool) -> bool:
    if any(row.get("derived") for row in known):
        return True
    prints = {row["action"]: _fingerprint(row) for row in known}
    wanted = {row["action"]: _fingerprint(row) for row in rows}
    if under_way:
        return all(prints.get(action) == mark for action, mark in wanted.items())
    return prints == wanted


def _fingerprint(row: Row) -> str:
    return digest([row.get("declared", ""), row.get("observed", {})])


def _is_left_over(row: Row, approved: Sequence[Row]) -> bool:
    """Whether a step finishes what a cut run of the same plan began."""
    if row["action"] in ("daemon-reload", "clean", "finish"):
        return bool(changing(approved))
    alike = [item for item in changing(approved) if item["kind"] == row["kind"]]
    if row["action"] in _RECOVERY:
        return any(item["name"] == row["name"] and item["action"] in _STARTS for item in alike)
    same = [item for item in alike if item["action"] == row["action"]]
    if row["kind"] == "member":
        return any(item["name"] == row["name"] for item in alike)
    if row["kind"] in _PROGRESS:
        return any(item.get("declared") == row.get("declared") for item in same)
    return False


def _described(identity: tuple[str, str, str], known: Sequence[Row], rows: Sequence[Row]) -> Moved:
    role, kind, name = identity
    what = f"{kind} {name}" + (f" ({role})" if role else "")
    before, after = _words(known), _words(rows)
    same_state = [row.get("observed") for row in known] == [row.get("observed") for row in rows]
    if known and rows and same_state:
        after += ", and it is declared otherwise now"
    return Moved(what, before, after)


def _words(rows: Sequence[Row]) -> str:
    if not rows:
        return "nothing to do"
    acts = " and ".join(str(row["action"]) for row in rows)
    return f"{acts} from {state_words(rows[0].get('observed') or {})}"


def state_words(observed: Mapping[str, Any]) -> str:
    """Return an observed state in words, as plans and messages show it."""
    parts = [f"{key} {_value(value)}" for key, value in observed.items()]
    return "[" + ", ".join(parts) + "]"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "/".join(str(item) for item in value) or "none"
    return str(value)


def _act(row: Row) -> str:
    return f"{row['action']} {row['kind']} {row['name']}"
