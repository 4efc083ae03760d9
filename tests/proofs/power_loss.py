"""Cut the power of a host in the middle of the engine's work; one more run must finish it.

    .venv/bin/python -m tests.proofs.power_loss --cuts 10 --seed 1

A virtual host with a volatile disk cache is ended by SIGKILL: its memory is gone, and of what its
disk was sent after the last flush an arbitrary part. Every second cut comes at a chosen step of
the engine's work, the others at drawn moments. Results go to `.lab/proofs/power_loss.json`; cuts
that held are not repeated, so a long proof can be stopped and resumed. A cut that fails is written
down with its reason, and the others follow.
"""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from tests.proofs.power import site
from tests.proofs.power.survey import broken_promises, changes_kept, look
from tests.proofs.power.watch import NOTE, Event, Watch
from tests.proofs.survival import lost_restarts_script
from tests.support.site import ROOT, Run

RESULTS = ROOT / ".lab" / "proofs" / "power_loss.json"
FROM_BARE_EVERY = 5  # cuts; the others change a host that is as declared
BARE_FACTOR = 3  # how much longer the first run on a bare host takes


@dataclass(frozen=True)
class Cut:
    """When the power goes.

    Attributes:
        number: of the cut; it also chooses what the run has to change.
        what: kind of the event that is waited for; `lock` is the engine's begin.
        name: of its object; `{number}` stands for the cut's number with three digits.
        there: whether the object comes or goes.
        delay: seconds between the event and the cut.
    """

    number: int
    what: str
    name: str = ""
    there: bool = True
    delay: float = 0.0

    @property
    def from_bare(self) -> bool:
        """Whether the run that is cut is the first on a bare host."""
        return self.number % FROM_BARE_EVERY == 0

    def is_met(self, event: Event) -> bool:
        """Tell whether an event is the one that is waited for."""
        wanted = (self.what, self.name.format(number=f"{self.number:03}"), self.there)
        return (event.what, event.name, event.there) == wanted


# One for each thing that must be durable before the next. The first is there on a bare host only.
STEPS = (
    ("path", "/usr/local/bin/.containerd-shim-runc-v2.biomax-new", True),
    ("process", "containerd.service", False),
    ("intent", "chrony.service", True),
    ("path", "/etc/containerd/config.toml", True),
    ("path", "/var/lib/dpkg/info/ethtool.list", True),
    ("path", "/etc/biomax-power/{number}/04.conf", True),
    ("process", "containerd.service", True),
)


def draw_cuts(count: int, seed: int, whole_seconds: float) -> list[Cut]:
    """Return the cuts of a proof; the same arguments give the same ones.

    Args:
        count: how many; one of three comes at a drawn moment, the others at the steps in turn.
        seed: of the draw.
        whole_seconds: how long a run takes on a host that is as declared.
    """
    draw = random.Random(seed)  # noqa: S311 - moments of a test, not secrets
    later = itertools.cycle(STEPS[1:])
    cuts = []
    for number in range(count):
        share = draw.random()
        from_bare = number % FROM_BARE_EVERY == 0
        if number % 3 == 2:
            moment = whole_seconds * share * (BARE_FACTOR if from_bare else 1)
            cuts.append(Cut(number, "lock", delay=round(moment, 1)))
        else:
            what, name, there = STEPS[0] if from_bare else next(later)
            cuts.append(Cut(number, what, name, there, delay=round(share / 2, 2)))
    return cuts


def watched_paths() -> list[str]:
    """Return the paths of all steps, for any cut."""
    return [name for what, name, _there in STEPS if what == "path"]


def cut_run(cut: Cut, inventory: str) -> tuple[list[Event], bool]:
    """Start a run, cut the power at the wanted moment and boot again.

    Returns:
        What was seen of the run, and whether it was still at work.
    """
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    paths = [path.format(number=f"{cut.number:03}") for path in watched_paths()]
    watch, machine = Watch(paths), site.leader()
    run = site.begin(inventory, cut.number, RESULTS.parent / f"power-{cut.number}.log")
    try:
        watch.wait(cut.is_met, site.RUN_SECONDS, lambda: run.poll() is not None)
        was_running = _still_running(run, cut.delay)
        site.cut_power(machine)
    finally:
        site.boot_again()
        watch.close()
        # A run whose host is gone must end by itself: SSH gives up after a minute.
        run.wait(timeout=300)
    return watch.events, was_running


def _still_running(run: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        run.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return True
    return False


def prove_cut(cut: Cut, inventory: str) -> dict[str, object]:
    """Cut one run, boot, look, run twice and compare; return the row of the report."""
    before = look()
    events, was_running = cut_run(cut, inventory)
    found, memory_was_lost = look(), _memory_was_lost(events)
    started = time.monotonic()
    second = site.converge(inventory, cut.number)
    (RESULTS.parent / f"power-{cut.number}-second.log").write_text(second.output)
    assert second.returncode == 0, second.output[-6000:]
    seconds = round(time.monotonic() - started, 1)
    after = look()
    broken = broken_promises(before, found, after, events)
    assert not broken, "\n".join(broken)
    _assert_owed_was_paid(found.owed, second)
    third = site.converge(inventory, cut.number)
    assert third.returncode == 0, third.output[-6000:]
    assert third.counter("changed") == {}, third.output[-6000:]
    kept, changed = changes_kept(before, found, after)
    return {
        **asdict(cut),
        "was_running": was_running,
        "memory_was_lost": memory_was_lost,
        "from_bare": cut.from_bare,
        "events": len(events),
        "intents_on_disk": sorted(found.owed),
        "changes_on_disk": kept,
        "changes": changed,
        "second_run_seconds": seconds,
    }


def _memory_was_lost(events: list[Event]) -> bool:
    """Tell whether the watch's note, which nobody synced, lacks events that it had written."""
    program = f"import os\nprint(os.path.exists({NOTE!r}) and open({NOTE!r}).read())"
    return len(site.on_virtual_host(program).splitlines()) < len(events) - 1


def _assert_owed_was_paid(owed: set[str], second: Run) -> None:
    """Check that each intent on the disk was paid, and no process is older than its inputs."""
    for unit in owed - {"daemon-reload"}:
        # A unit that never ran is started, which pays as well.
        paid = (f"unit {unit} (left over from a cut run", f"start unit {unit} ")
        assert any(words in second.output for words in paid), second.output[-6000:]
    script = lost_restarts_script()
    assert site.on_virtual_host(f"import os\nos.execv('/bin/sh', ['sh', '-c', {script!r}])") == ""


class Proof:
    """Ten cuts, or however many: brings the host to where each begins."""

    def __init__(self) -> None:
        """Boot both hosts and fill the mirror."""
        self.inventory = site.start()
        self.is_converged = False

    def measure(self) -> float:
        """Converge the bare host, then measure an undisturbed run; return its seconds."""
        bare = site.converge(self.inventory, 998)
        assert bare.returncode == 0, bare.output[-6000:]
        started = time.monotonic()
        run = site.converge(self.inventory, 999)
        assert run.returncode == 0, run.output[-6000:]
        site.instance_lab("snapshot", site.CONVERGED)
        self.is_converged = True
        return time.monotonic() - started

    def prepare(self, cut: Cut) -> None:
        """Bring the host to the state from which a cut begins."""
        if cut.from_bare:
            site.instance_lab("restore", site.BARE)
        elif not self.is_converged:
            site.instance_lab("restore", site.CONVERGED)
        self.is_converged = False

    def prove(self, cut: Cut) -> dict[str, object]:
        """Prove one cut; return its row, with `failed` when a promise was broken."""
        self.prepare(cut)
        try:
            row = prove_cut(cut, self.inventory)
        except (AssertionError, subprocess.SubprocessError) as error:
            return {**asdict(cut), "failed": str(error)}
        self.is_converged = True  # otherwise the next cut begins from the snapshot
        return row


def read_results() -> dict[str, Any]:
    """Return what earlier calls measured, without the cuts that failed."""
    if not RESULTS.exists():
        return {"whole_seconds": 0.0, "cuts": []}
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    found["cuts"] = [row for row in found["cuts"] if "failed" not in row]
    return found


def main(
    cuts: Annotated[int, typer.Option(help="How many.")] = 10,
    seed: Annotated[int, typer.Option(help="Draws the moments; the same seed replays them.")] = 1,
) -> None:
    """Cut the power `cuts` times."""
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    results = read_results()
    rows = results["cuts"]
    done = {row["number"] for row in rows}
    if len(done) >= cuts:
        return
    proof = Proof()
    measured = proof.measure()
    # Kept, so that a proof that is resumed draws the same moments.
    results["whole_seconds"] = results["whole_seconds"] or measured
    for cut in draw_cuts(cuts, seed, results["whole_seconds"]):
        if cut.number in done:
            continue
        row = proof.prove(cut)
        rows.append(row)
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
        print(json.dumps(row), flush=True)
    site.instance_lab("down", "--purge")
    failed = [row["number"] for row in rows if "failed" in row]
    assert not failed, f"cuts {failed} of {cuts} broke a promise: see {RESULTS}"
    assert sum(len(row["intents_on_disk"]) for row in rows), "no cut left an intent: cut elsewhere"


if __name__ == "__main__":
    typer.run(main)
