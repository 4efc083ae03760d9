"""The real registry of the bundle as a local server."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Index


@contextmanager
def running_registry(bundle: Path, index: Index, directory: Path) -> Iterator[str]:
    """Run the registry program of `bundle` with its store in `directory`; yield its address."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    configuration = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "store")}},
        "http": {"addr": address},
    }
    path = directory / "registry.yml"
    path.write_text(json.dumps(configuration), encoding="utf-8")
    program = bundle / index.file("registry").path
    process = subprocess.Popen([program, "serve", path], stderr=subprocess.DEVNULL)
    try:
        _wait_for(f"http://{address}/v2/", process)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1):  # noqa: S310 - an http address of ours
                return
        except OSError:
            assert process.poll() is None, f"the registry ended with {process.returncode}"
            assert time.monotonic() < deadline, f"{url} did not answer"
            time.sleep(0.05)
