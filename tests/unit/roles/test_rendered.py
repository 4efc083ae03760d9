"""Every declaration rendered for every host of the lab inventory and parsed by its own format."""

from __future__ import annotations

import configparser
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import tomllib
import yaml

ROOT = Path(__file__).resolve().parents[3]
CONTROL_PLANE = ("cp1", "cp2", "cp3")
Declared = dict[str, dict[str, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def declared() -> Declared:
    """Declarations by host and role, as the engine would send them."""
    command = [sys.executable, "-m", "tests.support.render_roles", "inventories/lab"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    result: Declared = json.loads(done.stdout)["hosts"]
    return result


def entries(declared: Declared, host: str) -> list[dict[str, Any]]:
    return [entry for rows in declared[host].values() for entry in rows]


def content(declared: Declared, host: str, path: str) -> str:
    found = [e for e in entries(declared, host) if e["kind"] == "file" and e["name"] == path]
    assert len(found) == 1, f"{path} on {host}"
    return str(found[0]["args"]["content"])


def _systemd(text: str) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign] # names keep their case
    parser.read_string(text)
    assert parser.sections()


def _balanced(text: str) -> None:
    lines = [line.split("#")[0].rstrip() for line in text.splitlines()]
    depth = 0
    for line in filter(None, lines):
        depth += line.count("{") - line.count("}")
        assert depth >= 0, line
        assert line.endswith(("{", "}", ";")) or "=" not in line, line
    assert depth == 0


def _haproxy(text: str) -> None:
    sections = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert [line.split()[0] for line in sections] == ["global", "defaults", "frontend", "backend"]


def _hosts(text: str) -> None:
    names = [name for line in text.splitlines() if line[:1].isdigit() for name in line.split()[1:]]
    assert len(names) == len(set(names)), "a name stands twice"


def _deb822(text: str) -> None:
    fields = dict(line.split(": ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert set(fields) == {"Types", "URIs", "Suites", "Components", "Signed-By"}


def _lines(text: str) -> None:
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines()), "trailing blanks"


PARSERS: list[tuple[str, Callable[[str], Any]]] = [
    ("*.toml", tomllib.loads),
    ("*.yml", yaml.safe_load),
    ("*.yaml", yaml.safe_load),
    ("*.json", json.loads),
    ("*.service", _systemd),
    ("/etc/systemd/**/*.conf", _systemd),
    ("/etc/systemd/*/*.conf", _systemd),
    ("/etc/keepalived/*.conf", _balanced),
    ("/etc/nginx/nginx.conf", _balanced),
    ("/etc/haproxy/*.cfg", _haproxy),
    ("/etc/hosts", _hosts),
    ("*.sources", _deb822),
]


def test_every_file_parses_by_its_format(declared: Declared) -> None:
    parsed = 0
    for host, roles in declared.items():
        for entry in (entry for rows in roles.values() for entry in rows):
            text = entry["args"].get("content")
            if entry["kind"] != "file" or text is None:
                continue
            _lines(text)
            for pattern, parse in PARSERS:
                if PurePosixPath(entry["name"]).match(pattern):
                    parse(text)
                    parsed += 1
            assert "{{" not in text, (host, entry["name"])
    assert parsed > len(declared) * 5


def test_units_named_by_restarts_are_declared_on_the_same_host(declared: Declared) -> None:
    for host in declared:
        rows = entries(declared, host)
        units = {row["name"] for row in rows if row["kind"] == "unit"}
        for row in rows:
            for unit in [*row["args"].get("restarts", []), *row["args"].get("reloads", [])]:
                assert unit in units, f"{host}: {row['name']} restarts {unit}, declared nowhere"


def test_packages_are_in_the_bundle(declared: Declared) -> None:
    catalogue = yaml.safe_load((ROOT / "bundle/catalogue/packages.yml").read_text())
    known = {row["name"] for row in catalogue["roots"]} | set(catalogue["base"])
    for host in declared:
        for row in entries(declared, host):
            if row["kind"] == "packages" and row["args"]["state"] == "present":
                assert set(row["args"]["packages"]) <= known, host


def test_artifacts_are_in_the_bundle(declared: Declared) -> None:
    text = (ROOT / "bundle/catalogue/programs.yml").read_text()
    names = set(_values(yaml.safe_load(text), "name"))
    for host in declared:
        for row in entries(declared, host):
            if row["kind"] == "artifact":
                assert row["name"] in names, f"{host}: {row['name']}"


def _values(node: Any, key: str) -> list[str]:
    """Return every value of `key`, at any depth."""
    if isinstance(node, dict):
        own = [node[key]] if isinstance(node.get(key), str) else []
        return own + [value for child in node.values() for value in _values(child, key)]
    if isinstance(node, list):
        return [value for child in node for value in _values(child, key)]
    return []


def test_packets_that_lead_nowhere_end_on_the_host(declared: Declared) -> None:
    for host in (*CONTROL_PLANE, "app1"):
        unit = content(declared, host, "/etc/systemd/system/biomax-cluster-edge.service")
        assert "Before=network-pre.target" in unit
        assert "route replace unreachable 10.244.0.0/16 " in unit
        rules = content(declared, host, "/etc/biomax-platform/cluster-edge.nft")
        assert 'oifname != "lo" ip daddr 10.96.0.0/12 counter drop' in rules


def test_quorum_units_are_disruptive(declared: Declared) -> None:
    wanted = {"containerd.service", "kubelet.service", "haproxy.service", "keepalived.service"}
    for host in CONTROL_PLANE:
        marked = {
            row["name"]
            for row in entries(declared, host)
            if row["kind"] == "unit" and row["args"]["disruptive"]
        }
        assert wanted <= marked, host


def test_no_registry_name_leads_anywhere_but_the_mirror(declared: Declared) -> None:
    for host in (*CONTROL_PLANE, "app1"):
        text = content(declared, host, "/etc/containerd/certs.d/_default/hosts.toml")
        hosts = tomllib.loads(text)
        assert hosts["server"] == "https://mirror1.lab.biomax.internal"
        assert "host" not in hosts
        config = tomllib.loads(content(declared, host, "/etc/containerd/config.toml"))
        assert config["version"] == 4
        images = config["plugins"]["io.containerd.cri.v1.images"]
        assert images["pinned_images"]["sandbox"] == "registry.k8s.io/pause:3.10.2"


def test_hosts_file_names_the_host_itself_the_api_and_the_mirror_only(declared: Declared) -> None:
    for host in declared:
        lines = content(declared, host, "/etc/hosts").splitlines()
        assert "10.77.0.5 api.lab.biomax.internal" in lines
        named = {word for line in lines for word in line.split()[1:] if word in declared}
        assert {host} <= named <= {host, "mirror1"}, host


def test_every_control_plane_has_its_own_priority_and_all_peers(declared: Declared) -> None:
    path = "/etc/keepalived/keepalived.conf"
    texts = {host: content(declared, host, path) for host in CONTROL_PLANE}
    priorities = [
        line.split()[1]
        for text in texts.values()
        for line in text.splitlines()
        if line.strip().startswith("priority")
    ]
    assert len(set(priorities)) == len(CONTROL_PLANE)
    addresses = {"cp1": "10.77.0.21", "cp2": "10.77.0.22", "cp3": "10.77.0.23"}
    for host, text in texts.items():
        peers = text.split("unicast_peer {")[1].split("}")[0].split()
        assert set(peers) == set(addresses.values()) - {addresses[host]}


def test_only_the_mirror_serves_time_and_only_its_key_is_secret(declared: Declared) -> None:
    for host in declared:
        serves = "allow " in content(declared, host, "/etc/chrony/chrony.conf")
        assert serves == (host == "mirror1")
        secret = [row["name"] for row in entries(declared, host) if row["args"].get("sensitive")]
        if host == "mirror1":
            assert secret == ["/etc/nginx/biomax-platform/mirror.key"]
