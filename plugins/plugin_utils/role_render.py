# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declarations of a role: parsed first, templated afterwards, files rendered, keys checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import trust_as_template
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.nearest import did_you_mean
from ansible_collections.biomax.platform.plugins.module_utils.host import declare
from ansible_collections.biomax.platform.plugins.module_utils.host.keys import EXPANSION
from ansible_collections.biomax.platform.plugins.plugin_utils.role_files import RoleFiles

MANAGED = "Managed by biomax.platform; changes here are replaced by the next run."
_OVERRIDES = {"trim_blocks": True, "lstrip_blocks": False}  # as the template module has them
_DEPTH = 4  # how deep `resources` may nest


class RoleRenderer:
    """Turns one role's declarations into checked, plain data."""

    def __init__(
        self, role: RoleFiles, templar: Any, loader: Any, variables: dict[str, Any]
    ) -> None:
        """Use the templar, loader and variables of the running task."""
        self._role, self._loader, self._templar = role, loader, templar
        self._variables = {**variables, "ansible_managed": MANAGED, "role_name": role.name}
        self._files: Any = None

    def declarations(self) -> list[declare.Declared]:
        """Return the role's entries and the user's further ones, checked and rendered.

        Raises:
            InputError: an entry is wrong; the message names role, entry and file.
        """
        # In ansible-core 2.19 text is a template only when it is loaded as trusted.
        # Nothing here changes what was loaded, so the costly copy is left out (`unsafe`).
        raw = self._loader.load_from_file(
            str(self._role.resources), trusted_as_template=True, unsafe=True
        )
        shown = self._role.shown(self._role.resources)
        declared = list(self._entries(raw, shown))
        extra = f"{self._role.name}_extra_resources"
        if extra in self._variables:
            declared += self._entries(self._variables[extra], f"variable {extra}")
        return declared

    def _entries(self, raw: Any, shown: str) -> Iterator[declare.Declared]:
        if raw is None:
            return
        if not isinstance(raw, list):
            raw = self._templated(raw, declare.Origin(self._role.name, shown, 1))
        if not isinstance(raw, list):
            raise InputError(f"Role {self._role.name}: {shown} is no list of entries.")
        for number, entry in enumerate(raw, start=1):
            origin = declare.Origin(self._role.name, shown, number)
            yield from self._expanded(entry, origin, _DEPTH)

    def _expanded(
        self, entry: Any, origin: declare.Origin, depth: int
    ) -> Iterator[declare.Declared]:
        """Yield the checked entry, or those of a `resources` list in its place."""
        if declare.kind_of(entry, origin) != EXPANSION:
            yield self._checked(entry, origin)
            return
        if len(entry) > 1 or depth == 0:
            raise InputError(f"{origin}: `resources` stands alone and nests at most {_DEPTH} deep.")
        items = self._templated(entry[EXPANSION], origin)
        if not isinstance(items, list):
            raise InputError(f"{origin}: `resources` wants a list of entries, found {items!r}.")
        for item in items:
            yield from self._expanded(item, origin, depth - 1)

    def _checked(self, entry: Mapping[str, Any], origin: declare.Origin) -> declare.Declared:
        checked = declare.check_entry(self._templated(dict(entry), origin), origin)
        name = checked.args.pop("template", None)
        if name is not None:
            checked.args["content"] = self._rendered(str(name), origin)
        return checked

    def _templated(self, value: Any, origin: declare.Origin) -> Any:
        try:
            return self._templar.template(value)
        except AnsibleError as error:
            raise InputError(f"{origin}: {error}") from error

    def _rendered(self, name: str, origin: declare.Origin) -> str:
        directories = [self._role.templates, *self._beside_playbook()]
        for directory in directories:
            if (directory / name).is_file():
                return self._render_file(directory / name, origin)
        known = {
            str(path.relative_to(self._role.templates)) for path in _files(self._role.templates)
        }
        where = ", ".join(str(directory) for directory in directories)
        raise InputError(f"{origin}: no template {name!r} in {where}. {did_you_mean(name, known)}")

    def _beside_playbook(self) -> list[Path]:
        playbook = self._variables.get("playbook_dir")
        return [Path(playbook) / "templates"] if playbook else []

    def _render_file(self, path: Path, origin: declare.Origin) -> str:
        if self._files is None:
            search = [str(self._role.templates), *map(str, self._beside_playbook())]
            self._files = self._templar.copy_with_new_env(
                searchpath=search, available_variables=self._variables
            )
        text = trust_as_template(self._loader.get_text_file_contents(str(path)))
        try:
            return str(self._files.template(text, escape_backslashes=False, overrides=_OVERRIDES))
        except AnsibleError as error:
            raise InputError(f"{origin}: template {path.name}: {error}") from error


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()] if directory.is_dir() else []
