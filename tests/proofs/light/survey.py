"""What a host is: everything that a run may change, and how two such surveys differ."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.proofs.light.scenario import PLACE, PROBE
from tests.proofs.light.site import on_hosts
from tests.proofs.power.survey import GENERATED
from tests.proofs.power.survey import INPUTS as CONFIGURATION

PROGRAM = Path(__file__).parent / "programs" / "survey.py"
Survey = dict[str, Any]
SHOWN = 12  # differences of one kind; more only repeat the first

# Left out with everything below, and why.
EXCEPT: Mapping[str, str] = {
    "/proc": "the kernel's",
    "/sys": "the kernel's",
    "/dev": "the kernel's",
    "/run": "of this boot; units and kernel parameters are compared by themselves",
    "/tmp": "nobody's",
    "/var/tmp": "nobody's",
    "/root": "Ansible's temporary files and the shell's history",
    "/var/log": "journals go on",
    "/var/cache": "can be made again: apt, debconf, ldconfig, man",
    "/var/lib/apt": "apt's copies of package lists and the day of its last look",
    "/var/backups": "dpkg's daily copies",
    "/var/lib/systemd": "random seed, timers' last runs, the last clock",
    "/var/lib/chrony": "measured drift and sources",
    "/var/lib/containerd": "containerd's own database, whose pages are written at every start",
    "/var/lib/dpkg/lock": "empty; it exists from the first use on",
    "/var/lib/dpkg/lock-frontend": "as above",
    "/var/lib/dpkg/triggers/Lock": "as above",
    "/var/lib/dpkg/status-old": "the database before the last change; the database is compared",
    "/var/lib/dpkg/diversions-old": "as above",
    "/var/lib/dpkg/statoverride-old": "as above",
    "/var/lib/dpkg/available": "apt does not keep it",
    "/var/lib/biomax-platform": "the engine's lock and caches; its ledger is compared by itself",
    **dict.fromkeys(GENERATED[1:], "made by several steps of packages; accounts are compared"),
}
# Inputs beside those of the proof on loss of power: what has `restarts` in the roles' declarations.
INPUTS: Mapping[str, Sequence[str]] = {
    **{unit: tuple(paths) for unit, paths in CONFIGURATION.items()},
    "chrony.service": (
        *CONFIGURATION["chrony.service"],
        "/etc/default/chrony",
        "/etc/systemd/system/chrony.service.d/biomax-platform.conf",
    ),
    "containerd.service": (
        *CONFIGURATION["containerd.service"],
        "/etc/systemd/system/containerd.service",
        "/usr/local/bin/containerd-shim-runc-v2",
        "/usr/local/bin/ctr",
    ),
    PROBE: (f"{PLACE}/started.conf", f"/etc/systemd/system/{PROBE}"),
}
# What the probe has read must be what stands there now.
READ: Mapping[str, str] = {
    f"{PLACE}/started.conf": "/run/kill-probe.started",
    f"{PLACE}/loaded.conf": "/run/kill-probe.loaded",
}
# Without a run most of it stays as it is, so a check is measured on that, too.
_STILL = (
    "/tmp",
    "/var/tmp",
    "/var/lib/apt",
    "/var/cache",
    "/var/backups",
    "/var/lib/dpkg",
    "/var/lib/biomax-platform",
    "/etc",
)
CHECK_EXCEPT: Mapping[str, str] = {
    **{path: why for path, why in EXCEPT.items() if not path.startswith(_STILL)},
    "/var/lib/biomax-platform/lock": "a check takes it as well, so as not to see half a run",
}
TIMELESS: Mapping[str, str] = {
    "/tmp": "Ansible unpacks a module there and removes it; what is in it is compared",
}
PARAMETERS = ("net/ipv4/ip_forward", "net/core/somaxconn")  # a host's own; others are shared
# Units that come and go by themselves.
_PASSING = re.compile(
    r"^(session-.*|user@.*|user-\d+.*|user-runtime-dir@.*|run-.*|dev-.*|sys-.*|init\.scope"
    r"|proc-.*|apt-daily.*|dpkg-db-backup.*|systemd-tmpfiles-clean.*|phpsessionclean.*"
    r"|systemd-(hostnamed|timedated|localed)\.service|.*\.(slice|device|scope))$"
)
_IDLE = ["inactive", "dead", ""]


def look(hosts: Sequence[str], *, times: bool = False) -> dict[str, Survey]:
    """Survey several hosts at once.

    Args:
        hosts: which.
        times: whether also when each path was changed and each unit started, to see a check.
    """
    wanted = {
        "except": sorted(CHECK_EXCEPT if times else EXCEPT),
        "times": times,
        "timeless": sorted(TIMELESS),
        "inputs": INPUTS,
        "parameters": PARAMETERS,
        "read": [path for pair in READ.items() for path in pair],
    }
    argument = json.dumps(wanted)
    printed = on_hosts(hosts, "python3", "-", argument, text=PROGRAM.read_text(encoding="utf-8"))
    return {host: json.loads(text) for host, text in printed.items()}


def differences(expected: Survey, found: Survey) -> list[str]:
    """Return a line for each thing of `found` that is not as in `expected`."""
    lines: list[str] = []
    for kind in ("files", "units", "starts", "packages", "parameters", "ledger"):
        new = list(_of_kind(kind, expected[kind], found[kind]))
        lines += new[:SHOWN]
        if len(new) > SHOWN:
            lines.append(f"{kind}: {len(new) - SHOWN} more")
    return lines


def _of_kind(kind: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({**expected, **found}):
        if kind in ("units", "starts") and _PASSING.match(name):
            continue
        absent = _IDLE if kind == "units" else None
        old, new = expected.get(name, absent), found.get(name, absent)
        if old != new:
            yield f"{kind} {name}: {_short(new)}, and {_short(old)} was expected"


def _short(value: Any) -> str:
    if value is None:
        return "not there"
    words = [str(word) for word in value] if isinstance(value, list) else [str(value).strip()]
    return " ".join(word[:12] if len(word) == 64 else word for word in words)


def debts(found: Survey) -> list[str]:
    """Return a line for each restart or reload that is owed or was lost."""
    return [
        *(f"ledger: {name} is still there" for name in found["ledger"]),
        *found["older"],
        *(
            f"{PROBE}: it has not read what {source} holds now"
            for source, copy in READ.items()
            if found["read"].get(source) != found["read"].get(copy)
        ),
    ]
