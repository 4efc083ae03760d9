# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON schema of `resources/main.yml`, made from the table of keys; for editors and lint.

Every value may also be a template, so each type allows a string with `{{ }}` as well.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.host.keys import (
    BOOLEAN,
    EXPANSION,
    FORMS,
    INTEGER,
    MAPPING,
    NUMBER,
    REQUIRED,
    STRING,
    STRINGS,
    Form,
    Key,
)

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE = {"type": "string", "pattern": r"\{\{.*\}\}"}
_SCALARS = {STRING: "string", BOOLEAN: "boolean", INTEGER: "integer", NUMBER: "number"}


def resources_schema() -> dict[str, Any]:
    """Return the schema of a whole file."""
    kinds = [_kind_schema(kind, form) for kind, form in sorted(FORMS.items())]
    expansion = {
        "type": "object",
        "properties": {EXPANSION: {"anyOf": [_TEMPLATE, {"$ref": "#"}]}},
        "required": [EXPANSION],
        "additionalProperties": False,
    }
    return {
        "$schema": DIALECT,
        "title": "Declarations of a host role (resources/main.yml)",
        "type": "array",
        "items": {"anyOf": [*kinds, expansion]},
    }


def _kind_schema(kind: str, form: Form) -> dict[str, Any]:
    properties = {name: _value_schema(key) for name, key in sorted(form.keys.items())}
    required = sorted(name for name, key in form.keys.items() if key.default is REQUIRED)
    return {
        "title": kind,
        "type": "object",
        "properties": {kind: _value_schema(form.subject), **properties},
        "required": [kind, *required],
        "additionalProperties": False,
    }


def _value_schema(key: Key) -> dict[str, Any]:
    options: list[dict[str, Any]] = [_TEMPLATE]
    plain: dict[str, Any] = {"pattern": key.pattern} if key.pattern else {}
    if key.type == STRINGS:
        options.append({"type": "array", "items": {"anyOf": [_TEMPLATE, _text(plain)]}})
    elif key.type == MAPPING:
        options.append({"type": "object", "additionalProperties": {"type": ["string", "integer"]}})
    elif key.type == STRING:
        options.append(_text(plain))
    elif key.type:
        options.append({"type": _SCALARS[key.type]})
    if key.choices:
        options.append({"enum": [*key.choices]})
    return {"anyOf": options}


def _text(plain: dict[str, Any]) -> dict[str, Any]:
    # A pattern with an escape for NUL is not one for every JSON schema reader.
    return {"type": "string", **{k: v.replace(r"[^\0]", ".") for k, v in plain.items()}}
