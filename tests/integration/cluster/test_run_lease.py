"""Runs of different controllers on one site: a Lease in a real API server keeps the second out."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.access import read_access
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    HttpTransport,
    KubeClient,
    Pace,
    open_client,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import MissingError
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import UnsafeError
from ansible_collections.biomax.platform.plugins.plugin_utils.run_lease import (
    PATH,
    SILENT_SECONDS,
    keep_lease,
    take_lease,
)

from tests.support.apiserver import api_server
from tests.support.small_runs import Site, descendants, end, name_of


class Server:
    """An API server, and clients whose time is the test's."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self.client = open_client(str(kubeconfig))

    def waiting(
        self, meanwhile: Callable[[], None] = lambda: None
    ) -> tuple[KubeClient, list[float]]:
        """Return a client that does not sleep but calls `meanwhile`, and its clock."""
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds
            meanwhile()

        pace = Pace(sleep=sleep, clock=lambda: now[0])
        return KubeClient(HttpTransport(read_access(self.kubeconfig)), 0.0, pace), now

    def holder(self) -> str:
        """Return what the Lease says; empty when it is not there yet."""
        with suppress(MissingError):
            return str(self.lease()["spec"]["holderIdentity"])
        return ""

    def lease(self) -> dict[str, Any]:
        """Return the Lease."""
        return self.client.get(PATH)

    def renew(self, holder: str) -> None:
        """Renew as a run that lives."""
        rounds = iter((False, True))
        calls = []

        def ended(seconds: float) -> bool:
            calls.append(seconds)
            return next(rounds)

        def opened() -> KubeClient:
            if len(calls) > 1:
                raise MissingError("only one renewal is wanted")
            return self.client

        keep_lease(opened, holder, ended)


@pytest.fixture(scope="module", name="api")
def fixture_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with api_server(tmp_path_factory.mktemp("lease")) as kubeconfig:
        server = Server(kubeconfig)
        namespaces = "/api/v1/namespaces/kube-system"
        deadline = time.monotonic() + 60
        while True:
            try:
                server.client.get(namespaces)
                break
            except MissingError:  # the API server makes it soon after its start
                assert time.monotonic() < deadline
                time.sleep(0.2)
        yield server


@pytest.fixture(name="server")
def fixture_server(api: Server) -> Server:
    with suppress(MissingError):
        api.client.delete(PATH, api.lease()["metadata"]["uid"])
    return api


def silent(message: str) -> None:
    raise AssertionError(f"nothing had to be waited for: {message}")


def test_a_free_site_is_taken_without_waiting(server: Server) -> None:
    client, now = server.waiting()
    take_lease(client, "first", "", silent)
    assert server.holder() == "first"
    assert now == [0.0]
    assert dict(client.requests) == {"get": 1, "create": 1}


def test_a_run_that_renews_is_named(server: Server) -> None:
    take_lease(server.client, "first", "", silent)
    said: list[str] = []
    client, now = server.waiting(lambda: server.renew("first"))
    with pytest.raises(UnsafeError, match="another run is at work on this site: first"):
        take_lease(client, "second", "", said.append)
    assert server.holder() == "first"
    assert now[0] < 10
    assert "names another run: first" in said[0]


def test_a_silent_run_is_waited_for_and_then_dead(server: Server) -> None:
    take_lease(server.client, "first", "", silent)
    said: list[str] = []
    client, now = server.waiting()
    take_lease(client, "second", "", said.append)
    assert server.holder() == "second"
    assert SILENT_SECONDS <= now[0] < SILENT_SECONDS + 5
    assert len(said) == 1


def test_the_own_run_that_was_killed_is_not_waited_for(server: Server) -> None:
    take_lease(server.client, "killed", "", silent)
    take_lease(server.client, "second", "killed", silent)
    assert server.holder() == "second"


def test_of_many_at_once_one_gets_it(server: Server) -> None:
    names = [f"run {number}" for number in range(8)]
    refused: list[str] = []
    barrier = threading.Barrier(len(names))

    def run(name: str) -> None:
        client, _ = server.waiting(lambda: server.renew(server.holder()))
        barrier.wait()
        try:
            take_lease(client, name, "", lambda _: None)
        except UnsafeError:
            refused.append(name)

    threads = [threading.Thread(target=run, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(names) - 1
    assert {server.holder(), *refused} == set(names)


def test_who_lost_it_does_not_give_it_back(server: Server) -> None:
    take_lease(server.client, "first", "", silent)
    take_lease(server.client, "second", "first", silent)
    assert keep_lease(lambda: server.client, "first", lambda _: True) == "second"
    assert server.holder() == "second"


def test_a_deleted_one_is_not_made_again(server: Server) -> None:
    take_lease(server.client, "first", "", silent)
    server.client.delete(PATH, server.lease()["metadata"]["uid"])
    assert keep_lease(lambda: server.client, "first", lambda _: False) == ""
    with pytest.raises(MissingError):
        server.lease()


def site_of(folder: Path, server: Server) -> Site:
    """A controller with a state directory of its own."""
    (folder / "state").mkdir(parents=True)
    shutil.copy(server.kubeconfig, folder / "state/kubeconfig")
    return Site(folder)


def test_runs_of_two_controllers(tmp_path: Path, server: Server) -> None:
    one, two = (site_of(tmp_path / name, server) for name in ("one", "two"))
    with one.at_work() as first:
        wait_for(lambda: f"pid {first.pid}" in server.holder())
        second = two.start("second")
        output, _ = second.communicate(timeout=60)
        assert second.returncode == 1, output
        assert "another run is at work on this site: controller" in output
        assert f"pid {first.pid}," in output and "first.yml" in output
        assert not two.changed("second")
        workers = descendants(first.pid)
        first.kill()
        first.wait()
        end([pid for pid in workers if name_of(pid) == "sleep"])  # its worker ends with it
        wait_for(lambda: server.holder() == "")  # by the process that renewed it
    third = two.start("third")
    output, _ = third.communicate(timeout=60)
    assert (third.returncode, two.changed("third")) == (0, True), output
    assert "Waiting" not in output
    wait_for(lambda: server.holder() == "")


def test_a_run_whose_lease_was_taken_ends_before_its_next_task(
    tmp_path: Path, server: Server
) -> None:
    """As after a controller's sleep: another run has waited its time and is at work."""
    site = site_of(tmp_path / "one", server)
    first = site.start("first", seconds=20)
    wait_for(lambda: f"pid {first.pid}" in server.holder())
    take_lease(server.client, "controller b, user b", server.holder(), silent)
    output, _ = first.communicate(timeout=60)
    assert (first.returncode, site.changed("first")) == (1, False), output
    assert "another run has begun on this site: controller b, user b." in output
    assert server.holder() == "controller b, user b"


def test_a_run_whose_lease_was_deleted_goes_on(tmp_path: Path, server: Server) -> None:
    site = site_of(tmp_path / "one", server)
    first = site.start("first", seconds=15)
    wait_for(lambda: f"pid {first.pid}" in server.holder())
    server.client.delete(PATH, server.lease()["metadata"]["uid"])
    output, _ = first.communicate(timeout=60)
    assert (first.returncode, site.changed("first")) == (0, True), output


def test_a_killed_run_does_not_hold_up_the_next_of_its_controller(
    tmp_path: Path, server: Server
) -> None:
    site = site_of(tmp_path / "one", server)
    with site.at_work() as first:
        wait_for(lambda: f"pid {first.pid}" in server.holder())
        everything = [first.pid, *descendants(first.pid)]  # the one that renews too
        end(everything)
        first.wait()
    second = site.start("second")
    output, _ = second.communicate(timeout=60)
    assert (second.returncode, site.changed("second")) == (0, True), output
    assert "Waiting" not in output


def test_without_an_answer_the_run_goes_on(tmp_path: Path, server: Server) -> None:
    site = site_of(tmp_path / "one", server)
    kubeconfig = tmp_path / "one/state/kubeconfig"
    kubeconfig.write_text(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:9", kubeconfig.read_text()))
    run = site.start("only")
    output, _ = run.communicate(timeout=60)
    assert (run.returncode, site.changed("only")) == (0, True), output


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
