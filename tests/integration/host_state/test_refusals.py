"""What stops a call on a real host, and that nothing is lost by it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.integration.host_state.conftest import SANDBOX, Remote

pytestmark = pytest.mark.lab
FULL = f"{SANDBOX}/full"
HOLD = f"""python3 - <<'EOF'
import fcntl, os, time
lock = open("/var/lib/biomax-platform/lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.truncate(0)
lock.write('{{"controller": "ops9", "pid": 1}}')
lock.flush()
open("{SANDBOX}/held", "w").close()
while not os.path.exists("{SANDBOX}/release"):
    time.sleep(0.1)
EOF
"""


@pytest.fixture
def full_disk(remote: Remote) -> Iterator[Remote]:
    """Mount a file system with 9 MiB, nearly full, on the host."""
    remote.sh(f"mkdir -p {FULL}; mount -t tmpfs -o size=9m none {FULL}")
    remote.sh(f"echo old > {FULL}/a; head -c 2M /dev/zero > {FULL}/filler")
    yield remote
    remote.sh(f"umount {FULL}")


def test_a_full_disk_is_refused_before_the_first_change(full_disk: Remote) -> None:
    before = {"file": f"{SANDBOX}/elsewhere", "content": "x"}
    refused = full_disk.call([before, {"file": f"{FULL}/a", "content": "new\n"}])
    assert refused.code != 0
    assert f"The file system of {FULL} has 6 MiB free" in refused.data["msg"]
    assert "Nothing was changed. Free space there and run again." in refused.data["msg"]
    assert full_disk.sh(f"cat {FULL}/a; test -e {SANDBOX}/elsewhere; echo $?") == "old\n1"


def test_a_second_call_names_the_holder_of_the_lock(remote: Remote) -> None:
    entry = {"file": f"{SANDBOX}/a", "content": "x"}
    remote.settles([entry])
    holder = threading.Thread(target=lambda: remote.sh(HOLD))
    holder.start()
    remote.sh(f"until test -e {SANDBOX}/held; do sleep 0.1; done")
    refused = remote.call([entry], probe_lock_seconds=1)
    remote.sh(f"touch {SANDBOX}/release")
    holder.join()
    assert "Waited 1 s for the host's lock; it is held by controller ops9" in refused.data["msg"]
    assert remote.call([entry]).code == 0


def test_unknown_keys_are_refused_on_the_controller(remote: Remote) -> None:
    refused = remote.call([{"file": f"{SANDBOX}/a", "contents": "x"}])
    assert "role probe, entry 1 of probe/resources/main.yml" in refused.data["msg"]
    assert "unknown key 'contents'. Did you mean 'content'?" in refused.data["msg"]


def test_a_wrong_argument_is_refused_on_the_controller(remote: Remote) -> None:
    refused = remote.call([], probe_entries="text")
    assert "Role probe: " in refused.data["msg"]
    assert "probe/meta/argument_specs.yml" in refused.data["msg"]


def test_role_names_are_tags(remote: Remote) -> None:
    entry = {"file": f"{SANDBOX}/a", "content": "x"}
    other = remote.call([entry], "--tags", "something_else")
    assert other.data.get("skipped") is True
    assert remote.sh(f"ls {SANDBOX}") == ""
    assert remote.call([entry], "--tags", "probe").data["changed"] is True
    assert remote.call([entry], "--skip-tags", "probe").data.get("skipped") is True
