# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a host asks, all at the same time. Standard library only: this runs on hosts."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_names import (
    ask_name,
    name_files,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_path import (
    probe_paths,
)
from ansible_collections.biomax.platform.plugins.module_utils.preflight.collect_time import ask_time


@dataclass(frozen=True)
class Probe:
    """What a host is to ask and measure; the defaults ask nothing.

    Attributes:
        interface: Interface that carries the host's address.
        peers: ``name`` and ``address`` of the hosts to which paths are probed.
        time_servers: Addresses of time servers.
        names: Names that are looked for in the hosts file.
        resolve: A name that each name server of the host is asked for; empty for none.
        etcd_dir: etcd's data directory on a control-plane host; empty elsewhere.
        bundle_sha256: Sum of the controller's bundle index; empty when it is not known.
    """

    interface: str = ""
    peers: tuple[Mapping[str, str], ...] = ()
    time_servers: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    resolve: str = ""
    etcd_dir: str = ""
    bundle_sha256: str = ""


class Round:
    """Questions to other hosts, asked in the background; none waits longer than three seconds."""

    def __init__(self, probe: Probe, base: Path, device: Mapping[str, Any]) -> None:
        """Send every question.

        Args:
            probe: Whom to ask.
            base: Where the host's file tree starts.
            device: The interface, as `link` describes it; without it no path is probed.
        """
        self._files = name_files(base, probe.names)
        self._threads: list[threading.Thread] = []
        self._values: dict[str, list[Any]] = {"time": [], "resolver": [], "paths": []}
        for server in probe.time_servers:
            self._ask("time", functools.partial(ask_time, server))
        for server in self._files["servers"] if probe.resolve else ():
            self._ask("resolver", functools.partial(ask_name, server, probe.resolve))
        if device and probe.peers:
            self._ask("paths", lambda: probe_paths(probe.peers, device["mtu"]))

    def _ask(self, key: str, question: Callable[[], Any]) -> None:
        """Put one question into a thread of its own."""

        def work() -> None:
            # A user that may not send, an address that is none: both are findings of their own.
            with contextlib.suppress(OSError, ValueError):
                self._values[key].append(question())

        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def answers(self) -> dict[str, Any]:
        """Wait for the answers.

        Returns:
            ``time`` and ``resolver``: a list with an answer of each server; ``paths``: an entry
            of each peer; ``names``: what files say.
        """
        for thread in self._threads:
            thread.join()
        paths = [path for found in self._values["paths"] for path in found]
        return {**self._values, "paths": paths, "names": self._files}
