# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the lab's own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.lab_command import LabCommand, nothing, traces


@pytest.fixture(scope="module", name="pair")
def fixture_pair() -> Iterator[LabCommand]:
    """A running lab of two hosts, a1 and b1."""
    command = LabCommand()
    command("up", "--topology", "pair")
    yield command
    command("down", "--purge")
    assert traces() == nothing()


@pytest.fixture(name="clean")
def fixture_clean() -> Iterator[LabCommand]:
    """A machine without the tests' lab, before and after."""
    command = LabCommand()
    command("down", "--purge", "--force")
    assert traces() == nothing()
    yield command
    command("down", "--purge", "--force")
    assert traces() == nothing()
