"""Programs and files from Go modules, so that the same inputs give the same bytes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from lab.builder.artifacts import Program
from lab.builder.cache import key_of, tree_key

RECIPE = 1  # raise it when the flags below change
FILE_RECIPE = 1  # raise it when files are taken from modules in another way


@dataclass(frozen=True)
class Toolchain:
    """The Go toolchain of the machine; `build_cache` keeps compiled packages between builds."""

    arch: str
    build_cache: Path

    @cached_property
    def version(self) -> str:
        """Return the version that compiles (`go1.26.8`): it is part of every key."""
        return self._run(["go", "env", "GOVERSION"], Path.cwd()).strip()

    def key(self, root: Path, program: Program, binary: str) -> str:
        """Return the key of `binary`: the hash of module, flags and toolchain."""
        return key_of(
            RECIPE,
            self.version,
            self.arch,
            tree_key(root / program.directory),
            program.binaries[binary],
            _linker_flags(program),
            list(program.tags),
        )

    def compile(self, root: Path, program: Program, binary: str, output: Path) -> None:
        """Compile `binary` of `program` to `output`; PlatformError holds what the compiler said."""
        self._run(
            [
                *("go", "build", "-trimpath", "-buildvcs=false", "-mod=readonly"),
                *("-tags", ",".join(program.tags)),
                *("-ldflags", _linker_flags(program)),
                *("-o", str(output), program.binaries[binary]),
            ],
            root / program.directory,
        )

    def file_key(self, root: Path, program: Program, path: str) -> str:
        """Return the key of the file `path` of the module of `program`."""
        return key_of(FILE_RECIPE, tree_key(root / program.directory), program.module, path)

    def module_file(self, root: Path, program: Program, path: str, output: Path) -> None:
        """Copy the file `path` of the module of `program` to `output`.

        The module is the very one that is compiled: Go compares what it downloads with go.sum, and
        what lies on this machine with what was downloaded.

        Raises:
            PlatformError: a module is not what go.sum says, or it has no such file.
        """
        found = self._module(root / program.directory, program)
        if not (found / path).is_file():
            raise PlatformError(
                f"{program.module} has no file {path} (looked in {found}). Correct the path in "
                "bundle/catalogue/manifests.yml."
            )
        shutil.copyfile(found / path, output)

    def _module(self, directory: Path, program: Program) -> Path:
        name, _, version = program.module.partition("@")
        if not version:  # our own module, which is the directory itself
            return directory
        found = json.loads(self._run(["go", "mod", "download", "-json", name], directory))
        self._run(["go", "mod", "verify"], directory)
        return Path(found["Dir"])

    def _run(self, command: list[str], directory: Path) -> str:
        environment = {
            **os.environ,
            "GOCACHE": str(self.build_cache),
            "GOFLAGS": "",
            "GOWORK": "off",
            "GOTOOLCHAIN": "local",
            "GOOS": "linux",
            "GOARCH": self.arch,
            "GOAMD64": "v1",
            "GOEXPERIMENT": "",
            "CGO_ENABLED": "0",
        }
        try:
            result = subprocess.run(
                command, cwd=directory, env=environment, capture_output=True, text=True, check=False
            )
        except FileNotFoundError as error:
            raise PlatformError(
                "The Go toolchain was not found; install it, put `go` on PATH and build again."
            ) from error
        if result.returncode:
            said = (result.stderr or result.stdout).strip()[-3000:]
            raise PlatformError(
                f"`{' '.join(command)}` in {directory} ended with {result.returncode}:\n{said}\n"
                "What was compiled before it is kept; correct the cause and build again."
            )
        return result.stdout


def _linker_flags(program: Program) -> str:
    """Return flags without symbols, debug data and build id, and with the version variables."""
    variables = [f"-X {name}={value}" for name, value in sorted(program.variables.items())]
    return " ".join(["-s", "-w", "-buildid=", *variables])
