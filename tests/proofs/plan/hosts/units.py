"""Mutations of units: stopped, started, disabled, enabled, masked, unmasked."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proofs.plan.hosts.mutation import RELOADS, Mutation, Resource, moved
from tests.proofs.plan.hosts.packages import REMOVABLE

# Its socket starts it again at once.
_NEVER_STOPS = "systemd-journald.service"


def unit_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to a declared unit."""
    name, enabled = resource.name, resource.args.get("enabled")
    runs, boots = f"unit {name}", f"unit {name} at boot"
    state = resource.args.get("state")
    if state == "running" and name != _NEVER_STOPS:
        yield moved(resource, "stopped", f"systemctl stop {name}", ["start"], [runs])
    if state == "stopped":
        yield moved(resource, "started", f"systemctl start {name}", ["stop"], [runs])
    if enabled == "masked":
        unmask = f"systemctl unmask {name}"
        yield moved(resource, "unmasked", unmask, ["mask"], [boots], claims={RELOADS})
    if enabled is False:
        enable = f"systemctl enable {name}"
        yield moved(resource, "enabled", enable, ["disable"], [boots], claims={RELOADS})
    if enabled is True:
        disable = f"systemctl disable {name}"
        yield moved(resource, "disabled", disable, ["enable"], [boots], claims={RELOADS})
    if enabled is True and state == "running":
        yield moved(
            resource,
            "stopped and disabled",
            f"systemctl disable --now {name}",
            ["enable", "start"],
            [runs, boots],
            claims={RELOADS},
        )
    if name in REMOVABLE.values():  # a unit file of ours below /etc cannot be masked
        mask = f"systemctl mask {name}"
        yield moved(resource, "masked", mask, ["unmask", "enable"], [boots], claims={RELOADS})
