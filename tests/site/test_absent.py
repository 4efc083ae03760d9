"""The inventory's first control plane is dead; `tests.proofs.absent` does it with each of them."""

from __future__ import annotations

import pytest

from tests.proofs.absent import prove_absent


@pytest.mark.lab
@pytest.mark.destructive
def test_the_first_control_plane_is_absent(site: str) -> None:
    print(prove_absent("cp1"))
