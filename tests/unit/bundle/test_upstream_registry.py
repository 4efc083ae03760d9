"""Which address is asked for an image."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.builder.upstream.download import Downloader
from lab.builder.upstream.registry import Registry

DIGEST = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("stand_in", "name", "address"),
    [
        ("", "docker.io/team/tool", "https://registry-1.docker.io/v2/team/tool"),
        ("docker.io", "docker.io/team/tool", "https://mirror.example/v2/team/tool"),
        ("quay.io", "docker.io/team/tool", "https://registry-1.docker.io/v2/team/tool"),
        ("", "quay.io/docker.io/tool", "https://quay.io/v2/docker.io/tool"),
    ],
)
def test_a_stand_in_answers_for_the_name_that_people_write(
    tmp_path: Path, stand_in: str, name: str, address: str
) -> None:
    def locate(url: str) -> str:
        host = f"https://{stand_in}/"
        return url.replace(host, "https://mirror.example/", 1) if stand_in else url

    registry = Registry(Downloader(tmp_path), locate)
    wanted = registry.blob(name, {"digest": DIGEST, "size": 1})
    assert wanted.url == f"{address}/blobs/{DIGEST}"
