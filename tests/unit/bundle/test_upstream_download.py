"""Downloads from servers that are right, wrong, truncated, slow, missing, and moody."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    PlatformError,
)

from lab.builder.cache import KEEP_SECONDS, key_of
from lab.builder.progress import Step
from lab.builder.upstream.download import ATTEMPTS, Downloader, Wanted
from tests.support.release_server import Fault, ReleaseServer, serving

ROOT = Path(__file__).resolve().parents[3]
DATA = hashlib.shake_256(b"release").digest(3 * 1024 * 1024 + 17)
SUM = hashlib.sha256(DATA).hexdigest()
PATH = "/release/tool.tar.gz"


@pytest.fixture
def server() -> Iterator[ReleaseServer]:
    server = ReleaseServer()
    server.files[PATH] = DATA
    with serving(server):
        yield server


class Client:
    """A downloader that does not wait, what it said, and where files go."""

    def __init__(self, directory: Path, server: ReleaseServer) -> None:
        self.pauses: list[float] = []
        self.said: list[str] = []
        self.downloader = Downloader(directory / "parts", silence=0.5, sleep=self.pauses.append)
        self.step = Step(self.said.append)
        self.target = directory / "target"
        self.url = f"{server.url}{PATH}"

    def fetch(self, sha256: str = SUM, size: int | None = len(DATA)) -> str:
        wanted = Wanted("tool 1.0", self.url, sha256, size)
        return self.downloader.fetch(wanted, self.target, self.step)

    def parts(self) -> list[Path]:
        return list(self.downloader.parts.iterdir())


@pytest.fixture
def client(tmp_path: Path, server: ReleaseServer) -> Client:
    return Client(tmp_path, server)


def test_a_right_file_comes_in_one_request(client: Client, server: ReleaseServer) -> None:
    assert client.fetch() == SUM
    assert client.target.read_bytes() == DATA
    assert len(server.requests) == 1
    assert client.parts() == []
    assert client.step.note == "3.0 MiB of 3.0 MiB"


def test_a_wrong_file_is_refused_at_once_and_thrown_away(
    client: Client, server: ReleaseServer
) -> None:
    server.files[PATH] = b"X" + DATA[1:]
    found = hashlib.sha256(server.files[PATH]).hexdigest()
    with pytest.raises(IntegrityError) as refused:
        client.fetch()
    text = str(refused.value)
    for part in ("tool 1.0", client.url, f"sha256:{SUM}", f"sha256:{found}", "lab/bundle lock"):
        assert part in text
    assert not client.target.exists()
    assert client.parts() == []
    assert len(server.requests) == 1  # asking again would bring the same


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_file_that_is_short_on_the_server_is_refused(
    client: Client, server: ReleaseServer, size: int | None
) -> None:
    server.files[PATH] = DATA[:-100]
    with pytest.raises(IntegrityError, match=f"{len(DATA) - 100} bytes"):
        client.fetch(size=size)
    assert client.parts() == []
    assert not client.target.exists()


def test_an_error_page_instead_of_a_longer_file_is_refused_before_it_is_read(
    client: Client, server: ReleaseServer
) -> None:
    server.files[PATH] = b"<html>" * 5_000_000
    with pytest.raises(IntegrityError, match=f"expected {len(DATA)} bytes, found 30000000"):
        client.fetch()


def test_a_cut_connection_goes_on_where_it_stopped(client: Client, server: ReleaseServer) -> None:
    server.faults[PATH] = [Fault(cut=1024 * 1024), Fault(cut=512 * 1024)]
    assert client.fetch() == SUM
    assert server.sent[PATH] == len(DATA)  # not one byte twice
    assert [wanted for _, _, wanted in server.requests[1:]] == ["bytes=1048576-", "bytes=1572864-"]
    assert client.pauses == [1.0, 2.0]
    assert "the connection broke after 1048576 of" in client.said[0]


def test_a_server_without_ranges_is_read_from_the_start(
    client: Client, server: ReleaseServer
) -> None:
    server.ranges = False
    server.faults[PATH] = [Fault(cut=1024 * 1024)]
    assert client.fetch() == SUM
    assert server.sent[PATH] == len(DATA) + 1024 * 1024


def test_a_moody_server_is_asked_again(client: Client, server: ReleaseServer) -> None:
    server.faults[PATH] = [Fault(status=500), Fault(status=503), Fault(status=429)]
    assert client.fetch() == SUM
    assert client.pauses == [1.0, 2.0, 4.0]
    assert "answered 500" in client.said[0]
    assert f"attempt 2 of {ATTEMPTS}" in client.said[0]


def test_a_server_that_stays_broken_is_given_up(client: Client, server: ReleaseServer) -> None:
    server.always[PATH] = Fault(status=500)
    with pytest.raises(PlatformError, match=f"answered 500.*{ATTEMPTS} attempts failed"):
        client.fetch()
    assert len(server.requests) == ATTEMPTS


def test_a_silent_server_is_noticed_and_what_came_is_kept(
    client: Client, server: ReleaseServer
) -> None:
    server.faults[PATH] = [Fault(stall=1024 * 1024, seconds=30.0)]
    started = time.monotonic()
    assert client.fetch() == SUM
    assert time.monotonic() - started < 20.0
    assert server.requests[1][2] == "bytes=1048576-"
    assert "timed out" in client.said[0]


def test_a_slow_server_is_waited_for(client: Client, server: ReleaseServer) -> None:
    server.always[PATH] = Fault(pause=0.02)
    assert client.fetch() == SUM
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [404, 403, 410])
def test_a_missing_file_is_told_at_once(client: Client, server: ReleaseServer, status: int) -> None:
    server.always[PATH] = Fault(status=status)
    with pytest.raises(PlatformError, match=f"tool 1.0 from .*{status}.*bundle/catalogue"):
        client.fetch()
    assert len(server.requests) == 1


def test_nobody_listening_is_told_with_the_address(tmp_path: Path, server: ReleaseServer) -> None:
    client = Client(tmp_path, server)
    client.url = "http://127.0.0.1:9/x"
    with pytest.raises(PlatformError, match=r"no answer .*127\.0\.0\.1.*6 attempts failed"):
        client.fetch()


def test_a_part_of_another_file_is_thrown_away(client: Client, server: ReleaseServer) -> None:
    server.faults[PATH] = [Fault(cut=1024 * 1024)] + [Fault(status=500)] * (ATTEMPTS - 1)
    with pytest.raises(PlatformError):
        client.fetch()
    (part,) = client.parts()
    assert part.stat().st_size == 1024 * 1024
    part.write_bytes(b"Z" + part.read_bytes()[1:])
    assert client.fetch() == SUM
    assert "do not fit together" in client.said[-1]


def test_a_part_that_was_whole_when_it_was_cut_is_not_asked_for_twice(
    client: Client, server: ReleaseServer
) -> None:
    server.faults[PATH] = [Fault(cut=1024 * 1024)] + [Fault(status=500)] * (ATTEMPTS - 1)
    with pytest.raises(PlatformError):
        client.fetch(size=None)
    (part,) = client.parts()
    part.write_bytes(DATA)
    assert client.fetch(size=None) == SUM  # the server says 416, the length fits
    assert server.sent[PATH] == 1024 * 1024
    part.write_bytes(DATA + b"more")
    assert client.fetch(size=None) == SUM  # longer: of another file


def test_a_full_disk_is_told(client: Client) -> None:
    client.downloader.parts.mkdir()
    (client.downloader.parts / f"{key_of(client.url, SUM)}.part").symlink_to("/dev/full")
    with pytest.raises(PlatformError, match=r"\.part: the disk is full"):
        client.fetch()


def test_old_parts_are_removed(client: Client) -> None:
    client.downloader.parts.mkdir()
    old, new = client.downloader.parts / "a.part", client.downloader.parts / "b.part"
    old.touch()
    new.touch()
    os.utime(old, (0, time.time() - KEEP_SECONDS - 1))
    client.downloader.prune(time.time())
    assert client.parts() == [new]


def test_the_proxy_of_the_environment_is_used_and_its_exceptions_too(
    client: Client, server: ReleaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = ReleaseServer()
    proxy.files[PATH] = DATA
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with serving(proxy):
        client.fetch()
        assert (len(proxy.requests), len(server.requests)) == (1, 0)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        client.fetch()
        assert (len(proxy.requests), len(server.requests)) == (1, 1)


def test_a_killed_download_goes_on_where_it_stopped(
    tmp_path: Path, client: Client, server: ReleaseServer
) -> None:
    server.faults[PATH] = [Fault(pause=0.05)]
    command = [sys.executable, "-m", "tests.support.download_once"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'collections'}:{ROOT}"}
    arguments = [str(tmp_path), client.url, SUM]
    with subprocess.Popen([*command, *arguments], cwd=ROOT, env=environment) as process:
        deadline = time.monotonic() + 120
        while server.sent[PATH] < 1024 * 1024 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    (part,) = client.parts()
    kept = part.stat().st_size
    assert 512 * 1024 < kept < len(DATA)
    assert not client.target.exists()
    before = -1
    while before != server.sent[PATH]:  # to the dead client the server may still send a piece
        before = server.sent[PATH]
        time.sleep(0.5)
    assert client.fetch() == SUM
    assert server.requests[-1][2] == f"bytes={kept}-"
    assert server.sent[PATH] - before == len(DATA) - kept
