# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Size of the hosts' disk."""

from __future__ import annotations

import pytest

from lab.hosts.disk import image_gib
from lab.hosts.errors import LabError


@pytest.mark.parametrize(("free_gib", "size"), [(500, 64), (66, 64), (65, 63), (6, 4)])
def test_disk_promises_no_more_than_the_machine_has(free_gib: int, size: int) -> None:
    assert image_gib(free_gib << 30) == size


def test_too_little_space_is_refused_with_numbers() -> None:
    with pytest.raises(LabError, match="5 GiB are free, and the lab needs 6"):
        image_gib(5 << 30)
