"""Packages on a real host, from a small apt source of their own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.host_state.conftest import REMOTE, SOURCE, Remote

pytestmark = pytest.mark.lab


def test_install_and_remove(apt: Remote) -> None:
    result = apt.settles([{"packages": ["probe-one", "probe-two"]}])
    assert result.actions == ["install packages probe-one, probe-two"]
    assert apt.sh("systemctl is-active probe-one.service || true") == "inactive"
    assert apt.sh("test -e /usr/sbin/policy-rc.d; echo $?") == "1"
    removed = apt.settles([{"packages": ["probe-two"], "state": "absent"}])
    assert removed.actions == ["remove packages probe-two"]


def test_a_unit_of_a_package_is_known_after_it(apt: Remote) -> None:
    entries: list[dict[str, Any]] = [
        {"packages": ["probe-one"]},
        {"unit": "probe-one.service", "state": "running", "enabled": True},
    ]
    result = apt.settles(entries)
    assert result.data["plan"][-1]["detail"] == "it is inactive, known after packages probe-one"
    assert apt.sh("systemctl is-active probe-one.service") == "active"


def test_a_changed_configuration_file_stays(apt: Remote) -> None:
    ours: dict[str, Any] = {"file": "/etc/probe-one.conf", "content": "ours\n"}
    apt.settles([ours, {"packages": ["probe-one"]}])
    assert apt.sh("cat /etc/probe-one.conf") == "ours"


def test_an_interrupted_dpkg_is_finished(apt: Remote) -> None:
    apt.sh(f"dpkg --unpack {REMOTE}/apt/probe-one_1.0_all.deb")
    result = apt.settles([{"packages": ["probe-one"]}])
    assert result.actions == ["finish packages dpkg"]
    assert apt.sh("dpkg-query -W -f '${Status}' probe-one") == "install ok installed"


def test_what_a_killed_run_left_forbids_nothing_and_is_removed(apt: Remote) -> None:
    mark = "# biomax.platform: packages start nothing while it installs them"
    script = f"#!/bin/sh\\n{mark}\\n[ -e /proc/4194000 ] && exit 101\\nexit 0\\n"
    apt.sh(f"printf '{script}' > /usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d")
    assert apt.sh("/usr/sbin/policy-rc.d; echo $?") == "0"
    result = apt.settles([{"packages": ["dpkg"]}])
    assert result.actions == ["clean packages /usr/sbin/policy-rc.d"]
    assert apt.sh("test -e /usr/sbin/policy-rc.d; echo $?") == "1"


def test_an_unknown_package_is_named(apt: Remote) -> None:
    refused = apt.call([{"packages": ["no-such-package"]}])
    assert "Unable to locate package no-such-package" in refused.data["msg"]


def test_without_the_source_nothing_is_installed(apt: Remote) -> None:
    apt.sh(f"rm {SOURCE}")
    refused = apt.call([{"packages": ["probe-one"]}])
    assert "The role base_os writes it: put it first" in refused.data["msg"]
