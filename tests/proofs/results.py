"""What a proof has shown so far, kept after every case, for resuming and for docs/proofs.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tests.bench import machine
from tests.support.site import ROOT

FOLDER = ROOT / ".lab" / "proofs"
BROKEN = "broken"  # of a row: what did not hold; an empty list is a case that passed


class Results:
    """The file of one proof: the rows of its cases and the numbers that sum them up."""

    def __init__(self, name: str, command: str, seed: int | None = None) -> None:
        """Read what an earlier, stopped run of the same proof and seed left.

        Args:
            name: of the proof; its file is `.lab/proofs/NAME.json`.
            command: with which a reader repeats it.
            seed: of what is drawn. Rows of another seed are dropped.
        """
        self.path = FOLDER / f"{name}.json"
        self.command, self.seed = command, seed
        known = read(self.path)
        same = known.get("seed") == seed
        self.rows: list[dict[str, Any]] = known.get("rows", []) if same else []
        self.numbers: dict[str, Any] = {}

    def row(self, **key: object) -> dict[str, Any] | None:
        """Return the row that has the values of `key`, if there is one."""
        return next((row for row in self.rows if key.items() <= row.items()), None)

    def put(self, row: Mapping[str, Any], *key: str) -> None:
        """Keep a row; it replaces the one with the same values of `key`."""
        wanted = {name: row[name] for name in key}
        self.rows = [old for old in self.rows if not (key and wanted.items() <= old.items())]
        self.rows.append(dict(row))

    @property
    def broken(self) -> list[str]:
        """Return what did not hold in any case."""
        return [line for row in self.rows for line in row.get(BROKEN, [])]

    def save(self, **more: Any) -> None:
        """Write the file; `more` goes beside rows and numbers."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        content = {
            "measured_at": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "commit": machine.commit(),
            "machine": machine.describe().as_dict(),
            "command": self.command,
            "seed": self.seed,
            "numbers": self.numbers,
            "rows": self.rows,
            **more,
        }
        partial = self.path.with_suffix(".new")
        partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        partial.rename(self.path)


def read(path: Path) -> dict[str, Any]:
    """Return what a result file holds; nothing when there is none.

    A proof that keeps its cases alone notes no date: the file's own is taken.
    """
    if not path.exists():
        return {}
    content: Any = json.loads(path.read_text(encoding="utf-8"))
    if "rows" in content:
        return dict(content)
    changed = datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    cases = content if isinstance(content, list) else content["cuts"]
    rows = [{**row, BROKEN: _broken(row)} for row in cases]
    found = {"measured_at": changed.strftime("%Y-%m-%d %H:%M UTC"), "rows": rows}
    mutations = sum(len(row.get("mutations", [])) for row in rows)
    return {**found, "numbers": {"mutations": mutations}} if mutations else found


def _broken(row: Mapping[str, Any]) -> list[str]:
    """Return what did not hold in a case of a proof that has its own word for it."""
    return [*row.get("wrong", []), *([str(row["failed"])] if "failed" in row else [])]
