# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller remembers of runs: which plan was begun, how long phases took."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import (
    Attributes,
    write_file,
)

TIMES = "phase_times.json"


def _mark(plan_file: Path) -> Path:
    return plan_file.with_name(plan_file.name + ".begun")


def begin(plan_file: Path) -> None:
    """Remember, durably and before the first change, that the run of this very plan has begun.

    From then on a step that is no longer needed is one that this plan has carried out, so a run
    that was cut is finished by the same command.
    """
    content = plan_file.read_bytes()
    text = hashlib.sha256(content).hexdigest() + "\n"
    write_file(_mark(plan_file), text.encode(), Attributes(mode=0o600))


def is_begun(plan_file: Path) -> bool:
    """Return whether the run of this very plan has begun before."""
    try:
        noted = _mark(plan_file).read_text(encoding="utf-8").strip()
    except OSError:
        return False
    return noted == hashlib.sha256(plan_file.read_bytes()).hexdigest()


def recorded_times(state_dir: Path) -> dict[str, float]:
    """Return the seconds that plays took when they last changed something, by name."""
    try:
        found = json.loads((state_dir / TIMES).read_text(encoding="utf-8"))
        return {str(name): float(seconds) for name, seconds in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def record_times(state_dir: Path, times: Mapping[str, float]) -> None:
    """Remember the seconds of plays that changed something; the others keep what they had."""
    if times:
        known = {**recorded_times(state_dir), **times}
        text = json.dumps(known, indent=1, sort_keys=True) + "\n"
        write_file(state_dir / TIMES, text.encode(), Attributes(mode=0o644))
