"""When the units of the platform were last started on a host."""

from __future__ import annotations

from tests.support.site import on_host

UNITS = "containerd kubelet haproxy keepalived chrony systemd-journald"


def start_times(host: str) -> str:
    """Return the start of each unit and how often systemd restarted it, as one text."""
    return on_host(
        host,
        f"systemctl show --property=Id,ActiveEnterTimestampMonotonic,NRestarts {UNITS}",
    )
