# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that is bound to a plan: for each kind, what moved since is refused before any change."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.approval import (
    Approval,
    moved,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.module_utils.host.engine import Outcome
from ansible_collections.biomax.platform.plugins.module_utils.host.kinds import KINDS

from tests.unit.host.bundles import Bundle
from tests.unit.host.simulated import SimulatedHost

Entry = dict[str, Any]
Mutate = Callable[[SimulatedHost], object]
UNIT_FILE = "etc/systemd/system/beta.service"


def write(path: str, text: str) -> Mutate:
    def act(host: SimulatedHost) -> None:
        target = host.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    return act


def sh(act: Callable[[Path], object]) -> Mutate:
    return lambda host: act(host.root)


def link(target: str) -> Mutate:
    def act(host: SimulatedHost) -> None:
        (host.root / "etc/l").unlink(missing_ok=True)
        (host.root / "etc/l").symlink_to(target)

    return act


def start(host: SimulatedHost) -> None:
    host.run(["systemctl", "start", "beta.service"], 1, {})


def enable(host: SimulatedHost) -> None:
    host.run(["systemctl", "enable", "beta.service"], 1, {})


def install(*names: str) -> Mutate:
    return lambda host: host.run(["apt-get", "install", *names], 1, {})


def change_shell(host: SimulatedHost) -> None:
    host.run(["usermod", "--shell", "/bin/other", "svc"], 1, {})


# For each kind: a declaration, how the host is made before the plan, and what moves after it.
CASES: dict[str, tuple[Entry, Mutate, Mutate]] = {
    "file": (
        {"file": "/etc/a.conf", "content": "wanted"},
        write("etc/a.conf", "one"),
        write("etc/a.conf", "two"),
    ),
    "directory": (
        {"directory": "/etc/d", "mode": "0750"},
        sh(lambda root: (root / "etc/d").mkdir(mode=0o700)),
        sh(lambda root: (root / "etc/d").chmod(0o755)),
    ),
    "symlink": ({"symlink": "/etc/l", "target": "/wanted"}, link("/one"), link("/two")),
    "packages": ({"packages": ["one", "two"]}, lambda _host: None, install("one")),
    "unit": (
        {"unit": "beta.service", "state": "running", "enabled": True},
        lambda _host: None,
        enable,
    ),
    "sysctl": (
        {"sysctl": {"vm.swappiness": "1"}},
        lambda _host: None,
        write("proc/sys/vm/swappiness", "30\n"),
    ),
    "kernel_modules": (
        {"kernel_modules": ["br_netfilter"]},
        write("etc/modules-load.d/demo.conf", "one"),
        write("etc/modules-load.d/demo.conf", "two"),
    ),
    "user": (
        {"user": "svc", "shell": "/bin/wanted"},
        lambda host: host.run(["useradd", "svc"], 1, {}),
        change_shell,
    ),
    "swap": (
        {"swap": "disabled"},
        write("proc/swaps", "Filename Type\n/dev/sda2 partition\n"),
        write("proc/swaps", "Filename Type\n/dev/sdb2 partition\n"),
    ),
    "artifact": (
        {"artifact": "probe-tool", "version": "new", "dest": "/usr/local/bin"},
        write("usr/local/bin/probe-tool", "one"),
        write("usr/local/bin/probe-tool", "two"),
    ),
}


class BoundHost(SimulatedHost):
    """A simulated host whose mirror is the test bundle."""

    bundle: Bundle

    def call(self, entries: list[Entry], **options: Any) -> Outcome:
        """Make one call."""
        return self.converge(entries, context=self.bundle.quick_context(self), **options)


@pytest.fixture
def host(tmp_path: Path, bundle: Bundle) -> BoundHost:
    """A host with a unit that does not run yet, and a kernel with a module to load."""
    simulated = BoundHost(tmp_path / "host")
    simulated.bundle = bundle
    write(UNIT_FILE, "[Service]\n")(simulated)
    write("proc/sys/kernel/osrelease", "6.1\n")(simulated)
    write("lib/modules/6.1/modules.dep", "kernel/br_netfilter.ko: \n")(simulated)
    return simulated


def approval_of(outcome: Outcome) -> Approval:
    """Return the approval as a plan file gives it: through JSON."""
    rows = json.loads(json.dumps([step.report() for step in outcome.plan.steps]))
    return Approval("plan.json", "cp1", tuple(rows))


def test_every_kind_has_a_case() -> None:
    assert CASES.keys() == KINDS.keys()


@pytest.mark.parametrize("kind", CASES)
def test_a_stale_plan_is_refused_before_any_change(host: BoundHost, kind: str) -> None:
    entry, before, after = CASES[kind]
    before(host)
    approved = approval_of(host.call([entry], check=True))
    assert approved.rows, "the case plans nothing"
    after(host)
    now = approval_of(host.call([entry], check=True))
    (difference,) = moved(approved.rows, now.rows, under_way=False)[:1]
    assert re.match(rf"{kind} .*planned .*; found ", difference.line())
    other = {"file": "/etc/first", "content": "x"}
    with pytest.raises(UnsafeError, match=r"cp1: file /etc/first"):
        host.call([other, entry], approval=approved)
    assert not (host.root / "etc/first").exists()
    if kind == "packages":  # what is left of an installation that was cut may be finished
        return
    with pytest.raises(UnsafeError, match=rf"cp1: {kind} .*planned .*; found "):
        host.call([entry], approval=approved)


@pytest.mark.parametrize("kind", CASES)
def test_an_approved_plan_is_applied_and_then_has_nothing_to_do(host: BoundHost, kind: str) -> None:
    entry, before, _ = CASES[kind]
    before(host)
    approved = approval_of(host.call([entry], check=True))
    outcome = host.call([entry], approval=approved)
    assert approval_of(outcome).rows == approved.rows
    assert host.call([entry], approval=approved).plan.steps == ()


@pytest.mark.parametrize("kind", CASES)
def test_what_was_in_order_and_moved_is_refused(host: BoundHost, kind: str) -> None:
    entry, before, after = CASES[kind]
    before(host)
    host.call([entry])
    nothing = approval_of(host.call([entry], check=True))
    assert nothing.rows == ()
    breakers: dict[str, Mutate] = {
        "packages": lambda h: h._dpkg("one", "config-files"),
        "unit": lambda h: h.run(["systemctl", "stop", "beta.service"], 1, {}),
    }
    breakers.get(kind, after)(host)
    with pytest.raises(UnsafeError, match=rf"{kind} .*planned nothing to do; found "):
        host.call([entry], approval=nothing)


def test_no_content_stands_in_a_row(host: BoundHost) -> None:
    secret = {"file": "/etc/key", "content": "s3cr3t-value", "sensitive": True}
    write("etc/key", "old-s3cr3t")(host)
    text = json.dumps([s.report() for s in host.call([secret], check=True).plan.steps])
    assert "s3cr3t" not in text


def test_a_cut_run_of_the_plan_is_finished(host: BoundHost) -> None:
    entries: list[Entry] = [
        {"packages": ["alpha"]},
        {"file": "/etc/alpha.conf", "content": "one", "restarts": ["alpha.service"]},
        {"unit": "alpha.service", "state": "running"},
    ]
    host.call(entries)
    entries[1]["content"] = "two"
    approved = approval_of(host.call(entries, check=True))
    (host.root / "etc/alpha.conf").write_text("two")  # as the cut run left it, with its intent
    ledger = host.root / "var/lib/biomax-platform/ledger"
    ledger.mkdir(parents=True, exist_ok=True)
    intent = {
        "unit": "alpha.service",
        "verb": "restart",
        "role": "demo",
        "since": "x",
        "reasons": [],
    }
    (ledger / "alpha.service.json").write_text(json.dumps(intent))
    outcome = host.call(entries, approval=approved)
    assert [step.action for step in outcome.applied] == ["restart"]
