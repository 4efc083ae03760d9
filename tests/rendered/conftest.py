"""Everything rendered for every host of both inventories, and what judges it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.builder.keys import Mirror, make_keys
from tests.rendered.sandbox import ROOT, HostRoot, debian_root
from tests.support.render_roles import DISCOVERY_FILE

BUNDLE = ROOT / ".lab" / "bundle"
KEYS = ROOT / ".lab" / "keys"
MIRRORS = {
    "lab": Mirror("mirror1.lab.biomax.internal", "10.77.0.10"),
    "selectel": Mirror("mirror1.selectel.biomax.internal", "192.0.2.10"),
}


@dataclass(frozen=True)
class Rendered:
    """What one template became on one host of one site."""

    site: str
    host: str
    template: str
    path: str
    content: str


class Sites:
    """All sites, rendered once."""

    def __init__(self, directory: Path) -> None:
        self.data = {site: _render(site, directory / site) for site in MIRRORS}
        self._directory = directory
        self._staged: dict[tuple[str, str], Path] = {}

    def entries(self, site: str, host: str) -> list[dict[str, Any]]:
        """Return every declaration of a host."""
        return [entry for rows in self.data[site]["hosts"][host].values() for entry in rows]

    def hosts(self) -> list[tuple[str, str]]:
        """Return every host with its site."""
        return [(site, host) for site, data in self.data.items() for host in data["hosts"]]

    def rendered(self, template: str) -> list[Rendered]:
        """Return what a template became, hosts of a site with the same text once."""
        found: dict[tuple[str, ...], Rendered] = {}
        for site, host in self.hosts():
            for entry in self.entries(site, host):
                if entry["template"] == template:
                    text = entry["args"]["content"]
                    item = Rendered(site, host, template, entry["name"], text)
                    found.setdefault((site, item.path, text), item)
        return list(found.values())

    def packages(self) -> set[str]:
        """Return the packages that any host installs."""
        return {
            name
            for site, host in self.hosts()
            for entry in self.entries(site, host)
            if entry["kind"] == "packages" and entry["args"]["state"] == "present"
            for name in entry["args"]["packages"]
        }

    def files(self, site: str, host: str) -> Path:
        """Write every file of a host below a directory of its own, and return that."""
        key = (site, host)
        if key not in self._staged:
            place = self._directory / "files" / site / host
            for entry in self.entries(site, host):
                content = entry["args"].get("content")
                if entry["kind"] == "file" and content is not None:
                    write(place, entry["name"], content)
            for name, text in self.data[site]["kubeadm"].get(host, {}).items():
                write(place, f"/kubeadm/{name}.yaml", text)
            write(place, DISCOVERY_FILE, "")
            self._staged[key] = place
        return self._staged[key]


def write(root: Path, path: str, content: str) -> None:
    """Write a file at its place below `root`."""
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content, encoding="utf-8")


def planted(text: str, mistake: dict[str, str]) -> str:
    """Put a mistake into a rendered text."""
    changed = re.sub(mistake["find"], mistake["put"], text, count=1, flags=re.MULTILINE)
    assert changed != text, f"{mistake['find']} is nowhere in:\n{text}"
    return changed


def _render(site: str, directory: Path) -> dict[str, Any]:
    """Render a site with real keys: those of the bundle, and a certificate for its mirror."""
    keys = directory / "keys"
    shutil.copytree(KEYS, keys, ignore=shutil.ignore_patterns("mirror.*", "S.*"))
    make_keys(keys, [MIRRORS[site]])
    command = [sys.executable, "-m", "tests.support.render_roles"]
    done = subprocess.run(
        [*command, f"inventories/{site}", str(keys), str(BUNDLE)],
        cwd=ROOT,
        env={**os.environ, "HOME": str(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def checkers() -> dict[str, Any]:
    """Return which program judges what."""
    data: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("checkers.yml").read_text())
    return data


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Sites:
    """All sites, rendered."""
    return Sites(tmp_path_factory.mktemp("sites"))


@pytest.fixture(scope="session")
def base(sites: Sites) -> Iterator[Path]:
    """Debian with what the roles install."""
    with debian_root(BUNDLE, sites.packages()) as root:
        yield root


class Judge:
    """Runs checkers in the roots of hosts."""

    def __init__(self, sites: Sites, base: Path, mount_point: Path) -> None:
        self._sites, self._base, self._mount_point = sites, base, mount_point

    def refusal(self, site: str, host: str, command: str, over: Path | None = None) -> str:
        """Return what a checker says against a host's files; empty when it accepts them."""
        files = self._sites.files(site, host)
        interface = self._sites.data[site]["interfaces"][host]
        root = HostRoot(self._base, files, interface, self._mount_point)
        done = root.run(command, over)
        return done.stderr.strip() or (f"exit code {done.returncode}" if done.returncode else "")


@pytest.fixture(scope="session")
def judge(sites: Sites, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """The checkers, ready to run."""
    return Judge(sites, base, tmp_path_factory.mktemp("mount"))
