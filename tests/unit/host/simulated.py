"""A host in a directory: systemd, apt and a few programs, whose state survives a killed run.

A unit that starts remembers the unit file that systemd has loaded and the files that the unit
file names with `X-Reads=`. So a lost restart is visible: what runs is not what is declared.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.approval import Approval
from ansible_collections.biomax.platform.plugins.module_utils.host import apt
from ansible_collections.biomax.platform.plugins.module_utils.host.declare import (
    Origin,
    check_entry,
    merge,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.engine import (
    Mode,
    Outcome,
    converge,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.host.mirror import Mirror
from ansible_collections.biomax.platform.plugins.module_utils.host.model import Context, Resource
from ansible_collections.biomax.platform.plugins.module_utils.host.source import BundleSource
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Completed, Host

UNIT_DIRECTORIES = ("etc/systemd/system", "lib/systemd/system")
DONE = Completed(0, "", "")


class SimulatedHost:
    """The tree at `root` with programs that act on it."""

    def __init__(self, root: Path, tick: Callable[[], None] = lambda: None) -> None:
        """Make a bare host at `root`; `tick` is called around each effect of a program."""
        self.root = root
        self.tick = tick
        self.commands: list[list[str]] = []
        self.fail: dict[str, Completed] = {}
        if not (root / "etc").exists():
            self._bare()
        self.host = Host(root=root, runner=self.run, sleep=lambda _seconds: None)

    def _bare(self) -> None:
        for name in ("etc/systemd/system", "lib/systemd/system", "var/lib/dpkg", "usr/sbin", "sim"):
            (self.root / name).mkdir(parents=True)
        for name in ("proc/sys/vm", "var/lib", "etc/apt/sources.list.d"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        owner = f"root:x:{os.getuid()}:{os.getgid()}:root:/root:/bin/sh\n"
        (self.root / "etc/passwd").write_text(owner)
        (self.root / "etc/group").write_text(f"root:x:{os.getgid()}:\n")
        (self.root / "var/lib/dpkg/status").write_text("")
        (self.root / "proc/sys/vm/swappiness").write_text("60\n")
        (self.root / apt.SOURCE.lstrip("/")).write_text("Types: deb\n")
        self.save({"units": {}, "loaded": {}, "masked": [], "enabled": []})

    # What the tests ask -------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return what systemd knows."""
        loaded: dict[str, Any] = json.loads((self.root / "sim/state.json").read_text())
        return loaded

    def save(self, state: Mapping[str, Any]) -> None:
        """Replace what systemd knows in one act."""
        temporary = self.root / "sim/state.new"
        temporary.write_text(json.dumps(state))
        temporary.rename(self.root / "sim/state.json")

    def stale(self) -> list[str]:
        """Return running units whose present files are not those they were started with."""
        state = self.state()
        return [
            unit
            for unit, started in state["units"].items()
            if started is not None and started != self.inputs(self.unit_file(unit))
        ]

    def running(self) -> list[str]:
        """Return the units that run."""
        return sorted(unit for unit, started in self.state()["units"].items() if started)

    def leftovers(self) -> list[str]:
        """Return what only a cut run leaves: new versions, intents, a policy."""
        found = [p for p in self.root.rglob("*") if p.name.endswith(".biomax-new")]
        found += (self.root / "var/lib/biomax-platform/ledger").glob("*")
        policy = self.root / apt.POLICY.lstrip("/")
        return [str(p.relative_to(self.root)) for p in found] + ["policy"] * policy.exists()

    # Calls --------------------------------------------------------------------------------------

    def context(self, mirrors: Sequence[Mirror] = (), key: str = "") -> Context:
        """Return what the engine works with."""
        source = BundleSource(self.host, mirrors, key, "")
        return Context(self.host, Hashes(self.host.state("hashes.json")), source)

    def converge(
        self,
        entries: Sequence[Mapping[str, Any]],
        *,
        check: bool = False,
        defer: bool = False,
        context: Context | None = None,
        approval: Approval | None = None,
    ) -> Outcome:
        """Make one call with `entries`."""
        outcome = Outcome()
        chosen = context or self.context()
        converge(chosen, resources(entries), outcome, Mode(check, defer, approval))
        return outcome

    # Programs -----------------------------------------------------------------------------------

    def run(self, argv: Sequence[str], _timeout: float, _extra: Mapping[str, str]) -> Completed:
        """Run a simulated program."""
        self.commands.append([*argv])
        if argv[0] in self.fail:
            return self.fail[argv[0]]
        self.tick()
        name = argv[0].replace("-", "_")
        handler = getattr(self, f"_run_{name}", None)
        done: Completed = handler([*argv[1:]]) if handler else Completed(127, "", "not found")
        self.tick()
        return done

    def unit_file(self, unit: str) -> str | None:
        """Return the text of the unit file on disk."""
        for directory in UNIT_DIRECTORIES:
            path = self.root / directory / unit
            if path.is_file():
                return path.read_text()
        return None

    def inputs(self, text: str | None) -> dict[str, str]:
        """Return the unit file and the files it reads."""
        reads = [line[8:] for line in (text or "").splitlines() if line.startswith("X-Reads=")]
        found = {path: (self.root / path.lstrip("/")) for path in reads}
        contents = {path: p.read_text() if p.exists() else "" for path, p in found.items()}
        return {"unit": text or "", **contents}

    def _run_systemctl(self, arguments: list[str]) -> Completed:
        verb, units = arguments[0], [a for a in arguments[1:] if "." in a and not a.startswith("-")]
        if verb == "show":
            return Completed(0, "\n\n".join(self._show(unit) for unit in units) + "\n", "")
        state = self.state()
        if verb == "daemon-reload":
            state["loaded"] = {}
        for unit in units:
            if verb in ("start", "restart") and self.unit_file(unit) is None:
                return Completed(5, "", f"Unit {unit} not found.")
            self._verb(state, verb, unit)
        self.save(state)
        return DONE

    def _verb(self, state: dict[str, Any], verb: str, unit: str) -> None:
        loaded = state["loaded"].setdefault(unit, self.unit_file(unit))
        if verb == "restart" or (verb == "start" and not state["units"].get(unit)):
            state["units"][unit] = self.inputs(loaded)
        if verb == "reload":
            state["units"][unit] = self.inputs(state["units"][unit]["unit"])
        if verb == "stop":
            state["units"][unit] = None
        for word, key in (("enable", "enabled"), ("mask", "masked")):
            names = set(state[key])
            if verb == word:
                names.add(unit)
            if verb in ({"enabled": "disable", "masked": "unmask"}[key],):
                names.discard(unit)
            state[key] = sorted(names)

    def _show(self, unit: str) -> str:
        state, text = self.state(), self.unit_file(unit)
        loaded = state["loaded"].get(unit, text)
        active = "active" if state["units"].get(unit) else "inactive"
        file = "masked" if unit in state["masked"] else "disabled" if text else ""
        file = "enabled" if unit in state["enabled"] and text else file
        load = "masked" if unit in state["masked"] else "loaded" if text else "not-found"
        reload = "yes" if loaded != text else "no"
        rows = ("LoadState", load), ("ActiveState", active), ("UnitFileState", file)
        return "\n".join(f"{k}={v}" for k, v in (*rows, ("NeedDaemonReload", reload)))

    def _run_apt_get(self, arguments: list[str]) -> Completed:
        words = [a for a in arguments if not a.startswith("-") and "::" not in a]
        if words[0] == "install":
            for name in words[1:]:
                self._dpkg(name, "half-configured")
                self.tick()
                unit = f"[Service]\nX-Reads=/etc/{name}.conf\n"
                (self.root / f"lib/systemd/system/{name}.service").write_text(unit)
                self.tick()
                self._dpkg(name, "installed")
        if words[0] == "remove":
            removed = "".join(f"Remv {name} [1.0]\n" for name in words[1:])
            if "--simulate" in arguments:
                return Completed(0, removed, "")
            for name in words[1:]:
                self._dpkg(name, "config-files")
        return DONE

    def _run_dpkg(self, arguments: list[str]) -> Completed:
        assert arguments[:2] == ["--configure", "-a"]
        status = self.root / "var/lib/dpkg/status"
        for name in apt.read_dpkg(self.host).unfinished:
            unit = f"[Service]\nX-Reads=/etc/{name}.conf\n"
            (self.root / f"lib/systemd/system/{name}.service").write_text(unit)
        status.write_text(status.read_text().replace("half-configured", "installed"))
        return DONE

    def _dpkg(self, name: str, word: str) -> None:
        status = self.root / "var/lib/dpkg/status"
        others = [
            p for p in status.read_text().split("\n\n") if p and f"Package: {name}\n" not in p
        ]
        others.append(f"Package: {name}\nStatus: install ok {word}")
        temporary = status.with_suffix(".new")
        temporary.write_text("\n\n".join(others) + "\n\n")
        temporary.rename(status)

    def _run_true(self, _arguments: list[str]) -> Completed:
        return DONE

    def _run_false(self, _arguments: list[str]) -> Completed:
        return Completed(1, "", "it says no")

    def _run_journalctl(self, _arguments: list[str]) -> Completed:
        return Completed(0, "last words\n", "")

    def _run_useradd(self, arguments: list[str]) -> Completed:
        passwd, name = self.root / "etc/passwd", arguments[-1]
        gid = os.getgid()
        line = f"{name}:x:{os.getuid()}:{gid}::/home/{name}:/usr/sbin/nologin\n"
        passwd.write_text(passwd.read_text() + line)
        return DONE

    def _run_usermod(self, arguments: list[str]) -> Completed:
        passwd, name = self.root / "etc/passwd", arguments[-1]
        options = dict(zip(arguments[:-1:2], arguments[1:-1:2], strict=True))
        rows = [line.split(":") for line in passwd.read_text().splitlines()]
        for row in rows:
            if row[0] == name:
                row[6] = options.get("--shell", row[6])
        passwd.write_text("".join(":".join(row) + "\n" for row in rows))
        return DONE

    def _run_groupadd(self, arguments: list[str]) -> Completed:
        group = self.root / "etc/group"
        group.write_text(group.read_text() + f"{arguments[-1]}:x:{os.getgid()}:\n")
        return DONE

    def _run_swapoff(self, arguments: list[str]) -> Completed:
        swaps = self.root / "proc/swaps"
        kept = [line for line in swaps.read_text().splitlines() if line.split()[0] != arguments[0]]
        swaps.write_text("\n".join(kept) + "\n")
        return DONE

    def _run_modprobe(self, arguments: list[str]) -> Completed:
        (self.root / "sys/module" / arguments[0]).mkdir(parents=True)
        return DONE


def resources(entries: Sequence[Mapping[str, Any]], role: str = "demo") -> list[Resource]:
    """Return checked resources as the action plugin would send them; `template` is not used."""
    file = f"{role}/resources/main.yml"
    declared = [check_entry(e, Origin(role, file, n)) for n, e in enumerate(entries, start=1)]
    return [Resource(position=n, **item.as_dict()) for n, item in enumerate(merge(declared))]
