"""What systemd says of units, read as it is meant."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.host.systemd import query


class Answering:
    """A host on which `systemctl show` says one thing."""

    def __init__(self, text: str) -> None:
        self._text = text

    def must_run(self, *_: Any) -> str:
        return self._text


@pytest.mark.parametrize(
    ("load", "wanted"),
    [
        ("loaded", True),
        # Seen with systemd 252 on a unit with a drop-in: it says so even after a daemon-reload.
        ("masked", False),
    ],
)
def test_a_masked_unit_asks_for_no_reload(load: str, wanted: bool) -> None:
    text = f"LoadState={load}\nActiveState=active\nUnitFileState={load}\nNeedDaemonReload=yes\n"
    host: Any = Answering(text)
    assert query(host, ["chrony.service"])["chrony.service"].needs_reload is wanted
