# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says at the end of a failed run what its first cause was, where to see it and what to do."""

from __future__ import annotations

DOCUMENTATION = r"""
name: explain
type: aggregate
short_description: Names the first cause of a failed run as the last thing that is printed
version_added: 0.1.0
description:
  - When a run fails, the last lines name the first cause (the earliest failing fact), the host,
    the command that shows it there, and what to do.
  - Modules of this collection collect the facts on their host when they fail; the rules are in
    C(plugins/module_utils/explain), one file for each family of causes.
  - Private keys, tokens and passwords are taken out of what is printed. The error of a task with
    C(no_log) is shown nevertheless.
  - A run that succeeds prints nothing more.
requirements:
  - enable in configuration with C(callbacks_enabled = biomax.platform.explain), after all others
author: biomax.platform authors
"""

import os
import time
from typing import Any

from ansible import constants as C
from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    Failure,
    Site,
)
from ansible_collections.biomax.platform.plugins.module_utils.explain.secrets import hide
from ansible_collections.biomax.platform.plugins.plugin_utils.shell_line import shell_line

_TEXTS = ("msg", "module_stderr", "stderr")


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible-core ships no type information
    """Keep every failure; judge them when the run ends."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "biomax.platform.explain"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._play: Any = None
        self._number = 0
        self._failures: list[Failure] = []
        self._fatal: set[str] = set()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Remember the play: it knows the inventory's variables."""
        self._play = play

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:  # noqa: ARG002 - fixed signature
        """Count tasks: the number tells which failure is earlier."""
        self._number += 1

    def v2_playbook_on_handler_task_start(self, task: Any) -> None:  # noqa: ARG002 - fixed signature
        """Handlers are tasks as well."""
        self._number += 1

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep a failure, unless the playbook goes on in spite of it."""
        if not ignore_errors:
            self._keep(result, unreachable=False)
            self._fatal.add(result.host.get_name())

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keep it; where the playbook goes on it may still explain a later failure."""
        self._keep(result, unreachable=True)
        if not result.task.ignore_unreachable:
            self._fatal.add(result.host.get_name())

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the first cause of a run that failed."""
        # A failure that a rescue caught is counted as rescued, not as a failure.
        if not any(host in stats.failures or host in stats.dark for host in self._fatal):
            return
        # Imported here: a run that succeeds need not load the rules and the libraries behind them.
        from ansible_collections.biomax.platform.plugins.module_utils.explain.judge import (  # noqa: PLC0415 - see above
            lines,
        )

        hosts = self._host_variables()
        site = _site(hosts, self._groups())
        self._display.banner("FIRST CAUSE")
        for row in lines(
            self._failures, site, lambda host, told: shell_line(hosts.get(host), host, told)
        ):
            self._display.display(hide(row), color=C.COLOR_ERROR)

    def _keep(self, result: Any, *, unreachable: bool) -> None:
        data = result.result
        evidence = data.get("evidence") or {}
        self._failures.append(
            Failure(
                host=_acted_on(result),
                task=result.task_name,
                where=os.path.relpath(result.task.get_path() or "."),
                text=hide(_text(result)),
                number=self._number,
                evidence=evidence,
                clock_ahead=evidence["clock"] - time.time() if "clock" in evidence else 0.0,
                unreachable=unreachable,
                findings=data.get("findings") or (),
                hidden="censored" in data,
            )
        )

    def _variables(self) -> dict[str, Any]:
        found: dict[str, Any] = self._play.get_variable_manager().get_vars(play=self._play)
        return found

    def _groups(self) -> dict[str, list[str]]:
        return dict(self._variables().get("groups", {}))

    def _host_variables(self) -> dict[str, Any]:
        """Return the variables of every host, templated when they are read."""
        known = self._variables().get("hostvars") or {}
        return {name: known[name] for name in known}


def _acted_on(result: Any) -> str:
    """Return the host that a task acted on, also when it was delegated."""
    return str(result.task_fields.get("delegate_to") or result.host.get_name())


def _text(result: Any) -> str:
    """Return what a result says; of a censored one the error that Ansible itself shows."""
    data = result.result
    failed = [
        row for row in data.get("results") or () if isinstance(row, dict) and row.get("failed")
    ]
    told = [str(row[key]) for row in failed or [data] for key in _TEXTS if row.get(key)]
    if told and "censored" not in data:
        return "\n".join(dict.fromkeys(told)).removeprefix("Task failed: ")
    return _said_by(getattr(result.exception, "event", None)) or str(data.get("censored", ""))


def _said_by(event: Any) -> str:
    """Join the words of an error of Ansible with those of the errors behind it."""
    words: list[str] = []
    while event is not None:
        word = str(event.msg).removesuffix(".")
        if word != "Task failed" and not any(word in earlier for earlier in words):
            words.append(word)
        event = getattr(event.chain, "event", None)
    return ": ".join(words)


def _site(hosts: dict[str, Any], groups: dict[str, list[str]]) -> Site:
    first: Any = next(iter(hosts.values()), {})
    given = context.CLIARGS.get("inventory") or C.DEFAULT_HOST_LIST
    dead = set(groups.get("absent", ()))
    state = first.get("site_state_dir", ".lab")
    return Site(
        inventory=_relative(str(given[0])),
        addresses={
            str(address): name
            for name, known in hosts.items()
            for address in (known.get("ansible_host", name), known.get("node_address", name))
        },
        mirrors=[name for name in groups.get("mirror", ()) if name not in dead],
        control_planes=[name for name in groups.get("kube_control_plane", ()) if name not in dead],
        variables=sorted(first),
        kubeconfig=_relative(f"{state}/kubeconfig"),
    )


def _relative(path: str) -> str:
    """Return a path as a person would type it here."""
    short = os.path.relpath(path) if "," not in path else path
    return path if short.startswith("..") else short
