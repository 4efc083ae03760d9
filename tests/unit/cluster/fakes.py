"""A transport that answers by path, and time that passes only by sleeping."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import (
    KubeClient,
    Pace,
    Reply,
)

Answer = Mapping[str, Any] | str | Callable[[], Mapping[str, Any] | str]


class Paths:
    """Answers GET by path without its query; unknown paths are 404, text is sent as it is."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> Reply:
        """Answer; see Transport."""
        assert (body is None) == (method == "GET"), content_type
        self.asked.append(f"{method} {path}")
        answer = self.answers.get(path.split("?", maxsplit=1)[0])
        if answer is None:
            return Reply(404, json.dumps({"message": f"{path} not found"}).encode())
        found = answer() if callable(answer) else answer
        return Reply(200, found.encode() if isinstance(found, str) else json.dumps(found).encode())


class Time:
    """Clock that moves only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.now += seconds

    def pace(self) -> Pace:
        """The clock for a client."""
        return Pace(self.sleep, lambda: self.now)


def client_of(answers: Mapping[str, Answer]) -> tuple[KubeClient, Paths, Time]:
    """A client over answers by path that never retries."""
    paths, time = Paths(answers), Time()
    return KubeClient(paths, 0.0, time.pace()), paths, time
