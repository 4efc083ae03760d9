"""A plan file on a real host: whatever kind moved since is refused by name, before any change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds import KINDS

from tests.integration.host_state.conftest import HOST, REMOTE, SANDBOX, Remote

pytestmark = pytest.mark.lab
Entry = dict[str, Any]
UNIT, ACCOUNT = "probe-one.service", "probe-user"
TTL = "/proc/sys/net/ipv4/ip_default_ttl"  # of the host's own network name space
FIRST = f"{SANDBOX}/first"
UNIT_TEXT = "[Service]\\nExecStart=/bin/sleep infinity\\n[Install]\\nWantedBy=multi-user.target\\n"


@dataclass(frozen=True)
class Case:
    """A kind: its declaration, how it is found, how it moves after the plan and back.

    Attributes:
        entry: the declaration.
        before: makes the host differ from it.
        move: makes it differ otherwise.
        name: what the refusal calls it.
    """

    entry: Entry
    before: str
    move: str
    name: str
    back: str = ""


def text(path: str, content: str) -> str:
    return f"mkdir -p {Path(path).parent} && printf '{content}\\n' > {path}"


CASES = {
    "file": Case(
        {"file": f"{SANDBOX}/a", "content": "wanted\n"},
        text(f"{SANDBOX}/a", "one"),
        text(f"{SANDBOX}/a", "two"),
        f"{SANDBOX}/a",
    ),
    "directory": Case(
        {"directory": f"{SANDBOX}/d", "mode": "0711"},
        f"mkdir -p {SANDBOX}/d; chmod 0700 {SANDBOX}/d",
        f"chmod 0750 {SANDBOX}/d",
        f"{SANDBOX}/d",
    ),
    "symlink": Case(
        {"symlink": f"{SANDBOX}/l", "target": "wanted"},
        f"ln -sfn one {SANDBOX}/l",
        f"ln -sfn two {SANDBOX}/l",
        f"{SANDBOX}/l",
    ),
    "packages": Case(
        {"packages": ["probe-one", "probe-two"]},
        "true",
        f"dpkg --install {REMOTE}/apt/probe-two_1.0_all.deb",
        "probe-one",
        back="dpkg --purge probe-two",
    ),
    "unit": Case(
        {"unit": "probe-three.service", "state": "running", "enabled": True},
        f"printf '{UNIT_TEXT}' > /etc/systemd/system/probe-three.service; systemctl daemon-reload",
        "systemctl enable probe-three.service",
        "probe-three.service",
        back="systemctl disable probe-three.service",
    ),
    "sysctl": Case(
        {"sysctl": {"net.ipv4.ip_default_ttl": 77}, "file": "probe"},
        f"echo 64 > {TTL}",
        f"echo 65 > {TTL}",
        "probe",
    ),
    "kernel_modules": Case(
        {"kernel_modules": ["overlay"], "file": "probe"},
        text("/etc/modules-load.d/probe.conf", "one"),
        text("/etc/modules-load.d/probe.conf", "two"),
        "probe",
    ),
    "user": Case(
        {"user": ACCOUNT, "shell": "/bin/wanted"},
        f"id {ACCOUNT} || useradd --system {ACCOUNT}; usermod --shell /bin/one {ACCOUNT}",
        f"usermod --shell /bin/two {ACCOUNT}",
        ACCOUNT,
    ),
    "swap": Case(
        {"swap": "disabled"},
        "cp /root/fstab.kept /etc/fstab; echo '/dev/one none swap sw 0 0' >> /etc/fstab",
        "cp /root/fstab.kept /etc/fstab; echo '/dev/two none swap sw 0 0' >> /etc/fstab",
        "disabled",
    ),
    "artifact": Case(
        {"artifact": "probe-tool", "dest": "/usr/local/bin"},
        text("/usr/local/bin/probe-tool", "one"),
        text("/usr/local/bin/probe-tool", "two"),
        "probe-tool",
    ),
}
UNDO = f"""
mv /root/fstab.kept /etc/fstab; echo 64 > {TTL}; userdel {ACCOUNT} 2>/dev/null
systemctl disable --now probe-three.service; rm -f /etc/systemd/system/probe-three.service
systemctl daemon-reload
"""


def test_every_kind_has_a_case() -> None:
    assert CASES.keys() == KINDS.keys()


def test_a_stale_plan_is_refused_and_the_approved_one_applied_once(
    apt: Remote, tmp_path: Path
) -> None:
    """One story, since one plan file holds all kinds."""
    first = {"file": FIRST, "content": "first\n"}
    backs = ["true", *(case.back or case.before for case in CASES.values())]
    moves = [
        {"kind": kind, "script": f"set -e\n{back}\n{case.move}"}
        for back, (kind, case) in zip(backs, CASES.items(), strict=False)
    ]
    apt.sh("touch /etc/fstab; cp /etc/fstab /root/fstab.kept")
    apt.sh("set -e\n" + "\n".join(case.before for case in CASES.values()))
    try:
        result = apt.play(
            "stale.yml",
            [first, *(case.entry for case in CASES.values())],
            probe_moves=moves,
            probe_back=backs[-1],
            probe_first=FIRST,
            probe_plan_file=str(tmp_path / "plan.json"),
        )
    finally:
        apt.sh(f"{UNDO}true")
    assert result.code == 0, result.output
    for kind, said in result.data["kinds"].items():
        assert f"{HOST}: {kind} {CASES[kind].name}" in said["compared"], (kind, said)
        assert "planned" in said["compared"]
        assert said["applied"] == [], (kind, said)
        refused = said["bound"].startswith("Not as planned in")
        assert refused is (kind != "packages"), (kind, said)
    assert result.data["kinds"].keys() == CASES.keys()
    assert "No such file" in result.data["first"], "the first step was carried out"
    assert "steps are as planned" in result.data["same"]
    assert {row["kind"] for row in result.data["applied"]} == CASES.keys()
    assert "has nothing left to do" in result.data["done"]
    assert result.data["twice"] == []
