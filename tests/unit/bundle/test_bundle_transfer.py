"""The action bundle_transfer with a host of a directory: calls made, bytes sent, results told."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.biomax.platform.plugins.action.bundle_transfer import ActionModule
from ansible_collections.biomax.platform.plugins.module_utils.bundle.store import Store
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes
from ansible_collections.biomax.platform.plugins.modules import bundle_store

from tests.support.bundles import Signer, make_signer, write_bundle

MIB = 1024 * 1024


class Transfer(ActionModule):
    """The action without a connection: modules run in this process, files are copied."""

    def __init__(
        self,
        root: Path,
        args: dict[str, Any],
        *,
        check: bool = False,
        cut_at: str = "",
        left_behind: dict[str, Any] | None = None,
    ) -> None:
        self._root, self._given = root, args
        self._cut_at, self._left_behind = cut_at, left_behind
        self._task = SimpleNamespace(check_mode=check, diff=True, args=args)
        self._connection = SimpleNamespace(
            _shell=SimpleNamespace(tmpdir=None, join_path=lambda *parts: str(Path(*parts)))
        )
        self._display = SimpleNamespace(display=lambda _text: None)
        self.calls: list[str] = []
        self.sent: list[int] = []
        self.cut: dict[str, Any] = {}

    def go(self) -> dict[str, Any]:
        self._args, self._task_vars = self._given, {}
        return self._transfer(Path(self._given["src"]))

    def _execute_module(self, **call: Any) -> dict[str, Any]:
        params = {"index_dir": None, "batch": None, **call["module_args"]}
        self.calls.append(params["state"])
        if params["state"] == self._cut_at:
            self.cut = params
            raise KeyboardInterrupt
        if self._left_behind and params["state"] == self._left_behind["state"]:
            with contextlib.suppress(OSError, PlatformError):  # nobody listens to it any more
                self._run_module(self._left_behind)
        return self._run_module(params)

    def _run_module(self, params: dict[str, Any]) -> dict[str, Any]:
        store = Store(Path(params["path"]), Hashes(self._root / "hashes.json"))
        try:
            result = bundle_store.run(params, store, self._task.check_mode)
        except PlatformError as error:
            return {"failed": True, "msg": str(error)}
        return {**result, "bytes_hashed": 0}

    def _make_tmp_path(self, *_: Any) -> str:
        path = self._root / "tmp"
        path.mkdir(exist_ok=True)
        return str(path)

    def _transfer_file(self, local: str, remote: str) -> None:
        self.sent.append(Path(local).stat().st_size)
        shutil.copyfile(local, remote)

    def _fixup_perms2(self, *_: Any, **__: Any) -> None:
        """Owners are the same here."""


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return make_signer(tmp_path)


@pytest.fixture
def args(tmp_path: Path, signer: Signer) -> dict[str, Any]:
    source = tmp_path / "bundle"
    source.mkdir()
    write_bundle(source, signer, {"files/a": b"a" * MIB, "files/b": b"b" * MIB, "files/c": b"c"})
    return {
        "src": str(source),
        "dest": str(tmp_path / "srv/bundle"),
        "public_key": signer.public,
        "batch_mib": 1,
        "plan_file": "",
    }


@pytest.mark.parametrize("state", ["received", "published"])
def test_call_that_a_killed_controller_left_behind_disturbs_nothing(
    tmp_path: Path, args: dict[str, Any], state: str
) -> None:
    killed = Transfer(tmp_path, args, cut_at=state)
    with pytest.raises(KeyboardInterrupt):
        killed.go()
    second = Transfer(tmp_path, args, left_behind=killed.cut)
    assert second.go()["changed"]
    assert not Transfer(tmp_path, args).go()["changed"]


def test_first_transfer_and_again(tmp_path: Path, args: dict[str, Any]) -> None:
    first = Transfer(tmp_path, args)
    result = first.go()
    assert first.calls == ["compared", "compared", *["received"] * 3, "published"]
    assert (result["changed"], result["files"], result["bytes"]) == (True, 3, 2 * MIB + 1)
    again = Transfer(tmp_path, args)
    assert not again.go()["changed"]
    assert (again.calls, again.sent) == (["compared"], [])


def test_check_mode_sends_the_index_only(tmp_path: Path, args: dict[str, Any]) -> None:
    transfer = Transfer(tmp_path, args, check=True)
    result = transfer.go()
    assert transfer.calls == ["compared", "compared"]
    assert result["changed"]
    assert result["diff"]["prepared"].splitlines()[0] == f"+ files/a ({MIB} bytes)"
    assert not Path(args["dest"]).exists()


def test_refusal_of_the_host_is_the_message(tmp_path: Path, args: dict[str, Any]) -> None:
    damaged = Path(args["src"], "files/a")
    damaged.write_bytes(b"x" * MIB)
    with pytest.raises(AnsibleActionFail, match="files/a"):
        Transfer(tmp_path, args).go()
    damaged.write_bytes(b"a" * MIB)
    assert Transfer(tmp_path, args).go()["changed"]


def test_no_space_sends_nothing(
    tmp_path: Path, args: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "free_bytes", lambda _self: MIB)
    transfer = Transfer(tmp_path, args)
    with pytest.raises(AnsibleActionFail, match=r"4 MiB are needed .* 1 MiB are free"):
        transfer.go()
    assert "received" not in transfer.calls
