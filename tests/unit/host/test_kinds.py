"""Files, directories, links, users and leftovers on a simulated host."""

from __future__ import annotations

import os
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host import apt
from ansible_collections.biomax.platform.plugins.module_utils.host.system import (
    Completed,
    Host,
    run_command,
)

from tests.unit.host.simulated import SimulatedHost
from tests.unit.host.test_engine import lines

Entry = dict[str, Any]


def settle(simulated: SimulatedHost, *entries: Entry) -> list[str]:
    """Converge, check that nothing is left to do, and return `action detail` lines."""
    outcome = simulated.converge(entries)
    assert simulated.converge(entries).plan.steps == ()
    return [f"{step.action} {step.detail}".strip() for step in outcome.plan.steps]


def test_file_life(simulated: SimulatedHost) -> None:
    path = simulated.root / "etc/new/deep/a"
    entry: Entry = {"file": "/etc/new/deep/a", "content": "one"}
    assert settle(simulated, entry) == ["create with /etc/new"]
    assert settle(simulated, {**entry, "content": "two"}) == ["change content"]
    path.chmod(0o600)
    assert settle(simulated, {**entry, "content": "two"}) == ["adjust mode 0600 -> 0644"]
    assert settle(simulated, {**entry, "content": "3", "mode": "0600"}) == [
        "change content, mode 0644 -> 0600"
    ]
    path.unlink()
    path.symlink_to("/etc/passwd")
    assert settle(simulated, entry) == ["replace a symlink to /etc/passwd"]
    assert settle(simulated, {"file": "/etc/new/deep/a", "state": "absent"}) == ["remove"]
    assert settle(simulated, {"file": "/etc/new/deep/a", "state": "absent"}) == []


def test_half_written_files_are_cleaned(simulated: SimulatedHost) -> None:
    entry: Entry = {"file": "/etc/a", "content": "one"}
    simulated.converge([entry])
    half = simulated.root / "etc/.a.biomax-new"
    half.write_text("ha")
    assert settle(simulated, entry) == ["clean half-written file of a cut run"]
    half.write_text("ha")
    assert settle(simulated, {**entry, "content": "two"}) == ["change content"]
    (simulated.root / "etc/a").unlink()
    half.write_text("ha")
    absent: Entry = {"file": "/etc/a", "state": "absent"}
    assert settle(simulated, absent) == ["clean half-written file of a cut run"]
    assert simulated.leftovers() == []


def test_directory_life(simulated: SimulatedHost) -> None:
    entry: Entry = {"directory": "/srv/d/e", "mode": "0700"}
    assert settle(simulated, entry) == ["create with /srv"]
    (simulated.root / "srv/d/e").chmod(0o755)
    assert settle(simulated, entry) == ["adjust mode 0755 -> 0700"]
    kept: Entry = {"file": "/srv/d/e/kept", "content": "x"}
    simulated.converge([kept])
    with pytest.raises(UnsafeError, match="holds 1 entries"):
        simulated.converge([{"directory": "/srv/d/e", "state": "absent"}])
    gone: Entry = {"directory": "/srv/d/e", "state": "absent"}
    assert settle(simulated, {"file": "/srv/d/e/kept", "state": "absent"}, gone) == [
        "remove",
        "remove",
    ]


def test_a_link_to_a_directory_counts_as_one(simulated: SimulatedHost) -> None:
    (simulated.root / "srv/real").mkdir(parents=True, mode=0o755)
    (simulated.root / "srv/link").symlink_to(simulated.root / "srv/real")
    assert settle(simulated, {"directory": "/srv/link", "mode": "0755"}) == []


def test_symlink_life(simulated: SimulatedHost) -> None:
    entry: Entry = {"symlink": "/etc/l", "target": "one"}
    assert settle(simulated, entry) == ["create -> one"]
    assert settle(simulated, {**entry, "target": "two"}) == ["change -> one becomes -> two"]
    (simulated.root / "etc/.l.biomax-new").symlink_to("x")
    assert settle(simulated, {**entry, "target": "two"}) == ["clean half-made link of a cut run"]
    (simulated.root / "etc/l").unlink()
    (simulated.root / "etc/l").write_text("data")
    forced = {**entry, "force": True}
    assert settle(simulated, forced) == ["change file becomes -> one"]


def test_user_is_corrected(simulated: SimulatedHost) -> None:
    passwd, group = simulated.root / "etc/passwd", simulated.root / "etc/group"
    passwd.write_text(passwd.read_text() + "svc:x:990:990::/old:/bin/sh\n")
    group.write_text(group.read_text() + "svc:x:990:\nextra:x:991:other\n")
    entry: Entry = {"user": "svc", "home": "/new", "uid": 995, "groups": ["extra"]}
    outcome = simulated.converge([entry], check=True)
    assert outcome.plan.steps[0].data["commands"] == [
        [
            *("usermod", "--append", "--uid", "995", "--home", "/new"),
            *("--shell", "/usr/sbin/nologin", "--groups", "extra", "svc"),
        ]
    ]
    fresh = simulated.converge([{"user": "new", "uid": 7, "groups": ["extra"]}], check=True)
    assert fresh.plan.steps[0].data["commands"][0] == ["groupadd", "--system", "new"]
    assert fresh.plan.steps[0].data["commands"][1][:4] == ["useradd", "--system", "--uid", "7"]


def test_an_interrupted_installation_is_finished_once(simulated: SimulatedHost) -> None:
    status = simulated.root / "var/lib/dpkg/status"
    status.write_text("Package: alpha\nStatus: install ok half-configured\n\n")
    (simulated.root / "var/lib/dpkg/updates").mkdir()
    entries: list[Entry] = [{"packages": ["alpha"]}, {"packages": ["beta"]}]
    outcome = simulated.converge(entries)
    assert lines(outcome) == ["finish packages dpkg", "install packages beta"]
    assert outcome.plan.steps[0].detail == "interrupted: alpha"


def test_what_a_killed_installation_left_is_removed(simulated: SimulatedHost) -> None:
    simulated.converge([{"packages": ["alpha"]}])
    policy = simulated.root / apt.POLICY.lstrip("/")
    policy.write_text(f"#!/bin/sh\n{apt.POLICY_MARK}\nexit 101\n")
    outcome = simulated.converge([{"packages": ["alpha"]}])
    assert lines(outcome) == [f"clean packages {apt.POLICY}"]
    assert not policy.exists()


def test_dpkg_is_asked_again_while_another_has_its_lock(simulated: SimulatedHost) -> None:
    status = simulated.root / "var/lib/dpkg/status"
    status.write_text("Package: alpha\nStatus: install ok unpacked\n\n")
    answers = [Completed(2, "", "dpkg: error: dpkg frontend lock was locked by another process")]

    def configure(_arguments: list[str]) -> Completed:
        if answers:
            return answers.pop()
        status.write_text(status.read_text().replace("unpacked", "installed"))
        return Completed(0, "", "")

    simulated._run_dpkg = configure  # type: ignore[assignment,method-assign] # one program of the simulation
    assert lines(simulated.converge([{"packages": ["alpha"]}])) == ["finish packages dpkg"]


def test_packages_are_removed_with_all_that_is_declared(simulated: SimulatedHost) -> None:
    simulated.converge([{"packages": ["alpha", "beta"]}])
    outcome = simulated.converge([{"packages": ["alpha", "none"], "state": "absent"}])
    assert lines(outcome) == ["remove packages alpha"]


def test_a_host_without_dpkg_is_refused(simulated: SimulatedHost) -> None:
    (simulated.root / "var/lib/dpkg/status").unlink()
    with pytest.raises(PlatformError, match="This needs Debian or Ubuntu"):
        simulated.converge([{"packages": ["alpha"]}])


def test_masking_and_unmasking(simulated: SimulatedHost) -> None:
    simulated.converge([{"packages": ["alpha"]}])
    unit: Entry = {"unit": "alpha.service"}
    assert settle(simulated, {**unit, "state": "running", "enabled": True}) == [
        "enable",
        "start it is inactive",
    ]
    assert settle(simulated, {**unit, "state": "stopped", "enabled": "masked"}) == [
        "mask",
        "stop it is active",
    ]
    assert settle(simulated, {**unit, "enabled": True}) == ["unmask", "enable"]
    assert settle(simulated, {**unit, "enabled": False}) == ["disable"]


def test_commands_say_how_they_ended() -> None:
    assert run_command(["sh", "-c", "echo out; echo err >&2; exit 3"], 5, {}) == Completed(
        3, "out\n", "err\n"
    )
    assert run_command(["sh", "-c", "echo $EXTRA $LC_ALL"], 5, {"EXTRA": "x"}).out == "x C\n"
    assert run_command(["no-such-program"], 5, {}).code == 127
    slow = run_command(["sleep", "5"], 0.1, {})
    assert (slow.code, slow.err) == (124, "sleep: no end within 0.1 s")
    with pytest.raises(PlatformError, match="`false` ended with 1: no output"):
        Host().must_run(["false"])
    assert Host().user_id("root") == 0
    assert Host().group_id(str(os.getgid())) == os.getgid()
