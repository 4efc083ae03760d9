"""A call killed on the host itself, while apt, files and units are at work."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from tests.integration.host_state.conftest import SANDBOX, Remote
from tests.integration.host_state.test_kinds import UNIT, UNIT_FILE, conf

pytestmark = pytest.mark.lab
PROBE = "probe-two.service"
DELAYS = (0.0, 0.1, 0.3, 0.6, 1.0, 1.6)  # seconds after the lock is taken

HOLDER = (
    r"""sed -n 's/.*"pid": \([0-9]*\).*/\1/p' /var/lib/biomax-platform/lock 2>/dev/null || true"""
)

# Waits until a call holds the lock (an open file of the holder's process), then kills that process.
KILL = """
for i in $(seq 600); do
  pid=$(HOLDER)
  if [ -n "$pid" ] && [ "$pid" != "$OLD" ] && [ -e /proc/$pid ]; then
    sleep DELAY; kill -9 $pid && echo killed; exit 0
  fi
  sleep 0.02
done
"""


def entries(text: str) -> list[dict[str, Any]]:
    return [
        {"packages": ["probe-one", "probe-two"]},
        UNIT_FILE,
        *[{"file": f"{SANDBOX}/many/{n}", "content": text} for n in range(40)],
        conf(text),
        UNIT,
        {"file": "/etc/probe-two.conf", "content": text, "restarts": [PROBE]},
        {"unit": PROBE, "state": "running"},
    ]


def test_the_next_run_finishes_what_a_killed_one_began(apt: Remote) -> None:
    killed = 0
    for number, delay in enumerate(DELAYS):
        text = f"version {number}\n"
        old = apt.sh(HOLDER)
        script = f"OLD={old}\n" + KILL.replace("HOLDER", HOLDER).replace("DELAY", str(delay))
        answer: list[str] = []
        thread = threading.Thread(target=lambda s=script, a=answer: a.append(apt.sh(s)))
        thread.start()
        cut = apt.call(entries(text))
        thread.join()
        killed += answer == ["killed"] and cut.code != 0
        apt.settles(entries(text))
        assert apt.sh(f"cat {SANDBOX}/loaded") == text.strip()
        started = apt.sh(f"systemctl show -p ActiveEnterTimestampMonotonic --value {PROBE}")
        changed = apt.sh("stat -c %Y /etc/probe-two.conf")
        assert _started_after(apt, int(started), int(changed))
        assert apt.sh("ls /var/lib/biomax-platform/ledger 2>/dev/null") == ""
        assert apt.sh(f"find /etc {SANDBOX} -name '*.biomax-new'") == ""
        time.sleep(0.1)
    assert killed >= 2


def _started_after(remote: Remote, monotonic_microseconds: int, changed: int) -> bool:
    """Return whether a unit entered `active` after the epoch second `changed`."""
    now, uptime = remote.sh("date +%s; cut -d. -f1 /proc/uptime").split()
    return int(now) - int(uptime) + monotonic_microseconds // 1_000_000 + 1 >= changed
