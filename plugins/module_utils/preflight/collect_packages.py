# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages: installed, held, pinned. Standard library only: this runs on hosts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any


def packages(base: Path) -> dict[str, Any]:
    """Read what dpkg and apt keep in files.

    Args:
        base: Where the host's file tree starts.

    Returns:
        ``packages``: names of installed packages; ``held``: names that dpkg's selections hold,
        installed or not; ``pins``: for each package that a preference forbids (a priority below
        zero, apt_preferences(5)) ``package`` (a name or pattern), ``priority`` and ``file``.
    """
    installed, held = [], []
    for paragraph in _text(base / "var/lib/dpkg/status").split("\n\n"):
        name = re.match(r"Package: (\S+)$", paragraph, re.MULTILINE)
        status = re.search(r"^Status: (\w+) \w+ ([\w-]+)$", paragraph, re.MULTILINE)
        if name and status:
            selection, state = status.groups()
            installed += [name[1]] if state == "installed" else []
            held += [name[1]] if selection == "hold" else []
    return {"packages": sorted(installed), "held": sorted(held), "pins": _pins(base)}


def _pins(base: Path) -> list[dict[str, Any]]:
    """List what preferences forbid by name; `*` and other sources are no business of ours."""
    folder = base / "etc/apt/preferences.d"
    files = [base / "etc/apt/preferences", *(sorted(folder.glob("*")) if folder.is_dir() else [])]
    found = []
    for path in files:
        for stanza in re.split(r"\n\s*\n", _text(path)):
            fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*?)[ \t]*$", stanza, re.MULTILINE))
            priority = fields.get("Pin-Priority", "")
            if not re.fullmatch(r"-\d+", priority):
                continue
            for name in fields.get("Package", "").split():
                if name != "*":
                    place = f"/{path.relative_to(base)}"
                    found.append({"package": name, "priority": int(priority), "file": place})
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
