"""The lock, the ledger, the hash cache and the copy of the index."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host import lock
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.module_utils.host.ledger import Intent, Ledger
from ansible_collections.biomax.platform.plugins.module_utils.host.mirror import (
    Mirror,
    parse_mirrors,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.source import (
    BundleSource,
    NoIndexError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

from tests.unit.host.bundles import Bundle


@pytest.fixture
def host(tmp_path: Path) -> Host:
    (tmp_path / "var/lib").mkdir(parents=True)
    return Host(root=tmp_path)


def test_a_second_call_waits_and_names_the_holder(host: Host) -> None:
    with (
        lock.held(host, {"controller": "ops1", "user": "anna"}, 1, write=True),
        pytest.raises(PlatformError) as caught,
        lock.held(host, {"controller": "ops2"}, 0, write=True),
    ):
        pytest.fail("two calls at once")
    assert "Waited 0 s for the host's lock; it is held by controller ops1, pid " in str(
        caught.value
    )
    assert "user anna" in str(caught.value)


def test_a_waiting_call_goes_on_when_the_first_ends(host: Host) -> None:
    entered, release = threading.Event(), threading.Event()

    def first() -> None:
        with lock.held(host, {}, 1, write=True):
            entered.set()
            release.wait(5)

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait(5)
    threading.Timer(0.3, release.set).start()
    with lock.held(host, {}, 5, write=True):
        assert release.is_set()
    thread.join()


def test_a_check_of_a_bare_host_leaves_no_lock(host: Host) -> None:
    with lock.held(host, {}, 1, write=False):
        assert not host.state().exists()


def test_intents_survive_merge_and_settle(host: Host) -> None:
    ledger = Ledger(host)
    assert ledger.read() == {}
    ledger.owe("a.service", "reload", "r", "file /x")
    ledger.owe("a.service", "restart", "r", "file /y")
    ledger.owe("a.service", "reload", "r", "file /z")
    intent = ledger.read()["a.service"]
    assert (intent.verb, intent.reasons) == ("restart", ("file /x", "file /y", "file /z"))
    ledger.settle("a.service")
    ledger.settle("a.service")
    assert ledger.read() == {}


def test_an_unreadable_intent_still_counts(host: Host) -> None:
    Ledger(host).owe("a.service", "reload", "r", "file /x")
    host.state("ledger", "a.service.json").write_text("{")
    assert Ledger(host).read()["a.service"] == Intent(
        "a.service", "restart", "", "an unknown time", ("unreadable intent",)
    )


def test_sums_are_kept_until_the_file_changes(tmp_path: Path) -> None:
    file, cache = tmp_path / "f", tmp_path / "hashes.json"
    file.write_text("one")
    hashes = Hashes(cache)
    first = hashes.sha256(file)
    hashes.save()
    again = Hashes(cache)
    assert (again.sha256(file), again.bytes_hashed) == (first, 0)
    file.write_text("two")
    assert again.sha256(file) != first
    assert again.bytes_hashed == 3


@pytest.mark.parametrize("text", ["", "[]", "{", '{"x": 1}', '{"FILE": {"key": 1}}'])
def test_a_damaged_cache_counts_as_empty(tmp_path: Path, text: str) -> None:
    file, cache = tmp_path / "f", tmp_path / "hashes.json"
    file.write_text("one")
    cache.write_text(text.replace("FILE", str(file)))
    hashes = Hashes(cache)
    assert hashes.sha256(file) == Hashes(tmp_path / "none").sha256(file)


def source(host: Host, bundle: Bundle, *urls: str) -> BundleSource:
    bundle.source(host)
    return BundleSource(host, [Mirror(url) for url in urls], bundle.key, "")


def test_the_first_mirror_that_answers_is_used_and_kept(host: Host, bundle: Bundle) -> None:
    found = source(host, bundle, "file:///none", "file:///srv/bundle")
    assert found.index().file("probe-tool", "new").size == len(b"new tool")
    found.keep()
    alone = source(host, bundle, "file:///none")
    assert alone.index().file("probe-tool", "old").version == "old"
    assert "the host's verified copy is used" in alone.warnings[0]


def test_without_mirror_and_copy_there_is_no_index(host: Host, bundle: Bundle) -> None:
    with pytest.raises(NoIndexError, match="this host has no copy"):
        source(host, bundle, "file:///none").index()


def test_a_foreign_signature_is_refused(host: Host, bundle: Bundle) -> None:
    bundle.source(host)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIJ9rSIqwDaslQxqj5dPIaiJpXXqOZJUTlNZ8mf9Rhfk"
    with pytest.raises(IntegrityError, match="does not hold"):
        BundleSource(host, [Mirror("file:///srv/bundle")], key, "").index()


def test_mirrors_want_a_url() -> None:
    rows = [{"name": "m", "address": "192.0.2.1", "url": "https://m.example.org/"}]
    mirror = parse_mirrors(rows)[0]
    assert mirror.locate("index.json") == "https://m.example.org/bundle/index.json"
    for url in ("ftp://mirror.example.org", "mirror.example.org", ""):
        with pytest.raises(InputError, match="begins with https:// or file://"):
            parse_mirrors([{"url": url}])
    with pytest.raises(InputError, match=r"An entry of `mirrors` is \{\"name\": \"m\"\}"):
        parse_mirrors([json.loads('{"name": "m"}')])
