# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kind `user`: accounts for services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.host.model import (
    Context,
    Kind,
    Resource,
    Step,
    step_of,
)


@dataclass(frozen=True)
class Account:
    """One line of passwd(5)."""

    uid: int
    gid: int
    home: str
    shell: str


@dataclass(frozen=True)
class SeenAccounts:
    """Users by name, group ids by name and group members by name."""

    users: Mapping[str, Account]
    groups: Mapping[str, int]
    members: Mapping[str, frozenset[str]]


class User(Kind[SeenAccounts]):
    """Make and correct users and their groups; never removes one."""

    name = "user"

    def observe(
        self,
        context: Context,
        resources: Sequence[Resource],  # noqa: ARG002 - the kinds' common signature
    ) -> SeenAccounts:
        """Read passwd and group."""
        users = {
            row[0]: Account(int(row[2]), int(row[3]), row[5], row[6])
            for row in _rows(context.host.read("/etc/passwd"), 7)
        }
        rows = _rows(context.host.read("/etc/group"), 4)
        groups = {row[0]: int(row[2]) for row in rows}
        members = {row[0]: frozenset(filter(None, row[3].split(","))) for row in rows}
        return SeenAccounts(users, groups, members)

    def plan(
        self,
        resource: Resource,
        seen: SeenAccounts,
        earlier: Sequence[Step],  # noqa: ARG002 - the kinds' common signature
    ) -> list[Step]:
        """Compare the group, the account and its further groups."""
        args, group = resource.args, _group(resource)
        commands: list[list[str]] = []
        words = []
        if group not in seen.groups:
            commands.append(["groupadd", *_option("--gid", args, "gid"), *_system(args), group])
            words.append(f"group {group}")
        account = seen.users.get(resource.name)
        if account is None:
            commands.append(_useradd(resource, group))
            return [_step(resource, "create", words, commands)]
        changes = _changes(args, account, group, seen)
        missing = [
            name
            for name in args.get("groups") or []
            if resource.name not in seen.members.get(name, frozenset())
        ]
        if missing:
            changes["--groups"] = ",".join(missing)
        if changes:
            options = [part for pair in changes.items() for part in pair]
            append = ["--append"] if missing else []
            commands.append(["usermod", *append, *options, resource.name])
            words += [f"{option[2:]} {value}" for option, value in changes.items()]
        return [_step(resource, "change", words, commands)] if commands else []

    def evidence(self, resource: Resource, seen: SeenAccounts) -> dict[str, Any]:
        """Return what decides the plan; see Kind."""
        account, group = seen.users.get(resource.name), _group(resource)
        joined = [name for name, names in seen.members.items() if resource.name in names]
        words: dict[str, Any] = {"group": {group: seen.groups.get(group)}, "groups": sorted(joined)}
        return {**words, "account": "absent" if account is None else asdict(account)}

    def apply(self, context: Context, step: Step) -> None:
        """Run the commands of the plan."""
        for command in step.data["commands"]:
            context.host.must_run(command, 60)


def _rows(content: bytes | None, fields: int) -> list[list[str]]:
    lines = (content or b"").decode(errors="replace").splitlines()
    rows = [line.split(":") for line in lines]
    return [row for row in rows if len(row) >= fields and row[2].isdigit()]


def _group(resource: Resource) -> str:
    return str(resource.args.get("group") or resource.name)


def _option(option: str, args: Mapping[str, object], key: str) -> list[str]:
    return [] if args.get(key) is None else [option, str(args[key])]


def _system(args: Mapping[str, object]) -> list[str]:
    return ["--system"] if args["system"] else []


def _useradd(resource: Resource, group: str) -> list[str]:
    args = resource.args
    extra = args.get("groups") or []
    return [
        "useradd",
        *_system(args),
        *_option("--uid", args, "uid"),
        *["--gid", group, "--no-create-home", "--shell", str(args["shell"])],
        *_option("--home-dir", args, "home"),
        *(["--groups", ",".join(extra)] if extra else []),
        resource.name,
    ]


def _changes(
    args: Mapping[str, object], account: Account, group: str, seen: SeenAccounts
) -> dict[str, str]:
    """Return usermod's options for what differs."""
    changes = {}
    if args.get("uid") is not None and args["uid"] != account.uid:
        changes["--uid"] = str(args["uid"])
    if seen.groups.get(group) != account.gid:
        changes["--gid"] = group
    if args.get("home") is not None and args["home"] != account.home:
        changes["--home"] = str(args["home"])
    if args["shell"] != account.shell:
        changes["--shell"] = str(args["shell"])
    return changes


def _step(resource: Resource, action: str, words: list[str], commands: list[list[str]]) -> Step:
    return step_of(resource, action, detail=", ".join(words), data={"commands": commands})
