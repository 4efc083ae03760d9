"""Look at a host without the engine: files, packages, units, accounts and sysctls, by item.

Runs on the host, standard library only:

    survey.py mutate '{"units": [...], "sysctls": [...]}' 'shell script'
    survey.py look '{…}'
    survey.py report '{…}'

look first, then run the script; look at what it did; look at what a run did about it and print
what differs between the three surveys, as JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

STATE = Path("/run/plan-proof")
ROOTS = (
    "/etc",
    "/opt",
    "/usr",
    "/root",
    "/home",
    "/srv",
    "/var/lib/plan-proof",
    "/var/lib/plan-proof-old",
    "/var/log/kubernetes",
)
LEDGER = "/var/lib/biomax-platform/ledger"
# Accounts are items of their own, scripts of SysV belong to packages; the rest is written by
# programs for themselves, pods on their volumes among them.
PASSED = re.compile(
    r"^/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?$|^/etc/\.pwd\.lock$|^/etc/ld\.so\.cache$"
    r"|^/etc/(rc.|init)\.d(/|$)|^/root/\.ansible(/|$)|/__pycache__(/|$)"
    r"|^/srv/biomax-platform/volumes/"
)
UNIT_DIRECTORY = "/etc/systemd/system"
MERGED = re.compile(r"^/(bin|sbin|lib|lib64)(?=/|$)")  # links into /usr on a merged system
DPKG = Path("/var/lib/dpkg")
# Services that come and go with logins and timers.
PASSING_UNITS = re.compile(
    r"^(user@|user-runtime-dir@|session|apt-|dpkg-|e2scrub|systemd-tmpfiles)"
)
RUNNING = ("active", "activating", "reloading")

Items = dict[str, str]


def take(wanted: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return a survey: `items`, and `sums` that spare the next one from reading large files."""
    sums: dict[str, Any] = {}
    packages, owned = packaged()
    items = {f"package {name}": value for name, value in packages.items()}
    for path in walk():
        # A link there is how systemd remembers enabling, masking and aliases: the units tell it.
        links_a_unit = path.startswith(f"{UNIT_DIRECTORY}/") and Path(path).is_symlink()
        if (path not in owned or path.startswith("/etc/")) and not links_a_unit:
            items[f"file {path}"] = described(path, known.get("sums", {}), sums)
    items |= {f"file {path}": "an intent" for path in Path(LEDGER).glob("*")}
    items |= units(wanted["units"])
    items |= accounts()
    for key in wanted["sysctls"]:
        items[f"sysctl {key}"] = Path("/proc/sys", key.replace(".", "/")).read_text().strip()
    return {"items": items, "sums": sums}


def walk() -> Iterator[str]:
    """Yield every path below ROOTS that counts."""
    for root in ROOTS:
        for folder, directories, files in os.walk(root):
            if PASSED.search(folder):
                directories.clear()
                continue
            links = [name for name in directories if Path(folder, name).is_symlink()]
            names = [folder, *(f"{folder}/{name}" for name in (*files, *links))]
            yield from (name for name in names if not PASSED.search(name))


def described(path: str, known: Mapping[str, Any], sums: dict[str, Any]) -> str:
    """Return type, mode, owner and content or target of a path."""
    found = os.lstat(path)
    owner = f"{stat.S_IMODE(found.st_mode):04o} {found.st_uid}:{found.st_gid}"
    if stat.S_ISLNK(found.st_mode):
        return f"-> {Path(path).readlink()}"
    if not stat.S_ISREG(found.st_mode):
        return f"{stat.S_IFMT(found.st_mode):o} {owner}"
    identity = [found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]
    entry = known.get(path)
    digest = entry[1] if entry and entry[0] == identity else content_sum(path)
    sums[path] = [identity, digest]
    return f"file {owner} {digest}"


def content_sum(path: str) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as stream:  # noqa: PTH123 - hashlib reads from an open file
        return hashlib.file_digest(stream, "sha256").hexdigest()


def packaged() -> tuple[Items, set[str]]:
    """Return each package's state with its files outside /etc, and whose paths dpkg knows."""
    states = {}
    for block in (DPKG / "status").read_text().split("\n\n"):
        rows = dict(
            line.split(": ", 1) for line in block.splitlines() if re.match(r"[A-Z]\S+: ", line)
        )
        if rows.get("Package"):
            states[rows["Package"]] = f"{rows.get('Status')} {rows.get('Version')}"
    owned: set[str] = set()
    for listing in (DPKG / "info").glob("*.list"):
        name = listing.stem.split(":")[0]
        paths = [MERGED.sub(r"/usr/\1", line) for line in listing.read_text().splitlines()]
        owned.update(paths)
        looks = hashlib.sha256("\n".join(filter(None, map(looks_of, paths))).encode())
        states[name] = f"{states.get(name)} {looks.hexdigest()}"
    return states, owned


def looks_of(path: str) -> str:
    """Return how a package's file looks; files below /etc are items of their own."""
    try:
        found = os.lstat(path)
    except OSError:
        return f"{path} missing"
    if path.startswith("/etc/"):
        return ""
    owner = f"{path} {found.st_mode:o} {found.st_uid}:{found.st_gid}"
    is_file = stat.S_ISREG(found.st_mode)
    return f"{owner} {found.st_size} {int(found.st_mtime)}" if is_file else owner


def units(declared: list[str]) -> Items:
    """Return for each service whether it runs, starts at boot, when it started and reloaded."""
    active = run(
        "systemctl", "list-units", "--type=service", "--state=active", "--no-legend", "--plain"
    )
    names = {line.split()[0] for line in active.splitlines() if line.strip()}
    names = {name for name in names if not PASSING_UNITS.match(name)} | set(declared)
    wanted = "--property=ActiveState,UnitFileState,InvocationID,ExecReload"
    blocks = run("systemctl", "show", wanted, "--", *sorted(names)).strip("\n").split("\n\n")
    items = {}
    for name, block in zip(sorted(names), blocks, strict=True):
        rows = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        running = rows["ActiveState"] in RUNNING
        items[f"unit {name}"] = "runs" if running else "does not run"
        items[f"unit {name} at boot"] = rows["UnitFileState"]
        items[f"unit {name} started"] = rows["InvocationID"] if running else ""
        reloaded = re.findall(r"start_time=\[([^]]*)\]", rows.get("ExecReload", ""))
        items[f"unit {name} reloaded"] = " ".join(time for time in reloaded if time != "n/a")
    return items


def accounts() -> Items:
    """Return users and groups with their lines, passwords left out."""
    items = {}
    for kind, path in (("user", "/etc/passwd"), ("group", "/etc/group")):
        for line in Path(path).read_text().splitlines():
            items[f"{kind} {line.split(':', 1)[0]}"] = line
    return items


def run(*argv: str) -> str:
    """Run a program that must succeed and return what it printed."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def differences(first: Items, second: Items) -> dict[str, list[str | None]]:
    """Return the items that differ, with both values."""
    return {
        item: [first.get(item), second.get(item)]
        for item in sorted({*first, *second})
        if first.get(item) != second.get(item)
    }


def report() -> dict[str, Any]:
    """Return what differs between the surveys, and which units ran after the mutations."""
    before, mutated, after = (load(name)["items"] for name in ("before", "mutated", "after"))
    return {
        "mutated": differences(before, mutated),
        "applied": differences(mutated, after),
        "left": differences(before, after),
        "running": [item[5:] for item, value in mutated.items() if value == "runs"],
    }


def load(name: str) -> dict[str, Any]:
    """Return an earlier survey."""
    found: dict[str, Any] = json.loads((STATE / f"{name}.json").read_text())
    return found


def look(name: str, wanted: Mapping[str, Any]) -> None:
    """Take a survey and keep it under a name."""
    STATE.mkdir(exist_ok=True)
    latest = max(STATE.glob("*.json"), key=lambda path: path.stat().st_mtime, default=None)
    known = json.loads(latest.read_text()) if latest else {}
    (STATE / f"{name}.json").write_text(json.dumps(take(wanted, known)))


def main() -> None:
    """Do what the command line says."""
    names = {"mutate": "before", "look": "mutated", "report": "after"}
    command, wanted = sys.argv[1], json.loads(sys.argv[2])
    look(names[command], wanted)
    if command == "mutate":
        run("bash", "-c", sys.argv[3])
    if command == "report":
        print(json.dumps(report()))


if __name__ == "__main__":
    main()
