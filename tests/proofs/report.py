"""Write docs/proofs.md from what the proofs left in `.lab/proofs`.

    .venv/bin/python -m tests.proofs.report

What stands on the page of a proof without a result here stays: long proofs are run on more than one
machine. A proof that was never run is said to be not run; nothing comes from anywhere else.
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
CONSOLE = "```console"
_HEAD = """# Proofs

What the platform promises, as programs that fail when it stops being true. They run on lab hosts
of their own, draw what they do from a seed, keep every case in `.lab/proofs/NAME.json` and go on
there when they were stopped. Short forms are part of `make test`, the long ones of `make proofs`.
This page is written by `python -m tests.proofs.report` from those files and from nothing else: it
tells what was run last, where, and what came out. Without a file the last run's words stay.

"""
_FAILING_HEAD = """## One proof seen to fail

A proof that cannot fail proves nothing. This command runs the first one on a copy of the product
whose engine does not write its ledger (one line is taken out of the copy; the product has no switch
for it), cuts the engine's process at drawn steps, and ends with code 3 as soon as a promise is
broken.

```console
$ python -m tests.proofs.kill_hosts --without-ledger"""
Results = Mapping[str, Mapping[str, Any]]


def render(proofs: Sequence[Mapping[str, str]], results: Results, page: str = "") -> str:
    """Return the page.

    Args:
        proofs: rows of proofs.yml.
        results: what each proof left, by its name; empty or missing when it was not run here.
        page: what stands there; it is kept for proofs without a result.
    """
    lines = ["| proof | last run | commit | seed | cases | held |", "|---|---|---|---|---|---|"]
    for proof in proofs:
        found, title = results.get(proof["name"]) or {}, proof["title"]
        lines.append(_row(title, found) if found else _kept_row(page, title))
    for proof in proofs:
        found = results.get(proof["name"]) or {}
        lines += ["", f"## {proof['title']}", "", proof["claim"].strip(), ""]
        lines += [f"Compared: {proof['compared'].strip()}", ""]
        lines += _run(proof, found) if found else [_kept_run(page, proof)]
    failed = results.get(FAILING) or {}
    lines += ["", *(_failing(failed) if failed else [_kept_failing(page)])]
    return _HEAD + "\n".join(lines) + "\n"


def _row(title: str, found: Mapping[str, Any]) -> str:
    rows = found.get("rows", [])
    bad = sum(bool(row.get(BROKEN)) for row in rows)
    held = f"**no: {bad} of {len(rows)}**" if bad else "yes"
    cells = [title, found["measured_at"], found.get("commit"), found.get("seed"), len(rows), held]
    return f"| {' | '.join('' if cell is None else str(cell) for cell in cells)} |"


def _kept_row(page: str, title: str) -> str:
    start = f"| {title} | "
    standing = (line for line in page.splitlines() if line.startswith(start))
    return next(standing, f"{start}not run | | | | |")


def _kept_run(page: str, proof: Mapping[str, str]) -> str:
    """Return what stands of a proof's last run, from its command on."""
    section = _standing(page, f"## {proof['title']}\n")
    if CONSOLE in section:
        return section[section.index(CONSOLE) :].strip()
    return f"{CONSOLE}\n$ {proof['command']}\n```\n\nNot run on this code yet."


def _kept_failing(page: str) -> str:
    standing = _standing(page, _FAILING_HEAD.partition("\n")[0] + "\n").strip()
    return standing or f"{_FAILING_HEAD}\nNot run on this code yet.\n```"


def _standing(page: str, heading: str) -> str:
    """Return a section of the page with its heading, or nothing."""
    _, found, after = page.partition(f"\n{heading}")
    return heading + after.partition("\n## ")[0] if found else ""


def _run(proof: Mapping[str, str], found: Mapping[str, Any]) -> Iterator[str]:
    yield from (CONSOLE, f"$ {found.get('command') or proof['command']}", "```", "")
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
    yield from found["output"]
    yield from ("```", "", *_where(found))


def is_here(proof: Mapping[str, str]) -> bool:
    """Return whether this checkout has the program of a proof."""
    module = ROOT.joinpath(*proof["command"].split()[2].split("."))
    return module.is_dir() or module.with_suffix(".py").is_file()


def main() -> None:
    """Write the page."""
    proofs = [row for row in yaml.safe_load(PROOFS.read_text(encoding="utf-8")) if is_here(row)]
    names = [*(proof["name"] for proof in proofs), FAILING]
    results = {name: read(FOLDER / f"{name}.json") for name in names}
    page = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    PAGE.write_text(render(proofs, results, page), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)} written")


if __name__ == "__main__":
    main()
