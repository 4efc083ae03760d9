"""Small inputs for the bundle builder: a Go program of a few lines, a catalogue, keys.

Run as a program it builds once, so that a test can kill it: `python -m
tests.support.bundle_inputs CHECKOUT CACHE OUTPUT`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from lab.builder.build import Outcome, run_build
from lab.builder.catalogue import Catalogue
from lab.builder.context import Settings
from lab.builder.keys import make_keys

MODULE = "example.com/hello"


def document() -> dict[str, Any]:
    """Return a catalogue with one program, a binary, an archive and an image made of it."""
    return {
        "programs": [
            {
                "name": "hello",
                "version": "1.0.0",
                "licence": "MIT",
                "module": MODULE,
                "directory": "programs",
                "binaries": {"hello": f"{MODULE}/cmd/hello"},
                "variables": {"main.version": "1.0.0"},
            }
        ],
        "files": [
            {"name": "hello", "program": "hello", "binary": "hello", "used_by": ["a"]},
            {
                "name": "hello-archive",
                "program": "hello",
                "archive": {"bin/hello": "hello"},
                "used_by": ["a"],
            },
        ],
        "images": [
            {
                "name": "registry.example.com/team/hello",
                "tag": "v1.0.0",
                "program": "hello",
                "files": {"usr/local/bin/hello": "hello"},
                "entrypoint": ["/usr/local/bin/hello"],
                "used_by": ["a"],
            }
        ],
        "packages": {"release": "bookworm", "roots": []},
    }


def write_checkout(root: Path, text: str = "hello") -> None:
    """Write a checkout with the program and keys below `root`; the program prints `text`."""
    source = root / "programs" / "cmd" / "hello"
    source.mkdir(parents=True, exist_ok=True)
    (root / "bundle").mkdir(exist_ok=True)
    (root / "programs" / "go.mod").write_text(f"module {MODULE}\n\ngo 1.26.0\n")
    program = (
        f'package main\n\nvar version string\n\nfunc main() {{ println("{text}", version) }}\n'
    )
    (source / "main.go").write_text(program)
    make_keys(root / "keys", [])


def build(root: Path, cache: Path, output: Path, catalogue: Catalogue | None = None) -> Outcome:
    """Build the checkout in `root` and publish the bundle at `output`."""
    chosen = catalogue or Catalogue.model_validate(document())
    settings = Settings(root, output, root / "keys", "amd64")
    return run_build(settings, chosen, chosen, cache, Console(quiet=True))


if __name__ == "__main__":
    build(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
