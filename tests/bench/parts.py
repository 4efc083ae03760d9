"""What is measured. Each part needs nothing of the others and leaves no hosts behind."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from lab.hosts.instance import Instance
from tests.bench.cost import Cost, measure
from tests.bench.hosts import BenchLab, fresh_hosts
from tests.support.site import ROOT, VENV_BIN, environment

HOST_PHASES = ("playbooks/preflight.yml", "playbooks/converge_hosts.yml")
NOTHING = "tests/bench/nothing.yml"
COUNTERS = ("host_layer_tasks", "connections", "bytes_hashed")
REPEATS = 3
NONE = Instance("bench-none")  # no hosts: only the controller works


@dataclass
class Measured:
    """The result of one part: values by budget, costs by label, filled as they come."""

    values: dict[str, float] = field(default_factory=dict)
    costs: dict[str, Cost] = field(default_factory=dict)

    def add(self, budget: str, label: str, cost: Cost) -> Cost:
        """Keep a cost whose seconds are compared with a budget."""
        self.values[budget] = cost.seconds
        self.costs[label] = cost
        return cost


def light20(result: Measured) -> None:
    """Twenty hosts that run little: preflight, plan, no change, one changed file."""
    with fresh_hosts("bench-light", "light") as (hosts, _):
        first = quickest(hosts, HOST_PHASES[0])
        result.add("preflight_20", "preflight of 20 bare hosts and the mirror", first)
        plan = quickest(hosts, "playbooks/plan.yml")
        result.add("plan_20", "plan for 20 bare hosts and the mirror", plan)
        result.costs["host phases at 20 bare hosts"] = hosts.play(*HOST_PHASES)
        again = quickest(hosts, *HOST_PHASES)
        result.add("again_20", "host phases at 20 hosts, nothing to do", again)
        result.values |= {name: float(again.counters[name]) for name in COUNTERS}
        result.costs["two modules that do nothing, at the same hosts"] = quickest(hosts, NOTHING)
        changed = [changed_file(hosts, text) for text in map(str, range(REPEATS))]
        one = min(changed, key=lambda cost: cost.seconds)
        result.costs["host phases at 20 hosts, one changed file on each"] = one
        result.values["one_file_20"] = round(one.seconds - again.seconds, 2)


def site7(result: Measured) -> None:
    """The lab's own site: boot, form, run again, restore."""
    with fresh_hosts("bench-site", "default") as (hosts, boot):
        result.add("boot_7", "7 hosts booted", boot)
        result.add("form_7", "site.yml, bare hosts", hosts.play("site.yml"))
        again = quickest(hosts, "site.yml")
        result.add("again_7", "site.yml, nothing to do", again)
        result.values["again_7_changed"] = float(again.counters["changed"])
        result.costs["two modules that do nothing, with the cluster"] = quickest(hosts, NOTHING)
        hosts.lab("snapshot", "formed")
        restore, _ = measure(lambda: hosts.lab("restore", "formed"), hosts.instance)
        result.add("restore_7", "snapshot of the formed cluster brought back", restore)


def bundle(result: Measured) -> None:
    """The bundle when everything is in the caches."""
    result.add("bundle_unchanged", "bundle, nothing changed", build_bundle({}))


def bundle_cold(result: Measured) -> None:
    """The bundle from empty caches, and into a directory of its own."""
    with tempfile.TemporaryDirectory(dir=ROOT / ".lab") as folder:
        result.add("bundle_cold", "bundle from nothing", build_bundle({"XDG_CACHE_HOME": folder}))


def all_tests(result: Measured) -> None:
    """The whole test command; it replaces the lab that is up."""
    cost = program([str(VENV_BIN / "python"), "-m", "pytest", "-q"], {})
    result.add("all_tests", "pytest, everything", cost)


PARTS: dict[str, Callable[[Measured], None]] = {
    part.__name__: part for part in (bundle, light20, site7, bundle_cold, all_tests)
}
USUAL = ("bundle", "light20", "site7")  # the others take half an hour and more: ask for them


def quickest(hosts: BenchLab, *playbooks: str) -> Cost:
    """Return the quickest of a few runs that change nothing: the others shared the machine.

    Counters are the worst of them all; they must not depend on luck.
    """
    runs = [hosts.play(*playbooks) for _ in range(REPEATS)]
    worst = {name: max(run.counters[name] for run in runs) for name in runs[-1].counters}
    return replace(min(runs, key=lambda run: run.seconds), counters=worst)


def changed_file(hosts: BenchLab, content: str) -> Cost:
    """Return the cost of the host phases when one file has new content on every host."""
    entry = {"file": "/etc/biomax-platform/benchmark", "content": content}
    extra = json.dumps({"base_os_extra_resources": [entry]})
    return hosts.play(*HOST_PHASES, extra=("-e", extra))


def build_bundle(variables: dict[str, str]) -> Cost:
    """Build the bundle with further environment variables and return what it cost."""
    folder = variables.get("XDG_CACHE_HOME")
    output = f"{folder}/bundle" if folder else str(ROOT / ".lab/bundle")
    keys = str(ROOT / ".lab/keys")
    argv = [str(ROOT / "lab/bundle"), "build", "--output", output, "--keys", keys]
    return program(argv, variables)


def program(argv: list[str], variables: dict[str, str]) -> Cost:
    """Run a program whose output goes to the terminal and return what it cost.

    Raises:
        CalledProcessError: It failed.
    """
    cost, _ = measure(
        lambda: subprocess.run(
            argv, cwd=ROOT, env={**os.environ, **environment(), **variables}, check=True
        ),
        NONE,
    )
    return cost


def names(only: str) -> Iterator[str]:
    """Yield the parts that `only` names, separated by commas; the usual ones when it is empty.

    Raises:
        ValueError: A name is none of ours.
    """
    for name in only.split(",") if only else USUAL:
        if name not in PARTS:
            raise ValueError(f"No part {name!r}. Known: {', '.join(PARTS)}.")
        yield name
