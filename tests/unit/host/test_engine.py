"""Calls against a simulated host: what each kind plans and does, in which order."""

from __future__ import annotations

from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    NotReadyError,
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host import apt, engine
from ansible_collections.biomax.platform.plugins.module_utils.host.engine import Outcome
from ansible_collections.biomax.platform.plugins.module_utils.host.ledger import Ledger
from ansible_collections.biomax.platform.plugins.module_utils.host.report import result_of
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Completed

from tests.unit.host.bundles import MIRROR, Bundle
from tests.unit.host.simulated import SimulatedHost, resources

Entry = dict[str, Any]
CONF: Entry = {"file": "/etc/alpha.conf", "content": "one", "restarts": ["alpha.service"]}
ALPHA: Entry = {"unit": "alpha.service", "state": "running", "enabled": True, "disruptive": True}
SERVICE: list[Entry] = [{"packages": ["alpha"]}, CONF, ALPHA]


def lines(outcome: Outcome) -> list[str]:
    return [f"{step.action} {step.kind} {step.name}" for step in outcome.plan.steps]


def test_first_run_installs_writes_enables_and_starts_once(simulated: SimulatedHost) -> None:
    outcome = simulated.converge(SERVICE)
    assert lines(outcome) == [
        "install packages alpha",
        "create file /etc/alpha.conf",
        "enable unit alpha.service",
        "start unit alpha.service",
    ]
    assert outcome.applied == [*outcome.plan.steps]
    assert simulated.stale() == []
    assert lines(simulated.converge(SERVICE)) == []


def test_a_check_writes_nothing_and_predicts_the_run(simulated: SimulatedHost) -> None:
    before = sorted(map(str, simulated.root.rglob("*")))
    predicted = simulated.converge(SERVICE, check=True)
    assert sorted(map(str, simulated.root.rglob("*"))) == before
    assert predicted.applied == []
    assert simulated.converge(SERVICE).plan == predicted.plan


def test_a_change_restarts_after_the_units_own_declaration(simulated: SimulatedHost) -> None:
    simulated.converge(SERVICE)
    outcome = simulated.converge([SERVICE[0], {**CONF, "content": "two"}, ALPHA])
    assert lines(outcome) == ["change file /etc/alpha.conf", "restart unit alpha.service"]
    assert simulated.stale() == []


def test_a_stopped_unit_is_not_restarted(simulated: SimulatedHost) -> None:
    stopped = {"unit": "alpha.service", "state": "stopped"}
    simulated.converge([SERVICE[0], CONF, stopped])
    outcome = simulated.converge([SERVICE[0], {**CONF, "content": "two"}, stopped])
    assert lines(outcome) == ["change file /etc/alpha.conf"]
    assert simulated.leftovers() == []


def test_a_disruptive_plan_changes_nothing_when_deferred(simulated: SimulatedHost) -> None:
    simulated.converge(SERVICE)
    outcome = simulated.converge([SERVICE[0], {**CONF, "content": "two"}, ALPHA], defer=True)
    assert (outcome.deferred, outcome.applied) == (True, [])
    assert outcome.plan.disruptive == ("alpha.service",)
    assert (simulated.root / "etc/alpha.conf").read_text() == "one"
    harmless = simulated.converge([*SERVICE, {"file": "/etc/other", "content": "x"}], defer=True)
    assert harmless.deferred is False


def test_an_owed_restart_of_a_cut_run_is_in_the_next_plan(simulated: SimulatedHost) -> None:
    simulated.converge(SERVICE)
    Ledger(simulated.host).owe("alpha.service", "restart", "demo", "file /etc/alpha.conf")
    step = simulated.converge(SERVICE).plan.steps[0]
    assert (step.action, step.name) == ("restart", "alpha.service")
    assert step.detail.startswith("left over from a cut run of 20")
    assert simulated.leftovers() == []


def test_a_void_intent_is_dropped(simulated: SimulatedHost) -> None:
    Ledger(simulated.host).owe("gone.service", "restart", "demo", "file /x")
    assert lines(simulated.converge([{"file": "/etc/x", "content": "x"}])) == ["create file /etc/x"]
    assert simulated.leftovers() == []


def test_unit_files_cause_one_daemon_reload_before_the_units(simulated: SimulatedHost) -> None:
    unit = "[Service]\n"
    entries = [
        {"file": "/etc/systemd/system/a.service", "content": unit},
        {"file": "/etc/systemd/system/a.service.d/x.conf", "content": "[Service]\n"},
        {"unit": "a.service", "state": "running"},
    ]
    assert lines(simulated.converge(entries))[2:] == [
        "daemon-reload unit daemon-reload",
        "start unit a.service",
    ]


def test_a_failed_probe_is_named_and_asked_again(simulated: SimulatedHost) -> None:
    entries = [SERVICE[0], {**ALPHA, "ready": ["false"], "ready_seconds": 0}]
    with pytest.raises(NotReadyError, match=r"alpha.service was not ready within 0 s: `false`"):
        simulated.converge(entries)
    second = simulated.converge(entries, check=True)
    assert lines(second) == ["wait unit alpha.service"]
    assert second.plan.changes is False


def test_a_validation_that_fails_keeps_the_old_file(simulated: SimulatedHost) -> None:
    entry = {"file": "/etc/v", "content": "old", "validate": ["true", "%s"]}
    simulated.converge([entry])
    with pytest.raises(PlatformError, match=r"Checking the new /etc/v with `false /etc/\.v"):
        simulated.converge([{**entry, "content": "new", "validate": ["false", "%s"]}])
    assert (simulated.root / "etc/v").read_text() == "old"
    assert simulated.leftovers() == []


def test_a_full_disk_is_said_before_anything_is_touched(
    simulated: SimulatedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = namedtuple("space", "f_bavail f_frsize")
    monkeypatch.setattr("os.statvfs", lambda _path: space(10, 4096))
    with pytest.raises(PlatformError, match=r"has 0 MiB free and this run writes .* Nothing was"):
        simulated.converge([{"file": "/etc/x", "content": "x"}])
    assert not (simulated.root / "etc/x").exists()


def test_a_disk_that_fills_up_leaves_the_old_file(
    simulated: SimulatedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated.converge([{"file": "/etc/x", "content": "old"}])
    monkeypatch.setattr("os.fsync", _full)
    with pytest.raises(PlatformError, match=r"/etc/x: the disk is full .* old file is intact"):
        simulated.converge([{"file": "/etc/x", "content": "new"}])
    assert (simulated.root / "etc/x").read_text() == "old"
    assert simulated.leftovers() == []


def _full(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_what_does_not_stay_as_declared_is_an_error(
    simulated: SimulatedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = engine._carry_out

    def undone(context: Any, step: Any) -> None:
        original(context, step)
        (simulated.root / "etc/x").write_text("another program")

    monkeypatch.setattr(engine, "_carry_out", undone)
    with pytest.raises(PlatformError, match=r"still not as declared: change file /etc/x"):
        simulated.converge([{"file": "/etc/x", "content": "ours"}])


@pytest.mark.parametrize(
    ("entry", "error", "text"),
    [
        ({"file": "/etc"}, UnsafeError, "has a directory there"),
        ({"directory": "/etc/passwd"}, UnsafeError, "has a file there"),
        ({"symlink": "/etc/passwd", "target": "x"}, UnsafeError, "force: true"),
        ({"directory": "/etc", "state": "absent"}, UnsafeError, "Nothing is removed"),
        ({"unit": "no.service", "state": "running"}, InputError, "no such unit"),
        ({"sysctl": {"vm.none": 1}}, InputError, "kernel does not have"),
        ({"kernel_modules": ["none"]}, InputError, "neither loaded nor built in"),
        ({"file": "/etc/x", "content": "x", "owner": "nobody1"}, PlatformError, "nobody1 does not"),
        ({"artifact": "a", "dest": "/opt"}, InputError, "without `mirrors`"),
    ],
)
def test_bad_input_is_refused_with_what_to_do(
    simulated: SimulatedHost, entry: Entry, error: type[Exception], text: str
) -> None:
    if "file" in entry and "content" not in entry:
        entry = {**entry, "content": ""}
    with pytest.raises(error, match=text):
        simulated.converge([entry])


def test_users_own_files_that_come_later(simulated: SimulatedHost) -> None:
    owned: Entry = {"file": "/etc/x", "content": "x", "owner": "svc", "group": "svc"}
    outcome = simulated.converge([{"user": "svc"}, owned])
    assert [step.known_after for step in outcome.plan.steps] == ["", "user svc"]
    assert lines(simulated.converge([{"user": "svc"}, owned])) == []


def test_kernel_parameters_and_modules(simulated: SimulatedHost) -> None:
    dep = simulated.root / "lib/modules/6.1/modules.dep"
    dep.parent.mkdir(parents=True)
    dep.write_text("kernel/net/br_netfilter.ko.xz: kernel/net/bridge.ko.xz\n")
    (simulated.root / "proc/sys/kernel").mkdir()
    (simulated.root / "proc/sys/kernel/osrelease").write_text("6.1\n")
    entries: list[Entry] = [
        {"kernel_modules": ["br_netfilter"], "optional": ["none"]},
        {"sysctl": {"vm.swappiness": 1}},
    ]
    assert lines(simulated.converge(entries)) == ["load kernel_modules demo", "set sysctl demo"]
    assert (simulated.root / "proc/sys/vm/swappiness").read_text() == "1\n"
    assert "br_netfilter\nnone\n" in (simulated.root / "etc/modules-load.d/demo.conf").read_text()
    assert lines(simulated.converge(entries)) == []


@pytest.mark.parametrize(
    ("evidence", "action"),
    [("proc/sys/net/netfilter/nf_log", "load"), ("proc/sys/net/netfilter/nf_conntrack_max", "set")],
)
def test_other_entries_of_netfilter_are_no_connection_tracking(
    simulated: SimulatedHost, evidence: str, action: str
) -> None:
    dep = simulated.root / "lib/modules/6.1/modules.dep"
    for path in (dep, simulated.root / "proc/sys/kernel/osrelease", simulated.root / evidence):
        path.parent.mkdir(parents=True, exist_ok=True)
    dep.write_text("kernel/net/netfilter/nf_conntrack.ko: \n")
    (simulated.root / "proc/sys/kernel/osrelease").write_text("6.1\n")
    (simulated.root / evidence).write_text("1\n")
    entries: list[Entry] = [{"kernel_modules": [], "optional": ["nf_conntrack"]}]
    assert lines(simulated.converge(entries)) == [f"{action} kernel_modules demo"]


def test_swap_goes_off_and_stays_off(simulated: SimulatedHost) -> None:
    swaps, fstab = simulated.root / "proc/swaps", simulated.root / "etc/fstab"
    swaps.write_text("Filename Type Size\n/dev/sda2 partition 1\n")
    fstab.write_text("/dev/sda1 / ext4 rw 0 1\n/dev/sda2 none swap sw 0 0\n")
    outcome = simulated.converge([{"swap": "disabled"}])
    assert outcome.plan.steps[0].detail == "swapoff /dev/sda2, /etc/fstab"
    kept = "/dev/sda1 / ext4 rw 0 1\n# disabled by biomax.platform: /dev/sda2 none swap sw 0 0\n"
    assert fstab.read_text() == kept
    assert lines(simulated.converge([{"swap": "disabled"}])) == []


def test_removal_that_takes_more_along_is_refused(simulated: SimulatedHost) -> None:
    simulated.converge([{"packages": ["alpha", "beta"]}])
    simulated.fail["apt-get"] = Completed(0, "Remv alpha [1.0]\nRemv beta [1.0]\n", "")
    with pytest.raises(UnsafeError, match="apt would remove beta with it"):
        simulated.converge([{"packages": ["alpha"], "state": "absent"}])


def test_apt_says_what_it_missed(simulated: SimulatedHost) -> None:
    simulated.fail["apt-get"] = Completed(100, "", "noise\nE: Unable to locate package alpha\n")
    with pytest.raises(PlatformError, match="ended with 100: E: Unable to locate package alpha"):
        simulated.converge([{"packages": ["alpha"]}])
    assert not (simulated.root / apt.POLICY.lstrip("/")).exists()


def test_an_operators_own_policy_stays(simulated: SimulatedHost) -> None:
    policy = simulated.root / apt.POLICY.lstrip("/")
    policy.write_text("#!/bin/sh\nexit 101\n")
    simulated.converge([{"packages": ["alpha"]}])
    assert policy.read_text() == "#!/bin/sh\nexit 101\n"


def test_artifacts_are_hashed_once(simulated: SimulatedHost, bundle: Bundle) -> None:
    entry = {"artifact": "probe-tool", "dest": "/opt/bin", "version": "new"}
    simulated.converge([entry], context=bundle.context(simulated))
    context = bundle.context(simulated)
    assert lines(simulated.converge([entry], context=context)) == []
    assert context.hashes.bytes_hashed == 0


def test_an_artifact_with_a_flipped_byte_keeps_the_old_file(
    simulated: SimulatedHost, bundle: Bundle, tmp_path: Path
) -> None:
    entry = {"artifact": "probe-tool", "dest": "/opt/bin", "version": "old"}
    context = bundle.context(simulated)
    simulated.converge([entry], context=context)
    broken = tmp_path / "broken"
    _copy_with_flipped_byte(bundle.directory, broken)
    (simulated.root / "srv/bundle").unlink()
    (simulated.root / "srv/bundle").symlink_to(broken)
    with pytest.raises(IntegrityError, match=r"as /opt/bin/probe-tool: expected sha256:.* found"):
        simulated.converge([{**entry, "version": "new"}], context=bundle.context(simulated))
    assert (simulated.root / "opt/bin/probe-tool").read_bytes() == b"old tool"
    assert simulated.leftovers() == []


def _copy_with_flipped_byte(source: Path, target: Path) -> None:
    for path in source.rglob("*"):
        if path.is_file():
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            data = path.read_bytes()
            flipped = bytes([data[0] ^ 1]) + data[1:]
            copy.write_bytes(flipped if path.name == "probe-tool" else data)


def test_the_result_lists_every_declaration(simulated: SimulatedHost) -> None:
    entries = [CONF, {"file": "/etc/key", "content": "s3cret", "sensitive": True}]
    context = simulated.context()
    outcome = simulated.converge(entries, check=True)
    result = result_of(outcome, resources(entries), context, check=True, diff=True)
    assert result["changed"] is True
    assert [row["status"] for row in result["resources"]] == ["create", "create"]
    assert "s3cret" not in str(result)
    assert result["diff"][0]["after"] == "one"


def test_mirrors_are_needed_only_for_artifacts(simulated: SimulatedHost) -> None:
    assert MIRROR.locate("files/a") == "file:///srv/bundle/files/a"
    assert lines(simulated.converge([CONF])) == ["create file /etc/alpha.conf"]
