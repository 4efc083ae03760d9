# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types of site variables: each tells what is wrong with a value, or nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from ansible_collections.biomax.platform.plugins.module_utils.common.networks import (
    parse_address,
    parse_network,
    parse_range,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.versions import parse_version

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def _matching(pattern: str) -> Callable[[Any], bool]:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda value: isinstance(value, str) and compiled.fullmatch(value) is not None


def _parsed_by(parse: Callable[[object], object]) -> Callable[[Any], bool]:
    def accepts(value: Any) -> bool:
        try:
            parse(value)
        except InputError:
            return False
        return True

    return accepts


def _each(accepts: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(accepts(item) for item in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_mirror(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"host", "name", "address", "url"}
        and _TYPES["domain"][1](value["name"])
        and _TYPES["address"][1](value["address"])
        and _matching(r"https://[^/\s]+")(value["url"])
    )


def _is_taint(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"key", "effect"} <= set(value) <= {"key", "value", "effect"}
        and value["effect"] in _TAINT_EFFECTS
        and all(isinstance(item, str) for item in value.values())
    )


def _is_pool(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"group", "labels", "taints", "min", "max"}
        and _is_text(value["group"])
        and isinstance(value["labels"], dict)
        and all(isinstance(item, str) for item in value["labels"].values())
        and _each(_is_taint)(value["taints"])
        and _is_integer(value["min"])
        and _is_integer(value["max"])
        and 0 <= value["min"] <= value["max"]
    )


def _is_address_pool(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"name", "addresses"} <= set(value) <= {"name", "addresses", "auto_assign"}
        and _TYPES["label"][1](value["name"])
        and _each(_parsed_by(parse_range))(value["addresses"])
        and bool(value["addresses"])
        and isinstance(value.get("auto_assign", False), bool)
    )


def _are_pools(value: Any) -> bool:
    return isinstance(value, dict) and all(
        _TYPES["label"][1](name) and _is_pool(pool) for name, pool in value.items()
    )


_ADDRESS = _parsed_by(parse_address)
_NETWORK = _parsed_by(parse_network)

_TYPES: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "address": ("an address such as 10.0.0.5", _ADDRESS),
    "address_pools": (
        "a list of maps with name, addresses (such as [192.0.2.10-192.0.2.20]) and auto_assign",
        _each(_is_address_pool),
    ),
    "addresses": ("a list of addresses such as [10.0.0.5]", _each(_ADDRESS)),
    "age_recipient": ("an age recipient, age1…", _matching(r"age1[a-z0-9]{58}")),
    "bool": ("true or false", lambda value: isinstance(value, bool)),
    "certificate": (
        "a PEM certificate",
        _matching(r"\s*-----BEGIN CERTIFICATE-----\n.+-----END CERTIFICATE-----\s*"),
    ),
    "domain": ("a domain name such as site.example.com", _matching(rf"{_LABEL}(\.{_LABEL})+")),
    "label": ("lower-case letters, digits and hyphens, at most 63", _matching(_LABEL)),
    "list": ("a list", lambda value: isinstance(value, list)),
    "mirrors": (
        "a list of maps with exactly host, name, address and url (https://name)",
        lambda value: _each(_is_mirror)(value) and bool(value),
    ),
    "network": ("a network such as 10.0.0.0/16, without host bits", _NETWORK),
    "networks": (
        "a list of networks such as [10.0.0.0/24]",
        lambda value: _each(_NETWORK)(value) and bool(value),
    ),
    "path": ("an absolute path", _matching(r"/[^\n]*")),
    "pgp_key": (
        "a PGP public key in armour",
        _matching(r"\s*-----BEGIN PGP PUBLIC KEY BLOCK-----\n.+"),
    ),
    "pools": (
        "a map of pools, each with exactly group, labels, taints, min and max"
        " (taints: key, value, effect; values as text)",
        _are_pools,
    ),
    "port": (
        "a port, 1 to 65535, as a number",
        lambda value: _is_integer(value) and 1 <= value <= 65535,
    ),
    "public_key": (
        "one line such as ssh-ed25519 AAAA…",
        _matching(r"(ssh-ed25519|ecdsa-sha2-nistp\d+|ssh-rsa) [A-Za-z0-9+/]+=*( [^\n]*)?\s*"),
    ),
    "secret": ("text that is not empty", _is_text),
    "site_secret": (
        "32 random bytes in base64, as `openssl rand -base64 32` prints them",
        _matching(r"[A-Za-z0-9+/]{43}=\s*"),
    ),
    "sealed": (
        "a file of age in armour",
        _matching(r"\s*-----BEGIN AGE ENCRYPTED FILE-----\n.+-----END AGE ENCRYPTED FILE-----\s*"),
    ),
    "text": ("text that is not empty", _is_text),
    "texts": ("a list of texts", _each(_is_text)),
    "version": ('a version without leading v, such as "1.36.3"', _parsed_by(parse_version)),
}


def is_secret(kind: str) -> bool:
    """Tell whether values of a type are never shown."""
    return kind in ("secret", "site_secret")


def type_names() -> list[str]:
    """Return the names of the types that a site variable may have."""
    return [*sorted(_TYPES), "choice"]


def expected(kind: str, choices: Sequence[str] = ()) -> str:
    """Say in words what a type accepts.

    Args:
        kind: Name of the type.
        choices: The values of type ``choice``.

    Raises:
        InputError: There is no such type.
    """
    if kind == "choice":
        return f"one of {', '.join(choices)}"
    return _type(kind)[0]


def accepts(kind: str, value: Any, choices: Sequence[str] = ()) -> bool:
    """Tell whether a value is of a type.

    Args:
        kind: Name of the type.
        value: The value, templates resolved.
        choices: The values of type ``choice``.

    Raises:
        InputError: There is no such type.
    """
    if kind == "choice":
        return value in choices
    if kind == "version" and isinstance(value, str) and value.startswith("v"):
        return False
    return _type(kind)[1](value)


def _type(kind: str) -> tuple[str, Callable[[Any], bool]]:
    if kind not in _TYPES:
        raise InputError(f"No type {kind!r}; there are {', '.join(type_names())}.")
    return _TYPES[kind]
