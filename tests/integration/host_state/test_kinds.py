"""Each kind on a real host: check, apply, again, change, diff, bad input."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.host_state.conftest import REMOTE, SANDBOX, Remote

pytestmark = pytest.mark.lab
Entry = dict[str, Any]

UNIT_FILE: Entry = {
    "file": "/etc/systemd/system/probe-one.service",
    "content": (
        f"[Service]\nExecStart=/bin/sh -c 'cp {SANDBOX}/conf {SANDBOX}/loaded; sleep infinity'\n"
        "[Install]\nWantedBy=multi-user.target\n"
    ),
}
UNIT: Entry = {
    "unit": "probe-one.service",
    "state": "running",
    "enabled": True,
    "ready": ["test", "-s", f"{SANDBOX}/loaded"],
}


def conf(text: str, **more: Any) -> Entry:
    return {
        "file": f"{SANDBOX}/conf",
        "content": f"{text}\n",
        "restarts": ["probe-one.service"],
        **more,
    }


def test_file_is_written_changed_and_removed(remote: Remote) -> None:
    entry = {"file": f"{SANDBOX}/x/a.conf", "template": "probe.conf.j2", "mode": "0640"}
    remote.settles([entry])
    found = remote.sh(f"stat -c '%a %U %G' {SANDBOX}/x/a.conf; cat {SANDBOX}/x/a.conf")
    assert found.splitlines()[0] == "640 root root"
    assert found.splitlines()[2] == "text = first"
    changed = remote.call([entry], "--diff", probe_text="second")
    assert changed.actions == [f"change file {SANDBOX}/x/a.conf"]
    assert "-text = first" in changed.output
    assert "+text = second" in changed.output
    remote.sh(f"chmod 600 {SANDBOX}/x/a.conf")
    adjusted = remote.settles([entry], probe_text="second")
    assert adjusted.data["plan"][0]["detail"] == "mode 0600 -> 0640"
    remote.settles([{"file": f"{SANDBOX}/x/a.conf", "state": "absent"}])
    assert remote.sh(f"ls -A {SANDBOX}/x") == ""


def test_check_mode_writes_nothing(remote: Remote) -> None:
    remote.sh("rm -rf /var/lib/biomax-platform")
    result = remote.call([{"file": f"{SANDBOX}/new/a", "content": "x"}], "--check", "--diff")
    assert result.data["changed"] is True
    assert remote.sh(f"ls -A {SANDBOX}; ls -A /var/lib/biomax-platform 2>&1 | wc -w") != ""
    assert remote.sh(f"test -e {SANDBOX}/new || test -e /var/lib/biomax-platform; echo $?") == "1"


def test_sensitive_content_is_shown_nowhere(remote: Remote) -> None:
    entry = {"file": f"{SANDBOX}/key", "content": "tops3cret\n", "mode": "0600", "sensitive": True}
    result = remote.call([entry], "--diff", "-vvv")
    assert result.code == 0, result.output
    assert "sha256:" in result.output
    assert "tops3cret" not in result.output
    assert remote.sh("journalctl -n 300 | grep -c tops3cret || true") == "0"


def test_validation_keeps_the_old_file(remote: Remote) -> None:
    check = ["grep", "-q", "^good", "%s"]
    entry = {"file": f"{SANDBOX}/v", "content": "good 1\n", "validate": check}
    remote.settles([entry])
    refused = remote.call([{**entry, "content": "bad 2\n"}])
    assert refused.code != 0
    assert f"Checking the new {SANDBOX}/v with `grep -q ^good" in refused.data["msg"]
    assert remote.sh(f"cat {SANDBOX}/v; ls -A {SANDBOX}").splitlines() == ["good 1", "v"]


def test_directory(remote: Remote) -> None:
    path = f"{SANDBOX}/d/e"
    remote.settles([{"directory": path, "mode": "0711"}])
    assert remote.sh(f"stat -c %a {path}") == "711"
    remote.sh(f"touch {path}/kept")
    refused = remote.call([{"directory": path, "state": "absent"}])
    assert "holds 1 entries. Nothing is removed" in refused.data["msg"]
    remote.settles(
        [{"file": f"{path}/kept", "state": "absent"}, {"directory": path, "state": "absent"}]
    )
    assert remote.sh(f"ls -A {SANDBOX}/d") == ""


def test_symlink(remote: Remote) -> None:
    path = f"{SANDBOX}/link"
    remote.settles([{"symlink": path, "target": "one"}])
    changed = remote.settles([{"symlink": path, "target": "two"}])
    assert changed.data["plan"][0]["detail"] == "-> one becomes -> two"
    remote.sh(f"rm {path}; echo data > {path}")
    refused = remote.call([{"symlink": path, "target": "two"}])
    assert "Set `force: true` to replace a file" in refused.data["msg"]
    remote.settles([{"symlink": path, "target": "two", "force": True}])
    assert remote.sh(f"readlink {path}") == "two"


def test_unit_starts_restarts_and_stops(remote: Remote) -> None:
    first = remote.settles([UNIT_FILE, conf("one"), UNIT])
    assert first.actions == [
        "create file /etc/systemd/system/probe-one.service",
        f"create file {SANDBOX}/conf",
        "daemon-reload unit daemon-reload",
        "enable unit probe-one.service",
        "start unit probe-one.service",
    ]
    changed = remote.settles([UNIT_FILE, conf("two"), UNIT])
    assert changed.actions == [f"change file {SANDBOX}/conf", "restart unit probe-one.service"]
    assert remote.sh(f"cat {SANDBOX}/loaded") == "two"
    remote.sh("systemctl stop probe-one.service")
    assert remote.settles([UNIT_FILE, conf("two"), UNIT]).actions == [
        "start unit probe-one.service"
    ]
    stopped = {"unit": "probe-one.service", "state": "stopped", "enabled": "masked"}
    remote.sh("rm /etc/systemd/system/probe-one.service; systemctl daemon-reload")
    remote.settles([stopped])
    remote.settles([{**stopped, "enabled": False}])


def test_unit_that_never_gets_ready_is_named(remote: Remote) -> None:
    unit = {**UNIT, "ready": ["false"], "ready_seconds": 1}
    refused = remote.call([UNIT_FILE, conf("one"), unit])
    assert "probe-one.service was not ready within 1 s: `false` ended with 1" in refused.data["msg"]


def test_unknown_unit_is_refused_before_a_change(remote: Remote) -> None:
    result = remote.call([{"unit": "no-such.service", "state": "running"}])
    assert "the host has no such unit and nothing declared before it" in result.data["msg"]


def test_a_disruptive_plan_is_deferred_on_a_member(remote: Remote) -> None:
    unit = {**UNIT, "disruptive": True}
    remote.settles([UNIT_FILE, conf("one"), unit])
    arguments: dict[str, Any] = {"probe_disruptive": "defer", "probe_member": True}
    deferred = remote.call([UNIT_FILE, conf("two"), unit], **arguments)
    assert deferred.data["deferred"] is True
    assert deferred.data["disruptive"] == ["probe-one.service"]
    assert (deferred.data["changed"], deferred.data["applied"]) == (False, [])
    assert remote.sh(f"cat {SANDBOX}/conf") == "one"


def test_sysctl(remote: Remote) -> None:
    key = "net.ipv4.ip_default_ttl"  # one that belongs to the host's own network name space
    before = remote.sh(f"cat /proc/sys/{key.replace('.', '/')}")
    remote.settles([{"sysctl": {key: 77}, "file": "probe"}])
    assert remote.sh(f"cat /proc/sys/{key.replace('.', '/')}") == "77"
    assert f"{key} = 77" in remote.sh("cat /etc/sysctl.d/90-probe.conf")
    remote.settles([{"sysctl": {key: before}, "file": "probe"}])
    refused = remote.call([{"sysctl": {"net.ipv4.no_such": 1}}])
    assert "which the running kernel does not have" in refused.data["msg"]


def test_kernel_modules(remote: Remote) -> None:
    entry = {"kernel_modules": ["overlay"], "optional": ["no_such_module"], "file": "probe"}
    remote.settles([entry])
    assert "overlay" in remote.sh("cat /etc/modules-load.d/probe.conf")
    refused = remote.call([{"kernel_modules": ["no_such_module"]}])
    assert "neither loaded nor built in" in refused.data["msg"]


def test_user(remote: Remote) -> None:
    remote.sh("userdel probe-user 2>/dev/null; groupdel probe-user 2>/dev/null; true")
    entry: Entry = {"user": "probe-user", "home": "/var/lib/probe"}
    owned: Entry = {"file": f"{SANDBOX}/owned", "content": "x", "owner": "probe-user"}
    first = remote.settles([entry, owned])
    assert first.data["plan"][1]["detail"] == "known after user probe-user"
    assert remote.sh("getent passwd probe-user").endswith(":/var/lib/probe:/usr/sbin/nologin")
    remote.settles([{**entry, "shell": "/bin/sh"}, owned])
    remote.sh("userdel probe-user")


def test_swap(remote: Remote) -> None:
    remote.sh("cp /etc/fstab /root/fstab.kept; echo '/dev/none none swap sw 0 0' >> /etc/fstab")
    try:
        result = remote.settles([{"swap": "disabled"}])
        assert result.data["plan"][0]["detail"] == "/etc/fstab"
        assert "# disabled by biomax.platform: /dev/none" in remote.sh("cat /etc/fstab")
    finally:
        remote.sh("mv /root/fstab.kept /etc/fstab; systemctl daemon-reload")


def test_artifact_binary_and_archive(remote: Remote) -> None:
    entries: list[Entry] = [
        {"artifact": "probe-tool", "dest": "/usr/local/bin"},
        {"artifact": "probe-set", "dest": f"{SANDBOX}/set", "members": ["probe-b"]},
    ]
    remote.settles(entries)
    assert remote.sh(f"/usr/local/bin/probe-tool; {SANDBOX}/set/probe-b") == "one\nb"
    assert remote.sh(f"ls {SANDBOX}/set") == "probe-b"
    remote.sh("echo tampered >> /usr/local/bin/probe-tool")
    repaired = remote.settles(entries)
    assert repaired.actions == ["replace artifact probe-tool"]
    unknown = remote.call([{"artifact": "probe-tol", "dest": "/usr/local/bin"}])
    assert "The bundle has no file probe-tol: nearest are probe-tool" in unknown.data["msg"]


def test_artifact_with_a_flipped_byte_keeps_the_old_file(remote: Remote) -> None:
    remote.sh("printf old > /usr/local/bin/probe-tool")
    remote.sh(f"cp -a {REMOTE}/bundle/files {REMOTE}/kept")
    remote.sh(f"printf X | dd of={REMOTE}/bundle/files/probe-tool bs=1 seek=3 conv=notrunc")
    try:
        refused = remote.call([{"artifact": "probe-tool", "dest": "/usr/local/bin"}])
    finally:
        remote.sh(f"rm -r {REMOTE}/bundle/files; mv {REMOTE}/kept {REMOTE}/bundle/files")
    assert refused.code != 0
    assert "as /usr/local/bin/probe-tool: expected sha256:" in refused.data["msg"]
    assert f"file://{REMOTE}/bundle/files/probe-tool" in refused.data["msg"]
    assert remote.sh("cat /usr/local/bin/probe-tool") == "old"


def test_artifact_without_its_mirror_uses_the_verified_copy(remote: Remote) -> None:
    entry = {"artifact": "probe-tool", "dest": "/usr/local/bin"}
    remote.settles([entry])
    remote.variables["probe_mirrors"] = [{"url": "file:///nowhere"}]
    alone = remote.call([entry])
    assert alone.code == 0, alone.output
    assert "the host's verified copy is used" in alone.output
    remote.sh("echo '{}' > /var/lib/biomax-platform/index/index.json")
    refused = remote.call([entry])
    assert "the host's copy is not usable" in refused.data["msg"]
