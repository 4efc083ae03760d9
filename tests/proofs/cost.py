"""What a run costs, counted: more than recorded in cost.yml fails, times are only printed.

.venv/bin/python -m tests.proofs.cost            # compares
.venv/bin/python -m tests.proofs.cost --record   # writes what was counted into cost.yml
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import parse_objects
from ansible_collections.biomax.platform.plugins.module_utils.cluster.state import converge
from ansible_collections.biomax.platform.plugins.module_utils.cluster.waiting import Options

from tests.bench.cost import measure
from tests.bench.hosts import new_connections
from tests.proofs.light import site
from tests.proofs.light.scenario import OLD
from tests.proofs.results import BROKEN, Results
from tests.support.apiserver import api_server

RECORD = Path(__file__).with_name("cost.yml")
REPEATS = 3  # what runs in the background of a host only ever adds processes
MEMBERS = site.HOSTS[2:5]
NEW_NODE = site.HOSTS[0]
SETTLE_SECONDS = 3  # a converged host that has just booted still starts things
Counters = dict[str, int]
_HEAD = "---\n# The most that a run may cost, written by `python -m tests.proofs.cost --record`.\n"
_OBJECTS = """
apiVersion: v1
kind: Namespace
metadata: {{name: cost-proof}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: cost-proof}}
data: {{colour: {colour}}}
---
apiVersion: v1
kind: Service
metadata: {{name: web, namespace: cost-proof}}
spec:
  selector: {{app: web}}
  ports:
    - {{name: http, port: 80, targetPort: 8080}}
"""
# Modules note their start in the journal, and the SSH server each login.
_JOURNAL = """
journalctl --sync
journalctl --since=@{since} --output=short >/run/cost-proof
grep -cE ' sshd\\[[0-9]+\\]: Accepted ' /run/cost-proof
grep -cE ' (python3|ansible-[^ ]*)\\[[0-9]+\\]: .*Invoked (with|for)' /run/cost-proof
true
"""


def hosts_cases() -> dict[str, Counters]:
    """Count runs on light hosts: nothing to do, one changed file on each, one more node."""
    site.reset()
    time.sleep(SETTLE_SECONDS)
    same = dict.fromkeys((*MEMBERS, NEW_NODE), OLD)
    no_change = [_count(same, MEMBERS) for _ in range(REPEATS)]
    one_file = [_count(_with_file(same, str(text)), MEMBERS) for text in range(REPEATS)]
    one_more = _count(_with_file(same, str(REPEATS - 1)), (*MEMBERS, NEW_NODE))
    return {
        "no change": _least(no_change),
        "one changed file": _least(one_file),
        "one more node, the others": _most(one_more, MEMBERS),
        "one more node, itself": {
            name: value for name, value in one_more[NEW_NODE].items() if name != "processes"
        },
    }


def _with_file(variables: Mapping[str, site.Variables], text: str) -> dict[str, site.Variables]:
    """Add a file with content `text` to each host's declarations."""
    entry = {"file": "/etc/kill-proof/one.conf", "content": text}
    known = OLD["base_os_extra_resources"]
    return {
        host: {**own, "base_os_extra_resources": [*known, entry]} for host, own in variables.items()
    }


def _count(variables: Mapping[str, site.Variables], hosts: Sequence[str]) -> dict[str, Counters]:
    """Run once with connections of its own; return the counters of each host."""
    inventory = site.inventory(variables)
    overhead = _last_process(hosts, after=_last_process(hosts))
    since, first = time.time(), _last_process(hosts)
    with new_connections() as connections:
        cost, run = measure(lambda: site.converge(inventory, hosts, *connections), site.INSTANCE)
    assert run.returncode == 0, run.output[-6000:]
    processes = _last_process(hosts, after=first)
    print(f"    {len(hosts)} hosts: {cost.seconds:.1f} s", flush=True)
    script = _JOURNAL.format(since=f"{since:.3f}")
    noted = {host: [int(word) for word in _shell(host, script).split()] for host in hosts}
    hashed, changed = run.counter("bytes_hashed"), run.counter("changed")
    return {
        host: {
            "tasks": int(run.record["hosts"][host]["executed"]),
            "changed tasks": changed.get(host, 0),
            "module runs": noted[host][1],
            "connections": noted[host][0],
            "bytes hashed": hashed.get(host, 0),
            "processes": processes[host] - overhead[host],
            "API requests": 0,
        }
        for host in hosts
    }


def _last_process(hosts: Sequence[str], after: Mapping[str, int] | None = None) -> dict[str, int]:
    """Return the number of the newest process of each host, or how many came since `after`.

    Numbers are given in order, in each host's own count.
    """
    pids = {host: int(_shell(host, "echo $$")) for host in hosts}
    return {host: pid - (after[host] if after else 0) for host, pid in pids.items()}


def _shell(host: str, script: str) -> str:
    """Run a shell script at the console of a host, which is no login."""
    argv = site.machine(host).exec_argv(["sh", "-c", script])
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _most(counted: Mapping[str, Counters], hosts: Sequence[str]) -> Counters:
    """Return the most of each counter over `hosts`; of processes the least.

    What else runs on a host adds to its processes and to no other counter.
    """
    return {
        name: (min if name == "processes" else max)(counted[host][name] for host in hosts)
        for name in counted[hosts[0]]
    }


def _least(runs: Sequence[Mapping[str, Counters]]) -> Counters:
    """Return the most over hosts in the cheapest of equal runs."""
    most = [_most(run, [*run]) for run in runs]
    return {name: min(row[name] for row in most) for name in most[0]}


def api_cases() -> dict[str, Counters]:
    """Count the API requests of a component's objects: none changed, one changed."""
    found = {}
    with tempfile.TemporaryDirectory() as folder, api_server(Path(folder)) as kubeconfig:
        for name, colour in (("", "green"), ("no change", "green"), ("one changed object", "blue")):
            parsed = [("cost_proof", parse_objects(_OBJECTS.format(colour=colour), "proof"))]
            client = open_client(str(kubeconfig))
            result = converge(client, parsed, Options(ready_seconds=1.0), check=False)
            if name:
                found[f"API, {name}"] = {"API requests": int(result["requests"]["total"])}
    return found


def excess(recorded: Mapping[str, Counters], counted: Mapping[str, Counters]) -> list[str]:
    """Return a line for each counter that is above its record, or has none."""
    return [
        f"{case}: {value} {name}, and {recorded.get(case, {}).get(name, 'nothing')} is recorded"
        for case, counters in counted.items()
        for name, value in counters.items()
        if value > recorded.get(case, {}).get(name, -1)
    ]


def read_record() -> dict[str, Counters]:
    """Return what cost.yml allows."""
    recorded: dict[str, Counters] = yaml.safe_load(RECORD.read_text(encoding="utf-8"))
    return recorded


def main(
    record: Annotated[bool, typer.Option(help="Write what was counted into cost.yml.")] = False,
    keep: Annotated[bool, typer.Option(help="Leave the light hosts up in the end.")] = False,
) -> None:
    """Count and compare."""
    results = Results("cost", "python -m tests.proofs.cost")
    site.ready()
    try:
        counted = {**hosts_cases(), **api_cases()}
    finally:
        if not keep:
            site.down()
    if record:
        text = yaml.safe_dump(counted, sort_keys=False)
        RECORD.write_text(_HEAD + text, encoding="utf-8")
    over = excess(read_record(), counted)
    results.rows = [{"case": name, **row, BROKEN: []} for name, row in counted.items()]
    results.rows[0][BROKEN] = over
    results.numbers = {
        f"{case}: {name}": value for case, row in counted.items() for name, value in row.items()
    }
    results.save()
    print(json.dumps(counted, indent=1))
    print("\n".join(over) or "no more than recorded")
    sys.exit(1 if over else 0)


if __name__ == "__main__":
    typer.run(main)
