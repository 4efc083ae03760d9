# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of each kind as a table: checked on the controller, source of the JSON schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

STRING, BOOLEAN, INTEGER, NUMBER = "string", "boolean", "integer", "number"
STRINGS, MAPPING = "strings", "mapping"
REQUIRED: Any = object()
ROLE: Any = object()  # the default is the role's name
NOTHING: Any = object()  # the key stays out when it is not given

_UNIT_PATTERN = r"^[A-Za-z0-9:_.\\@-]+\.(service|socket|timer|mount|target|path|slice|swap)$"
_PATH_PATTERN = r"^/[^\0]*[^/\0]$"
_MODE_PATTERN = r"^[0-7]{3,4}$"


@dataclass(frozen=True)
class Key:
    """One key of a kind.

    Attributes:
        type: of its value; `strings` is a list of strings.
        default: filled in when absent; REQUIRED, ROLE and NOTHING are special.
        pattern: regular expression for the string or for each string of the list.
        choices: allowed values besides those of the type; used alone when the type is "".
    """

    type: str = STRING
    default: Any = NOTHING
    pattern: str = ""
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Form:
    """A kind: `value` is the key that the kind's own value is passed as ("" for the name)."""

    subject: Key
    keys: dict[str, Key]
    value: str = ""
    check: Callable[[dict[str, Any]], str] = lambda _args: ""


_UNITS = Key(STRINGS, NOTHING, _UNIT_PATTERN)
_TRIGGERS = {"restarts": _UNITS, "reloads": _UNITS}
_OWNERS = {"owner": Key(STRING, "root"), "group": Key(STRING, "root")}
_PATH = Key(STRING, REQUIRED, _PATH_PATTERN)
_NAME = Key(STRING, REQUIRED, r"^[A-Za-z0-9][A-Za-z0-9+._-]*$")
_NAMES = Key(STRINGS, REQUIRED, r"^[A-Za-z0-9][A-Za-z0-9+._-]*$")
_BASENAME = Key(STRING, ROLE, r"^[A-Za-z0-9][A-Za-z0-9._-]*$")


def _mode(default: str) -> Key:
    return Key(STRING, default, _MODE_PATTERN)


def _check_file(args: dict[str, Any]) -> str:
    given: list[str] = [key for key in ("template", "content") if key in args]
    if args.get("state") == "absent":
        given.append("state: absent")
    if len(given) != 1:
        found = ", ".join(given) or "none of them"
        return f"wants exactly one of template, content and state: absent; found {found}"
    if "validate" in args and not any("%s" in part for part in args["validate"]):
        return "has a validate without %s, which stands for the new file"
    return ""


def _check_unit(args: dict[str, Any]) -> str:
    if "state" not in args and "enabled" not in args and not args["disruptive"]:
        return "wants state, enabled or both"
    if args.get("enabled") == "masked" and args.get("state") == "running":
        return "is masked and running at once"
    if "ready" in args and args.get("state") == "stopped":
        return "has ready and is declared stopped"
    return ""


FORMS: dict[str, Form] = {
    "packages": Form(
        _NAMES,
        {"state": Key("", "present", choices=("present", "absent")), **_TRIGGERS},
        value="packages",
    ),
    "artifact": Form(
        _NAME,
        {
            "dest": Key(STRING, REQUIRED, _PATH_PATTERN),
            "version": Key(STRING),
            "mode": _mode("0755"),
            "members": Key(STRINGS),
            "install_as": Key(STRING, NOTHING, r"^[^/]+$"),
            **_OWNERS,
            **_TRIGGERS,
        },
    ),
    "file": Form(
        _PATH,
        {
            "template": Key(STRING),
            "content": Key(STRING),
            "state": Key("", "present", choices=("present", "absent")),
            "mode": _mode("0644"),
            "validate": Key(STRINGS),
            "sensitive": Key(BOOLEAN, False),
            **_OWNERS,
            **_TRIGGERS,
        },
        check=_check_file,
    ),
    "directory": Form(
        _PATH,
        {
            "state": Key("", "present", choices=("present", "absent")),
            "mode": _mode("0755"),
            **_OWNERS,
        },
    ),
    "symlink": Form(
        _PATH, {"target": Key(STRING, REQUIRED), "force": Key(BOOLEAN, False), **_TRIGGERS}
    ),
    "sysctl": Form(
        Key(MAPPING, REQUIRED),
        {"file": _BASENAME, "runtime": Key(BOOLEAN, True), **_TRIGGERS},
        value="values",
    ),
    "kernel_modules": Form(
        _NAMES,
        {"file": _BASENAME, "optional": Key(STRINGS, ())},
        value="modules",
    ),
    "unit": Form(
        Key(STRING, REQUIRED, _UNIT_PATTERN),
        {
            "state": Key("", choices=("running", "stopped")),
            "enabled": Key(BOOLEAN, choices=("masked",)),
            "disruptive": Key(BOOLEAN, False),
            "ready": Key(STRINGS),
            "ready_seconds": Key(NUMBER, 60),
        },
        check=_check_unit,
    ),
    "user": Form(
        _NAME,
        {
            "system": Key(BOOLEAN, True),
            "home": Key(STRING, NOTHING, _PATH_PATTERN),
            "shell": Key(STRING, "/usr/sbin/nologin", _PATH_PATTERN),
            "group": Key(STRING),
            "groups": Key(STRINGS),
            "uid": Key(INTEGER),
            "gid": Key(INTEGER),
            **_TRIGGERS,
        },
    ),
    "swap": Form(Key("", REQUIRED, choices=("disabled",)), {}),
}

EXPANSION = "resources"
EXPANSION_KEY = Key(STRING, REQUIRED)
