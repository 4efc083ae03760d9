# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a role's files are, as the running play would find them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible import constants
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import did_you_mean

COLLECTION = "biomax.platform"
_OWN_ROLES = Path(__file__).resolve().parents[2] / "roles"


@dataclass(frozen=True)
class RoleFiles:
    """A role: its short name and its directory."""

    name: str
    path: Path

    @property
    def resources(self) -> Path:
        """The role's declarations."""
        return self.path / "resources" / "main.yml"

    @property
    def templates(self) -> Path:
        """The directory of its templates."""
        return self.path / "templates"

    @property
    def specs(self) -> Path:
        """Its argument specification."""
        return self.path / "meta" / "argument_specs.yml"

    def shown(self, path: Path) -> str:
        """Return `path` as messages name it: from the role's own directory on."""
        return f"{self.path.name}/{path.relative_to(self.path)}"


def find_role(name: str, task: Any, variables: dict[str, Any]) -> RoleFiles:
    """Return the role `name`, which may be given with the collection's name in front.

    Raises:
        InputError: no such role, or it declares nothing.
    """
    short = name.removeprefix(f"{COLLECTION}.")
    places = list(dict.fromkeys(_places(short, task, variables)))
    for place in places:
        role = RoleFiles(short, place)
        if role.resources.is_file():
            return role
    known = {path.parents[1].name for place in places for path in _declaring(place.parent)}
    raise InputError(
        f"Role {name!r} with resources/main.yml was not found in "
        f"{', '.join(str(place.parent) for place in places)}. {did_you_mean(short, known)}"
    )


def _places(name: str, task: Any, variables: dict[str, Any]) -> Iterator[Path]:
    play = task.get_play() if hasattr(task, "get_play") else None
    loaded = [task._role, *(play.roles if play else [])]
    for role in loaded:
        if role is not None and role.get_name().rsplit(".", 1)[-1] == name:
            yield Path(role._role_path)
    if variables.get("playbook_dir"):
        yield Path(variables["playbook_dir"]) / "roles" / name
    for directory in constants.DEFAULT_ROLES_PATH:
        yield Path(directory) / name
    yield _OWN_ROLES / name


def _declaring(directory: Path) -> list[Path]:
    return sorted(directory.glob("*/resources/main.yml")) if directory.is_dir() else []
