"""What a converged mirror gives to hosts, and what it refuses."""

from __future__ import annotations

import pytest

from tests.support.site import on_host, run_playbook

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("formed")]

MIRROR, HOST = "mirror1", "app1"
ASK = """
python3 - <<'END'
import ssl, urllib.request as r, urllib.error as e
trusted = ssl.create_default_context(cafile="/etc/biomax-platform/mirror-ca.pem")
request = r.Request("https://mirror1.lab.biomax.internal%s", method="%s",
                    data=b"" if "%s" in ("POST", "PUT") else None,
                    headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
try:
    print(r.urlopen(request, context=trusted, timeout=10).status)
except e.HTTPError as error:
    print(error.code)
END
"""


@pytest.fixture(scope="module", autouse=True)
def _converged(formed: str) -> None:
    run = run_playbook("playbooks/converge_hosts.yml", "--limit", f"{MIRROR},{HOST}")
    assert run.returncode == 0, run.output


def answer(method: str, path: str) -> int:
    return int(on_host(HOST, ASK % (path, method, method)).strip().splitlines()[-1])


@pytest.mark.parametrize(
    "path",
    [
        "/bundle/index.json",
        "/bundle/index.json.sig",
        "/bundle/apt/dists/platform/InRelease",
        "/v2/pause/manifests/3.10.2",
    ],
)
def test_serves(path: str) -> None:
    assert answer("GET", path) == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2/pause/blobs/uploads/", 403),
        ("PUT", "/v2/pause/manifests/3.10.2", 403),
        ("DELETE", "/v2/pause/manifests/3.10.2", 403),
        ("PUT", "/bundle/index.json", 403),
        ("GET", "/bundle/", 403),
        ("GET", "/bundle/../registry/", 404),
        ("GET", "/", 404),
        ("GET", "/v2/no-such-image/manifests/1", 404),
    ],
)
def test_refuses(method: str, path: str, status: int) -> None:
    assert answer(method, path) == status


def test_registry_is_not_reached_around_the_web_server() -> None:
    listening = on_host(MIRROR, "ss -Hltn 'sport = :5000'").split()
    assert "127.0.0.1:5000" in listening
    user = on_host(MIRROR, "ps -o user= -C registry || stat -c %U /proc/$(pidof registry)")
    assert user.strip().startswith("biomax-")


def test_hosts_follow_the_mirrors_clock() -> None:
    tracking = on_host(HOST, "chronyc -n -c tracking").strip().split(",")
    assert tracking[1] == "10.77.0.10"
    assert tracking[-1] == "Normal"


def test_apt_has_one_source_and_asks_nobody_else() -> None:
    urls = on_host(HOST, "apt-get indextargets --format '$(URI)' | cut -d/ -f3 | sort -u").split()
    assert urls == ["mirror1.lab.biomax.internal"]


def test_again_changes_nothing_in_three_and_one_tasks() -> None:
    run = run_playbook("playbooks/converge_hosts.yml", "--limit", f"{MIRROR},{HOST}")
    assert run.returncode == 0, run.output
    assert run.changed_tasks() == []
    assert run.counter("executed") == {MIRROR: 3, HOST: 1}


def test_tags_touch_one_role() -> None:
    run = run_playbook(
        "playbooks/converge_hosts.yml", "--limit", HOST, "--tags", "containerd", "--check"
    )
    assert run.returncode == 0, run.output
    assert "8 resources as declared" in run.output
