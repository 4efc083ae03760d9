# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of a component: from its templates, and from manifests of the verified bundle."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.template import trust_as_template
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry, Index
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import (
    load_verified_index,
    read_verified,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.manifest import (
    SUFFIX,
    Selection,
    parse_selection,
    select_objects,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.objects import (
    Object,
    parse_objects,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
)

_JINJA = {"trim_blocks": True, "lstrip_blocks": True}


class BundleManifests:
    """The manifests of a bundle on the controller.

    The signature of the index is verified once, when the first manifest is asked for, and the sum
    of each file when it is used.

    Args:
        directory: The bundle; empty when the caller has none.
        public_key: The key that must have signed its index.
    """

    def __init__(self, directory: str, public_key: str) -> None:
        self._directory, self._key = directory, public_key

    def holds(self, selection: Selection) -> bool:
        """Tell whether there is a bundle that is signed and holds the selected manifest."""
        try:
            self._entry(selection)
        except PlatformError:
            return False
        return True

    def select(self, selection: Selection) -> list[Object]:
        """Return the objects that a role takes from a manifest.

        Raises:
            InputError: There is no bundle, the manifest is not in it, or the selection is wrong.
            IntegrityError: The index or the file is not what was signed.
        """
        entry = self._entry(selection)
        data = read_verified(Path(self._directory) / entry.path, entry)
        try:
            return select_objects(data.decode("utf-8"), selection)
        except UnicodeDecodeError as error:
            raise IntegrityError(f"{entry.label} of the bundle is no text: {error}.") from error

    def _entry(self, selection: Selection) -> Entry:
        if not self._directory or not self._key:
            raise InputError(
                f"{selection.source} takes manifest {selection.manifest} from the bundle: give the "
                "task bundle_dir and bundle_public_key."
            )
        return self._index.manifest(selection.manifest, selection.version)

    @cached_property
    def _index(self) -> Index:
        return load_verified_index(self._directory, self._key)


def render_object_template(templar: Any, template: Path) -> str:
    """Render one of a role's objects/*.yml.j2.

    Args:
        templar: Ansible's templar with the role's variables.
        template: The file.

    Raises:
        InputError: A variable is undefined, or the template is wrong; the message names the file.
    """
    text = trust_as_template(template.read_text(encoding="utf-8"))
    try:
        rendered = templar.template(text, escape_backslashes=False, overrides=_JINJA)
    except AnsibleError as error:
        raise InputError(f"Cannot render {template}: {error}") from error
    return str(rendered or "")


def objects_of(text: str, source: str, manifests: BundleManifests) -> list[Object]:
    """Return the objects of a rendered template, which holds them or selects them.

    Args:
        text: The rendered template.
        source: Its name, for messages; it decides which of both the template is.
        manifests: Manifests that it may select.
    """
    if not source.endswith(SUFFIX):
        return parse_objects(text, source)
    selection = parse_selection(text, source)
    return manifests.select(selection) if selection else []
