"""Write docs/proofs.md from what the proofs left in `.lab/proofs`.

    .venv/bin/python -m tests.proofs.report

A proof that was not run is said to be not run; nothing on the page comes from anywhere else.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.proofs.results import BROKEN, FOLDER, read
from tests.support.site import ROOT

PAGE = ROOT / "docs" / "proofs.md"
PROOFS = Path(__file__).with_name("proofs.yml")
FAILING = "kill_hosts_without_ledger"
_HEAD = """# Proofs

What the platform promises, as programs that fail when it stops being true. They run on lab hosts
of their own, draw what they do from a seed, keep every case in `.lab/proofs/NAME.json` and go on
there when they were stopped. Short forms are part of `make test`, the long ones of `make proofs`.
This page is written by `python -m tests.proofs.report` from those files and from nothing else: it
tells what was run last, where, and what came out.

"""
_FAILING_HEAD = """## One proof seen to fail

A proof that cannot fail proves nothing. This command runs the first one on a copy of the product
whose engine does not write its ledger (one line is taken out of the copy; the product has no switch
for it), cuts the engine's process at drawn steps, and ends with code 3 as soon as a promise is
broken.

```console
$ python -m tests.proofs.kill_hosts --without-ledger"""
Results = Mapping[str, Mapping[str, Any]]


def render(proofs: Sequence[Mapping[str, str]], results: Results) -> str:
    """Return the page.

    Args:
        proofs: rows of proofs.yml.
        results: what each proof left, by its name; empty or missing when it was not run.
    """
    lines = ["| proof | last run | commit | seed | cases | held |", "|---|---|---|---|---|---|"]
    lines += [_row(proof["title"], results.get(proof["name"]) or {}) for proof in proofs]
    for proof in proofs:
        lines += ["", *_section(proof, results.get(proof["name"]) or {})]
    lines += ["", *_failing(results.get(FAILING) or {})]
    return _HEAD + "\n".join(lines) + "\n"


def _row(title: str, found: Mapping[str, Any]) -> str:
    if not found:
        return f"| {title} | not run | | | | |"
    rows = found.get("rows", [])
    bad = sum(bool(row.get(BROKEN)) for row in rows)
    held = f"**no: {bad} of {len(rows)}**" if bad else "yes"
    cells = [title, found["measured_at"], found.get("commit"), found.get("seed"), len(rows), held]
    return f"| {' | '.join('' if cell is None else str(cell) for cell in cells)} |"


def _section(proof: Mapping[str, str], found: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"## {proof['title']}", "", proof["claim"].strip(), "")
    yield from (f"Compared: {proof['compared'].strip()}", "")
    yield from ("```console", f"$ {found.get('command') or proof['command']}", "```", "")
    if not found:
        yield "Not run on this code yet."
        return
    yield from _where(found)
    numbers = found.get("numbers") or {"cases": len(found.get("rows", []))}
    yield from ("", "| | |", "|---|---|")
    if "commanded_cuts" in found:
        yield f"| runs to be cut, as asked for | {found['commanded_cuts']} |"
    yield from (f"| {label} | {value} |" for label, value in numbers.items())
    broken = [line for row in found.get("rows", []) for line in row.get(BROKEN, [])]
    if broken:
        yield from ("", "What did not hold:", "", "```text", *broken[:20], "```")


def _where(found: Mapping[str, Any]) -> Iterator[str]:
    at = found.get("machine")
    if not at:
        yield f"Run: {found['measured_at']}, on a machine that the proof did not note."
        return
    place = f"{at['cpus']} CPUs, {at['memory_gib']} GiB, {at['system']}, kernel {at['kernel']}"
    yield f"Run: {found['measured_at']}, {place}, load {at['load']} at its end."


def _failing(found: Mapping[str, Any]) -> Iterator[str]:
    yield _FAILING_HEAD
    yield from found.get("output") or ["Not run on this code yet."]
    yield "```"
    if found:
        yield from ("", *_where(found))


def is_here(proof: Mapping[str, str]) -> bool:
    """Return whether this checkout has the program of a proof."""
    module = ROOT.joinpath(*proof["command"].split()[2].split("."))
    return module.is_dir() or module.with_suffix(".py").is_file()


def main() -> None:
    """Write the page."""
    proofs = [row for row in yaml.safe_load(PROOFS.read_text(encoding="utf-8")) if is_here(row)]
    names = [*(proof["name"] for proof in proofs), FAILING]
    results = {name: read(FOLDER / f"{name}.json") for name in names}
    PAGE.write_text(render(proofs, results), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
