"""Two real runs of ansible-playbook on one site: the second is refused and names the first."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

from tests.support.site import ROOT
from tests.support.small_runs import Site, descendants, end, name_of

CHANGING = ("converge_hosts", "form_cluster", "deploy_platform")
LOOKING = ("preflight", "plan", "status", "verify", "show_config")


@pytest.fixture(name="site")
def fixture_site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_the_second_is_refused_and_names_the_first(site: Site) -> None:
    with site.at_work() as first:
        second = site.start("second")
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 1, output
        assert f"pid {first.pid}" in output
        assert all(word in output for word in ("controller ", "user ", "since 20", "first.yml"))
        assert "Nothing was changed by this run" in output
        assert not site.changed("second")
        assert first.poll() is None


@pytest.mark.parametrize(("options", "marked"), [(("--check",), True), ((), False)])
def test_what_only_looks_is_not_refused(site: Site, options: tuple[str, ...], marked: bool) -> None:
    with site.at_work():
        second = site.start("second", *options, marked=marked)
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 0, output


def test_a_killed_run_keeps_nobody_out_though_its_worker_lives(site: Site) -> None:
    with site.at_work() as first:
        deadline = time.monotonic() + 30
        while "sleep" not in map(name_of, workers := descendants(first.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        try:
            first.kill()
            first.wait()
            second = site.start("second")
            output, _ = second.communicate(timeout=60)
            assert second.returncode == 0, output
            assert site.changed("second")
            assert any(Path(f"/proc/{worker}").exists() for worker in workers)
        finally:
            end(workers)


def test_runs_one_after_the_other_are_free(site: Site) -> None:
    for name in ("one", "two"):
        run = site.start(name)
        output, _ = run.communicate(timeout=60)
        assert (run.returncode, site.changed(name)) == (0, True), output
    holder = json.loads((site.folder / "state/run.lock").read_text())
    assert holder.keys() == {"controller", "user", "pid", "since", "command"}


@pytest.mark.parametrize("name", [*CHANGING, *LOOKING])
def test_the_playbooks_that_change_a_site_are_marked(name: str) -> None:
    plays = yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())
    marks = [bool((play.get("vars") or {}).get("site_run_changes")) for play in plays]
    assert marks[0] == (name in CHANGING)
    assert name in CHANGING or not any(marks)
