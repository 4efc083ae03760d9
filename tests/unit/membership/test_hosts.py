"""What is read from a host's directories, and what is refused to be removed from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    PlatformError,
    UnsafeError,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership import (
    escrow,
    job,
    ledger,
    observe,
    reset,
    steps,
)
from ansible_collections.biomax.platform.plugins.module_utils.membership.layout import Layout
from ansible_collections.biomax.platform.plugins.module_utils.membership.settings import Node

from tests.unit.membership.pki import authority, kubeconfig
from tests.unit.membership.test_jobs import INTENT
from tests.unit.membership.test_kubeadm import site

APP1 = Node("app1", "127.0.0.1", "worker")
QUESTION = observe.Question("app1", "127.0.0.1", "worker", {}, "127.0.0.1", 1, 1)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def put(path: Path, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_bare_host(layout: Layout) -> None:
    found = observe.observe(layout, QUESTION)
    assert (found["leftovers"], found["ca"], found["intent"]) == ([], "", None)
    assert (found["node"]["state"], found["endpoint"]) == ("unknown", "silent")


def test_files_of_host_roles_are_no_leftovers(layout: Layout) -> None:
    for path in (layout.encryption, layout.platform / "audit-policy.yaml"):
        put(path)
    for directory in (layout.kubernetes / "manifests", layout.pki, layout.etcd, layout.kubelet):
        directory.mkdir(parents=True, exist_ok=True)
    assert observe.leftovers(layout) == []


@pytest.mark.parametrize(
    "name",
    [
        "etc/kubernetes/admin.conf",
        "etc/kubernetes/manifests/etcd.yaml",
        "etc/kubernetes/pki/ca.crt",
        "etc/kubernetes/pki/etcd/ca.key",
        "var/lib/kubelet/config.yaml",
        "var/lib/kubelet/pki/kubelet-client-current.pem",
        "var/lib/etcd/member/snap/db",
    ],
)
def test_what_a_cluster_leaves_is_found(layout: Layout, name: str) -> None:
    put(layout.root / name)
    (found,) = observe.leftovers(layout)
    assert found.startswith(str(layout.root))


def test_authority_is_that_of_the_kubelet_then_that_of_the_certificates(layout: Layout) -> None:
    first, second = authority("one"), authority("two")
    put(layout.pki / "ca.crt", second.ca)
    assert observe.observe(layout, QUESTION)["ca"] == second.fingerprint
    put(layout.kubernetes / "kubelet.conf", kubeconfig(first, "https://127.0.0.1:1"))
    assert observe.observe(layout, QUESTION)["ca"] == first.fingerprint
    put(layout.kubernetes / "kubelet.conf", "cut")
    assert observe.observe(layout, QUESTION)["ca"] == second.fingerprint


def test_version_is_that_of_the_api_server(layout: Layout) -> None:
    manifest = layout.kubernetes / "manifests/kube-apiserver.yaml"
    put(manifest, "    image: registry.k8s.io/kube-apiserver:v1.36.3\n")
    assert observe.observe(layout, QUESTION)["version"] == "1.36.3"


def test_reset_without_an_intent_is_refused(layout: Layout) -> None:
    put(layout.kubernetes / "admin.conf")
    with pytest.raises(UnsafeError, match=r"admin\.conf"):
        reset.check_reset(layout, site(), APP1)


def test_reset_with_an_intent_is_allowed(layout: Layout) -> None:
    ledger.write_intent(layout, INTENT)
    reset.check_reset(layout, site(), APP1)


def test_only_the_data_of_etcd_goes_and_not_its_directory(layout: Layout) -> None:
    put(layout.etcd / "member/snap/db")
    put(layout.etcd / "file")
    reset.empty_directory(layout)
    assert layout.etcd.is_dir()
    assert list(layout.etcd.iterdir()) == []


def test_job_on_a_host_that_is_not_blank_any_more_is_refused(layout: Layout) -> None:
    put(layout.pki / "ca.crt")
    with pytest.raises(UnsafeError, match="not blank any more"):
        steps.Task(layout, site(), APP1).check_host()


def test_attempts_are_counted(layout: Layout) -> None:
    task = steps.Task(layout, site(), APP1, reset=True)
    assert task.intent("join", "aa").attempt == 1
    ledger.write_intent(layout, task.intent("join", "aa"))
    assert task.intent("join", "aa").attempt == 2


def test_finished_join_leaves_a_record_and_no_bootstrap_credentials(layout: Layout) -> None:
    task = steps.Task(layout, site(), APP1)
    with pytest.raises(PlatformError, match="No membership work is open"):
        steps.finish(task, "aa")
    ledger.write_intent(layout, INTENT)
    put(layout.kubernetes / "bootstrap-kubelet.conf")
    steps.finish(task, "aa")
    record = ledger.read_record(layout)
    assert record is not None
    assert record["ca"] == "aa"
    assert not layout.intent.exists()
    assert not (layout.kubernetes / "bootstrap-kubelet.conf").exists()


def test_encryption_key_is_made_once_and_named_without_telling(layout: Layout) -> None:
    first = escrow.ensure_encryption_config(layout)
    assert escrow.ensure_encryption_config(layout) == first
    assert layout.encryption.stat().st_mode & 0o777 == 0o600
    other = escrow.new_encryption_config(lambda size: b"\x01" * size)
    assert escrow.sealed_name(other) != escrow.sealed_name(first)
    assert '"secretbox"' in other
    assert "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=" in other


def test_key_is_sealed_once_and_opens_with_the_identity_alone(layout: Layout) -> None:
    pyrage = pytest.importorskip("pyrage")
    identity = pyrage.x25519.Identity.generate()
    config = escrow.ensure_encryption_config(layout)
    sealed = escrow.ensure_sealed(layout, config, str(identity.to_public()))
    assert escrow.ensure_sealed(layout, config, str(identity.to_public())) == sealed
    ((name, text),) = sealed.items()
    assert config not in text
    assert pyrage.decrypt(text.encode(), [identity]).decode() == config
    assert escrow.read_sealed(layout) == {name: text}


def test_wrong_recipient_is_refused_before_anything_is_sealed(layout: Layout) -> None:
    with pytest.raises(InputError, match="age recipient"):
        escrow.ensure_sealed(layout, "config", "ssh-ed25519 AAAA")
    assert escrow.read_sealed(layout) == {}


def test_join_of_a_worker_is_tried_twice_with_a_reset_between(layout: Layout) -> None:
    done: list[str] = []

    def fails_first(_tools: job.Tools) -> None:
        done.append("join")
        if len(done) == 1:
            raise PlatformError("the API was busy")

    join = job.Step("join", fails_first)
    clean = job.Step("reset", lambda _tools: done.append("reset"))
    log = layout.root / "log"
    with log.open("w") as stream:
        steps.once_more(join, clean).act(job.Tools(layout, stream, 0))
    assert done == ["join", "reset", "join"]
    assert "the API was busy" in log.read_text()
