"""The API answers through its endpoint although the host that holds the address is gone."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Callable

import pytest
import yaml

from tests.support.site import ROOT, lab, on_host, run_playbook

CONTROL_PLANE = ("cp1", "cp2", "cp3")
BUDGET_SECONDS = 5.0
# In a row, a tenth of a second apart: longer than a survivor takes to mark the dead member.
STEADY_ANSWERS = 60
AUTHORITY = ROOT / ".lab" / "cluster-ca.pem"


def site_value(name: str) -> str:
    """Return a plain value of the lab's api variables."""
    text = (ROOT / "inventories/lab/group_vars/all/api.yml").read_text()
    return str(yaml.safe_load(text)[name])


def answers() -> bool:
    """Return whether one request through the endpoint is answered within a second."""
    address, port = site_value("kube_api_address"), site_value("kube_api_port")
    url = f"https://api.lab.biomax.internal:{port}/readyz"
    curl = ["curl", "--silent", "--max-time", "1", "--output", "/dev/null"]
    options = ["--write-out", "%{http_code}", "--cacert", str(AUTHORITY)]
    done = subprocess.run(
        [*curl, *options, "--connect-to", f"::{address}:{port}", url],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout == "200"


def holder() -> str:
    """Return the control plane that holds the API address."""
    address = site_value("kube_api_address")
    held = [host for host in CONTROL_PLANE if address in on_host(host, "ip -brief address")]
    assert len(held) == 1, f"{address} is held by {held}"
    return held[0]


def outage(started: float, seconds: float) -> float:
    """Return the seconds from `started` until the last request failed; fail beyond `seconds`."""
    last_failure, in_a_row = 0.0, 0
    while in_a_row < STEADY_ANSWERS:
        in_a_row = in_a_row + 1 if answers() else 0
        if not in_a_row:
            last_failure = time.monotonic() - started
            assert last_failure < seconds, f"a request failed {last_failure:.1f} s after the loss"
        time.sleep(0.1)
    return last_failure


def wait_until(condition: Callable[[], bool], seconds: float, step: float = 0.2) -> float:
    """Return the seconds that passed until condition() was true; fail after `seconds`."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds} s"
        time.sleep(step)
    return time.monotonic() - started


@pytest.mark.lab
@pytest.mark.destructive
def test_power_loss_of_the_holder(site: str) -> None:
    kubeconfig = yaml.safe_load((ROOT / ".lab/kubeconfig").read_text())
    authority = kubeconfig["clusters"].pop()["cluster"]["certificate-authority-data"]
    AUTHORITY.write_bytes(base64.b64decode(authority))
    assert answers()
    lost = holder()
    started = time.monotonic()
    lab("power-off", lost)
    try:
        passed = outage(started, BUDGET_SECONDS)
        print(f"the last request failed {passed:.1f} s after power loss of {lost}")
    finally:
        lab("power-on", lost)
    verified = wait_until(
        lambda: run_playbook("playbooks/verify.yml").returncode == 0, seconds=180, step=2
    )
    print(f"{lost} was a healthy member again {verified:.0f} s after power on")
    assert run_playbook("site.yml").counter("changed") == {}
