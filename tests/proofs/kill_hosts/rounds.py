"""One round: a run on each host at once, each cut in its own way, then finished and judged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.proofs.kill_hosts.cuts import CONTROLLER, DEATH, Cut, scenario_of
from tests.proofs.light import site
from tests.proofs.light.programs.watch import descendants
from tests.proofs.light.scenario import Scenario
from tests.proofs.light.survey import Survey, debts, differences, look
from tests.proofs.light.watch import Watch
from tests.proofs.results import BROKEN, FOLDER
from tests.support.site import ROOT, Run

REFERENCES = site.FOLDER / "undisturbed"  # goes with the instance, whose hosts they are
GIVE_UP_SECONDS = 20  # for a run whose host has died and is back


@dataclass(frozen=True)
class Reference:
    """An undisturbed run of a scenario.

    Attributes:
        steps: the engine's steps as the watch saw them.
        seconds: of the whole run.
        engine_seconds: from the engine's begin to the end of the run.
        end: what the host was afterwards.
    """

    steps: list[str]
    seconds: float
    engine_seconds: float
    end: Survey


@dataclass
class Seen:
    """What was seen of one cut run."""

    was_running: bool
    steps: list[str] = field(default_factory=list)
    run: subprocess.Popen[bytes] | None = None


def references(numbers: Sequence[int], seed: int) -> dict[int, Reference]:
    """Return the undisturbed runs of scenarios, making those that are not there yet."""
    known = {number: found for number in numbers if (found := _load(number, seed))}
    missing = [number for number in dict.fromkeys(numbers) if number not in known]
    while missing:
        batch = _one_per_host(missing, lambda number: number % len(site.HOSTS))
        known.update(_undisturbed(batch, seed))
        missing = [number for number in missing if number not in known]
    return known


def _undisturbed(numbers: Sequence[int], seed: int) -> dict[int, Reference]:
    scenarios = {_host(number): scenario_of(number, seed) for number in numbers}
    inventory = _prepare(scenarios)

    def run_one(host: str) -> tuple[list[str], float, float]:
        watch, log = Watch(host), FOLDER / f"undisturbed-{scenarios[host].number}.log"
        began = time.monotonic()
        process = site.begin(inventory, host, log)
        watch.wait(lambda: bool(watch.steps), site.RUN_SECONDS, lambda: process.poll() is not None)
        at_work = time.monotonic()
        process.wait(timeout=site.RUN_SECONDS)
        ended = time.monotonic()
        steps = watch.close()
        assert process.returncode == 0, log.read_text(errors="replace")[-6000:]
        return steps, ended - began, ended - at_work

    runs = _at_once(run_one, [*scenarios])
    ends = look([*scenarios])
    found = {}
    for host, scenario in scenarios.items():
        owed = debts(ends[host])
        assert not owed, f"{host}, undisturbed: {owed}"
        steps, seconds, at_work = runs[host]
        found[scenario.number] = Reference(steps, seconds, at_work, ends[host])
        REFERENCES.mkdir(parents=True, exist_ok=True)
        text = json.dumps(asdict(found[scenario.number]))
        _file(scenario.number, seed).write_text(text, encoding="utf-8")
    return found


def _load(number: int, seed: int) -> Reference | None:
    file = _file(number, seed)
    return Reference(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def _file(number: int, seed: int) -> Path:
    return REFERENCES / f"{seed}-{number}.json"


def play(
    cuts: Sequence[Cut], seed: int, known: Mapping[int, Reference], root: Path = ROOT
) -> list[dict[str, Any]]:
    """Cut one run on each host, finish all by one more run, judge; return a row for each cut.

    Args:
        cuts: on different hosts.
        seed: of the proof.
        known: the undisturbed runs of their scenarios.
        root: the checkout that is run.
    """
    began = time.monotonic()
    by_host = {cut.host: cut for cut in cuts}
    inventory = _prepare({cut.host: scenario_of(cut.scenario, seed) for cut in cuts})
    seen = _at_once(
        lambda host: _cut(by_host[host], known[by_host[host].scenario], inventory, root),
        [*by_host],
    )
    _bring_back(by_host, seen)
    hosts = [*by_host]
    second = site.converge(inventory, hosts, root=root)
    (FOLDER / f"kill_hosts-{cuts[0].number}-second.log").write_text(second.output, encoding="utf-8")
    ends = look(hosts)
    third = site.converge(inventory, hosts, root=root)
    seconds = (time.monotonic() - began) / len(cuts)
    rows = []
    for host, cut in by_host.items():
        reference = known[cut.scenario]
        broken = _judge(host, second, third, reference.end, ends[host])
        rows.append(
            {
                **asdict(cut),
                "host": host,
                "scenario": scenario_of(cut.scenario, seed).describe(),
                "was_running": seen[host].was_running,
                "last_step": (seen[host].steps or ["before the engine's first"])[-1],
                "steps": f"{len(seen[host].steps)} of {len(reference.steps)}",
                "second_run_had_work": host in second.counter("changed"),
                "paid": sorted(_paid(host, second)),
                "paths_compared": len(ends[host]["files"]),
                "seconds": round(seconds, 1),
                BROKEN: broken,
            }
        )
    return rows


def _prepare(scenarios: Mapping[str, Scenario]) -> str:
    """Put the hosts to where their runs start; return the inventory with their declarations."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    site.reset()
    _at_once(lambda host: site.on_host(host, "sh", text=scenarios[host].script), [*scenarios])
    return site.inventory({host: scenario.variables for host, scenario in scenarios.items()})


def _cut(cut: Cut, reference: Reference, inventory: str, root: Path) -> Seen:
    step = cut.step(len(reference.steps))
    engine_step = step if cut.kind not in (CONTROLLER, DEATH) else 0
    watch = Watch(cut.host, engine_step, cut.delay, tree=cut.tree)
    process = site.begin(inventory, cut.host, FOLDER / f"kill_hosts-{cut.number}.log", root)

    def ended() -> bool:
        return process.poll() is not None

    if cut.kind in (CONTROLLER, DEATH):
        _wait(cut, step, reference, watch, ended)
        seen = Seen(not ended())
        if cut.kind == DEATH:
            site.machine(cut.host).kill()
            seen.run = process
        else:
            _kill_tree(process)
    else:
        watch.wait(lambda: watch.killed is not None, site.RUN_SECONDS, ended)
        seen = Seen(bool(watch.killed))
        process.wait(timeout=site.RUN_SECONDS)
    seen.steps = watch.close()
    return seen


def _wait(
    cut: Cut, step: int, reference: Reference, watch: Watch, ended: Callable[[], bool]
) -> None:
    """Wait for the step or the moment: a controller's is in its run, a host's in the engine's."""
    if step:
        watch.wait(lambda: len(watch.steps) >= step, site.RUN_SECONDS, ended)
        delay = cut.delay
    elif cut.kind == DEATH:
        watch.wait(lambda: bool(watch.steps), site.RUN_SECONDS, ended)
        delay = cut.share * reference.engine_seconds
    else:
        delay = cut.share * reference.seconds
    until = time.monotonic() + delay
    while time.monotonic() < until and not ended():
        time.sleep(0.005)


def _bring_back(cuts: Mapping[str, Cut], seen: Mapping[str, Seen]) -> None:
    """Boot the hosts that died; their runs end by themselves, or whoever started them ends them."""
    site.power_cycle([host for host, cut in cuts.items() if cut.kind == DEATH])
    until = time.monotonic() + GIVE_UP_SECONDS
    for found in seen.values():
        if found.run:
            try:
                found.run.wait(timeout=max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                _kill_tree(found.run)


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a run with its workers, which have sessions of their own."""
    for victim in descendants(process.pid):
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait()


def _judge(host: str, second: Run, third: Run, expected: Survey, found: Survey) -> list[str]:
    """Return what does not hold after the run that had to finish a cut one."""
    lines = []
    for name, run in (("one more run", second), ("a third run", third)):
        counters = run.record.get("hosts", {}).get(host, {})
        bad = [what for what in ("failed", "unreachable") if counters.get(what)]
        if bad or not counters.get("executed"):
            lines.append(f"{name}: {', '.join(bad) or 'did nothing'}: {_about(host, run)}")
    if host in third.counter("changed"):
        lines.append(f"a third run changes something: {_about(host, third)}")
    return [*lines, *debts(found), *differences(expected, found)]


def _about(host: str, run: Run) -> str:
    """Return the last lines that a run printed about a host."""
    lines = [line.strip() for line in run.output.splitlines() if host in line]
    return " | ".join(lines[-6:])[:800]


def _paid(host: str, run: Run) -> set[str]:
    """Return the units whose restarts were left over from the cut run."""
    rows = [line.split() for line in run.output.splitlines() if "left over from a cut run" in line]
    return {
        words[words.index("unit") + 1]
        for words in rows
        if words[0] in (host, f"[{host}]") and "unit" in words
    }


def _host(number: int) -> str:
    return site.HOSTS[number % len(site.HOSTS)]


def _one_per_host(items: Sequence[int], place: Callable[[int], int]) -> list[int]:
    """Return the first of `items` for each place."""
    chosen: dict[int, int] = {}
    for item in items:
        chosen.setdefault(place(item), item)
    return [*chosen.values()]


def _at_once(work: Callable[[str], Any], hosts: Sequence[str]) -> dict[str, Any]:
    with ThreadPoolExecutor(max(1, len(hosts))) as pool:
        return dict(zip(hosts, pool.map(work, hosts), strict=True))
