"""A light host, a tiny signed bundle and apt source on it, and calls of host_state against it."""

from __future__ import annotations

import base64
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.host_state.fixtures import build_bundle
from tests.proofs.light import site
from tests.support.site import ROOT, VENV_BIN, environment

HERE = Path(__file__).parent
HOST = "light6"  # converged when the tests begin; the playbooks beside this file name it, too
REMOTE = "/srv/host-state-test"
SANDBOX = "/root/host-state-test"
SOURCE = "/etc/apt/sources.list.d/biomax-platform.sources"
PURGE = "dpkg --purge probe-one probe-two >/dev/null 2>&1; rm -f /usr/sbin/policy-rc.d; true"
CLEAN = f"""
systemctl stop probe-one.service probe-two.service 2>/dev/null
rm -rf {SANDBOX} /etc/systemd/system/probe-*.service /etc/sysctl.d/90-probe*.conf
rm -rf /etc/modules-load.d/probe*.conf /var/lib/biomax-platform/ledger /usr/local/bin/probe-*
systemctl daemon-reload; systemctl reset-failed
mkdir -p {SANDBOX}
"""


@dataclass(frozen=True)
class Result:
    """The result of one call: Ansible's exit code, its text and what the module returned."""

    code: int
    output: str
    data: dict[str, Any]

    @property
    def actions(self) -> list[str]:
        """Return the plan as `action kind name` lines."""
        return [f"{s['action']} {s['kind']} {s['name']}" for s in self.data.get("plan", [])]


class Remote:
    """The lab host as a test uses it."""

    def __init__(self, public_key: str) -> None:
        """Use the bundle that `public_key` signs."""
        self.inventory = site.inventory({})
        self.variables: dict[str, Any] = {
            "probe_mirrors": [{"url": f"file://{REMOTE}/bundle"}],
            "probe_public_key": public_key,
        }

    def sh(self, script: str, timeout: float = 60) -> str:
        """Run a shell script on the host and return what it printed."""
        return site.on_host(HOST, "sh", "-c", script, timeout=timeout).strip()

    def call(self, entries: Sequence[Mapping[str, Any]], *options: str, **variables: Any) -> Result:
        """Make one call with `entries`; `options` go to ansible-playbook."""
        return self._play("converge.yml", entries, options, variables)

    def settles(self, entries: Sequence[Mapping[str, Any]], **variables: Any) -> Result:
        """Apply, having predicted it by a check; then the same call must find nothing to do."""
        three = self._play("settle.yml", entries, (), variables)
        assert three.code == 0, three.output
        predicted, applied, again = (three.data[k] for k in ("predicted", "applied", "again"))
        assert applied["plan"] == predicted["plan"]
        assert applied["applied"] == applied["plan"]
        assert (again["changed"], again["plan"]) == (False, [])
        return Result(three.code, three.output, applied)

    def play(self, playbook: str, entries: Sequence[Mapping[str, Any]], **variables: Any) -> Result:
        """Run a playbook of this directory that writes what it found to `probe_result_file`."""
        return self._play(playbook, entries, (), variables)

    def _play(
        self,
        playbook: str,
        entries: Sequence[Mapping[str, Any]],
        options: tuple[str, ...],
        variables: dict[str, Any],
    ) -> Result:
        with tempfile.TemporaryDirectory() as folder:
            result_file = Path(folder) / "result.json"
            given = {"probe_entries": [*entries], "probe_result_file": str(result_file)}
            extra = json.dumps({**self.variables, **given, **variables})
            command = [str(VENV_BIN / "ansible-playbook"), str(HERE / playbook)]
            done = subprocess.run(
                [*command, "-i", self.inventory, "-e", extra, *options],
                cwd=ROOT,
                env={**environment(), "ANSIBLE_ROLES_PATH": str(HERE / "roles")},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=300,
                check=False,
            )
            data = json.loads(result_file.read_text()) if result_file.exists() else {}
        return Result(done.returncode, done.stdout, data)


@pytest.fixture(scope="session")
def bundle_key(light_hosts: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Put the test bundle and apt source on the host; return the public key."""
    folder = tmp_path_factory.mktemp("bundle")
    key = build_bundle(folder)
    archive = subprocess.run(
        ["tar", "-C", str(folder), "-cz", "."], capture_output=True, check=True
    ).stdout
    unpack = f"rm -rf {REMOTE}; mkdir -p {REMOTE}; cd {REMOTE}; base64 -d | tar -xz"
    site.on_host(HOST, "sh", "-c", unpack, text=base64.b64encode(archive).decode())
    return key


@pytest.fixture
def remote(bundle_key: str) -> Iterator[Remote]:
    """Return the host without traces of an earlier test."""
    host = Remote(bundle_key)
    host.sh(CLEAN)
    yield host
    host.sh(CLEAN)


@pytest.fixture
def apt(remote: Remote) -> Iterator[Remote]:
    """Point the platform's apt source at the test repository for the time of a test."""
    text = f"Types: deb\\nURIs: file:{REMOTE}/apt\\nSuites: ./\\nTrusted: yes\\n"
    remote.sh(f"{PURGE}; mv {SOURCE} /root/source.kept 2>/dev/null; printf '{text}' > {SOURCE}")
    yield remote
    remote.sh(f"{PURGE}; rm -f {SOURCE}; mv /root/source.kept {SOURCE} 2>/dev/null; true")
