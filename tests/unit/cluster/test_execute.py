"""Programs in containers: the messages of the protocol, and what ends a run."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.cluster.errors import (
    ClusterError,
    UnreachableError,
)
from ansible_collections.biomax.platform.plugins.module_utils.cluster.execute import (
    Container,
    Output,
    _collect,
    _input,
)


class Connection:
    """Gives prepared messages."""

    def __init__(self, *messages: bytes | str) -> None:
        self._messages = list(messages)

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def recv(self) -> bytes | str:
        return self._messages.pop(0) if self._messages else b""


def status(**fields: Any) -> bytes:
    return b"\x03" + json.dumps(fields).encode()


def collect(*messages: bytes | str) -> Output:
    return _collect(Connection(*messages), "Running x in y", time.monotonic() + 5)


EXITED = {
    "reason": "NonZeroExitCode",
    "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
}


def test_streams_are_kept_apart_and_the_code_is_read() -> None:
    done = collect(b"\x01one ", b"\x02bad", b"\x01two", status(status="Success"))
    assert done == Output(0, "one two", "bad")
    assert collect(status(status="Failure", **EXITED)) == Output(3, "", "")


def test_a_character_may_be_cut_between_messages() -> None:
    text = "ж".encode()
    assert collect(b"\x01" + text[:1], b"\x01" + text[1:], status(status="Success")).stdout == "ж"


def test_a_program_that_did_not_run_is_told() -> None:
    with pytest.raises(ClusterError, match=r"Running x in y: container not found"):
        collect(status(status="Failure", message="container not found"))


def test_a_connection_that_ends_early_is_no_success() -> None:
    with pytest.raises(UnreachableError, match="ended without a status"):
        collect(b"\x01some")


def test_input_is_cut_into_messages_and_ended() -> None:
    data = bytes(range(256)) * 300
    messages = list(_input(data))
    assert b"".join(message[1:] for message in messages[:-1]) == data
    assert {message[0] for message in messages[:-1]} == {0}
    assert messages[-1] == b"\xff\x00"
    assert list(_input(b"")) == [b"\xff\x00"]


def test_a_container_is_named_in_full() -> None:
    assert str(Container("data", "pg-1", "postgres")) == "data/pg-1, container postgres"
