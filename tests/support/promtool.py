"""Prometheus' own checker of rules, and what rules make of given measurements."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.support.site import ROOT

Series = Mapping[str, str]  # a series in Prometheus' notation, and its values minute by minute


def fetch_promtool(directory: Path) -> Path:
    """Unpack Debian's promtool into a directory; the package is not installed, it has a server."""
    download = ["apt-get", "download", "--quiet=2", "prometheus"]
    if subprocess.run(download, cwd=directory, capture_output=True, check=False).returncode:
        # The machine's package lists are missing or old.
        subprocess.run(["apt-get", "update", "--quiet=2"], check=True, capture_output=True)
        subprocess.run(download, cwd=directory, check=True, capture_output=True)
    (package,) = directory.glob("prometheus_*.deb")
    subprocess.run(["dpkg-deb", "--extract", str(package), str(directory)], check=True)
    package.unlink()
    return directory / "usr/bin/promtool"


def rules_of(role: str) -> str:
    """Return the rules that a role declares in objects/alerts.yml.j2, whose text is plain."""
    text = (ROOT / "roles" / role / "objects/alerts.yml.j2").read_text(encoding="utf-8")
    plain = text.replace("{% raw %}\n", "").replace("{% endraw %}\n", "")
    (rules,) = yaml.safe_load(plain)["data"].values()
    return str(rules)


class Rules:
    """The rules of a role, judged by promtool."""

    def __init__(self, promtool: Path, directory: Path, role: str) -> None:
        """Write the rules where promtool reads them."""
        self._promtool, self._directory = promtool, directory
        self.text = rules_of(role)
        self._file = directory / f"{role}.yml"
        self._file.write_text(self.text, encoding="utf-8")
        self.alerts = [
            rule["alert"]
            for group in yaml.safe_load(self.text)["groups"]
            for rule in group["rules"]
        ]

    def check(self) -> str:
        """Return what promtool has to say of the rules; AssertionError when it refuses them."""
        done = self._run("check", "rules", "--lint=all", "--lint-fatal", str(self._file))
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def firing(self, series: Series, minutes: int) -> set[str]:
        """Return the alerts that fire after some minutes of measurements."""
        asked = 'count by (alertname) (ALERTS{alertstate="firing"})'
        case = {
            "interval": "1m",
            "input_series": [{"series": key, "values": value} for key, value in series.items()],
            "promql_expr_test": [{"expr": asked, "eval_time": f"{minutes}m", "exp_samples": []}],
        }
        test = self._directory / "test.yml"
        whole = {"rule_files": [str(self._file)], "evaluation_interval": "1m", "tests": [case]}
        test.write_text(json.dumps(whole), encoding="utf-8")
        done = self._run("test", "rules", str(test))
        said = done.stdout + done.stderr
        # No alert is expected, so it complains with the list of those that fire.
        found = set(re.findall(r'alertname=\\?"(\w+)', said.partition("got:")[2]))
        assert done.returncode == 0 or found, said
        return found

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._promtool), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)
