"""What a host has to become, and from where: drawn declarations and drawn drift. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

PROBE = "kill-probe.service"
PLACE = "/etc/kill-proof"
_RESTART, _RELOAD = {"restarts": [PROBE]}, {"reloads": [PROBE]}

# Reads its configuration once at its start and once at a reload, and shows what it has read.
PROBE_UNIT = f"""[Service]
ExecStartPre=/bin/cp {PLACE}/started.conf /run/kill-probe.started
ExecStartPre=/bin/cp {PLACE}/loaded.conf /run/kill-probe.loaded
ExecStart=/bin/sleep infinity
ExecReload=/bin/cp {PLACE}/loaded.conf /run/kill-probe.loaded
# {{text}}
[Install]
WantedBy=multi-user.target
"""
Entries = list[dict[str, Any]]


def _file(name: str, text: str, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"file": f"{PLACE}/{name}.conf", "content": f"{text}\n" * 200, **(more or {})}


# Declarations beside the roles' own; each takes the text that tells one version from another.
_ENTRIES: Mapping[str, Callable[[str], Entries]] = {
    "files": lambda text: [_file(f"many-{number}", text) for number in range(8)],
    "links": lambda text: [
        {"directory": f"{PLACE}/folder", "mode": "0700"},
        {"symlink": f"{PLACE}/link", "target": text},
    ],
    "program": lambda text: [{"artifact": "etcdutl", "dest": f"/opt/kill-proof/{text}"}],
    "package": lambda text: [
        {"packages": ["ethtool"], "state": "absent" if text == "old" else "present"}
    ],
    "account": lambda text: [{"user": f"kill{text}"}],
}
# Values of the roles' own variables.
_VALUES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "time": lambda text: {"base_os_time_networks": ["192.0.2.0/25"] if text == "new" else []},
    "journal": lambda text: {"base_os_journal_max_use": "700M" if text == "new" else "600M"},
    "limits": lambda text: {"base_os_open_files_limit": "1024:65536" if text == "new" else "1024"},
    "containerd": lambda text: {"containerd_concurrent_downloads": 7 if text == "new" else 4},
    "kernel": lambda text: {
        "base_os_network_sysctl": {
            "net.ipv4.ip_forward": 1,
            "net.core.somaxconn": 16384 if text == "new" else 8192,
        }
    },
}
_PROBE_PARTS = ("probe started", "probe loaded", "probe unit")
PARTS = (*_VALUES, *_ENTRIES, *_PROBE_PARTS)


def declared(new: frozenset[str]) -> dict[str, Any]:
    """Return the variables of a host on which the parts `new` are new and the others old."""

    def text(part: str) -> str:
        return "new" if part in new else "old"

    values = {
        key: value for part, make in _VALUES.items() for key, value in make(text(part)).items()
    }
    entries = [entry for part, make in _ENTRIES.items() for entry in make(text(part))]
    unit = PROBE_UNIT.format(text=text("probe unit"))
    probe: Entries = [
        _file("started", text("probe started"), _RESTART),
        _file("loaded", text("probe loaded"), _RELOAD),
        {"file": f"/etc/systemd/system/{PROBE}", "content": unit, **_RESTART},
        {"unit": PROBE, "state": "running", "enabled": True},
    ]
    return {**values, "base_os_extra_resources": [*entries, *probe]}


OLD = declared(frozenset())

# What else may have happened to a converged host; every line is a shell command.
DRIFT: Mapping[str, str] = {
    "file gone": "rm /etc/chrony/chrony.conf",
    "file edited": "echo '# by hand' >>/etc/containerd/config.toml",
    "mode changed": f"chmod 0600 {PLACE}/started.conf",
    "owner changed": "chown 7:7 /etc/hosts",
    "program gone": "rm /usr/local/bin/ctr",
    "program damaged": "echo x >>/usr/local/bin/containerd-shim-runc-v2",
    "unit stopped": "systemctl stop containerd.service",
    "unit disabled": f"systemctl disable --now {PROBE}",
    "package purged": "dpkg --purge runc",
    "link moved": f"ln -sfn elsewhere {PLACE}/link",
    "parameter changed": "sysctl -qw net.core.somaxconn=4096",
    "half-written file left": "echo half >/etc/containerd/.config.toml.biomax-new",
}


@dataclass(frozen=True)
class Scenario:
    """From where a run starts and what it has to reach.

    Attributes:
        number: of the scenario; it also chooses the host.
        new: parts of the declaration that differ from those of the converged hosts.
        drift: what happened to the host before the run, names of DRIFT; none on a bare host.
    """

    number: int
    new: frozenset[str]
    drift: tuple[str, ...] = ()

    @property
    def variables(self) -> dict[str, Any]:
        """The declarations of the host."""
        return declared(self.new)

    @property
    def script(self) -> str:
        """Shell script that makes the drift."""
        return "\n".join(["set -e", *(DRIFT[name] for name in self.drift)])

    def describe(self) -> str:
        """Return it in a line."""
        return f"new: {', '.join(sorted(self.new))}; drift: {', '.join(self.drift) or 'none'}"


def draw_scenario(number: int, seed: int, *, bare: bool) -> Scenario:
    """Draw a scenario; the same arguments give the same one."""
    draw = random.Random(f"{seed}/scenario/{number}")  # noqa: S311 - a test's draw, not a secret
    new = frozenset(draw.sample(PARTS, draw.randint(3, len(PARTS) - 3)))
    drift = () if bare else tuple(draw.sample(sorted(DRIFT), draw.randint(0, 6)))
    return Scenario(number, new, drift)
