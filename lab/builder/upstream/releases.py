"""Release files of upstream projects, and the programs in them."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from pathlib import Path, PurePosixPath

from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from lab.builder.artifacts import File, Release, Upstream
from lab.builder.assemble import Damaged
from lab.builder.cache import key_of
from lab.builder.context import Context
from lab.builder.programs import Binaries
from lab.builder.progress import Step
from lab.builder.upstream.download import Downloader, Wanted
from lab.builder.upstream.lock import UpstreamLock
from lab.builder.upstream.signature import verify_detached
from lab.builder.upstream.sources import Sources

EXTRACT_RECIPE = 1  # raise it when programs are taken out of releases in another way


class Releases:
    """Release files of one build, kept in the cache by their sum."""

    def __init__(
        self, context: Context, downloader: Downloader, sources: Sources, lock: UpstreamLock
    ) -> None:
        self.context = context
        self.downloader = downloader
        self.sources = sources
        self.lock = lock

    def fetch(self, label: str, release: Release) -> Path:
        """Return the file of `release` in the cache; downloaded and checked now when it is new."""
        wanted = self._wanted(label, release)
        key = key_of(wanted.sha256, release.signature and release.signature.fingerprint)
        name = PurePosixPath(wanted.url).name

        def recipe(work: Path, step: Step) -> None:
            self.downloader.fetch(wanted, work / name, step)
            self._check_signature(label, release, work / name, step)

        self.context.progress.add(1)
        path = self.context.noted("release", key, f"download {label}", recipe) / name
        if self.context.sum_of(path) != wanted.sha256:
            raise Damaged({path.parent})
        return path

    def binaries(self, file: File) -> Binaries:
        """Return the programs of `file`, taken out of its release."""
        upstream = file.upstream
        if upstream is None:
            raise PlatformError(f"The catalogue names no upstream release of {file.name}.")
        version = self.context.full.program(file.program).version
        release = self.fetch(f"{file.name} {version}", upstream)
        places = self._places(file, upstream)
        expected = self._wanted(file.name, upstream).sha256

        def recipe(work: Path) -> None:
            if sha256_file(release) != expected:  # the cache's disk, since it was downloaded
                raise Damaged({release.parent})
            take_out(release, places, work)

        key = key_of(EXTRACT_RECIPE, expected, places)
        self.context.progress.add(1)
        result = self.context.cached("released", key, f"unpack {file.name} {version}", recipe)
        return {(file.program, binary): result / binary for binary in places}

    def _places(self, file: File, upstream: Upstream) -> dict[str, str]:
        """Return where the release holds each program; "" means that it is the program."""
        own = {binary: member for member, binary in file.archive.items()}
        named = {
            binary: member.replace("{arch}", self.context.settings.arch)
            for binary, member in upstream.members.items()
        }
        return {binary: named.get(binary, own.get(binary, "")) for binary in file.binaries}

    def _wanted(self, label: str, release: Release) -> Wanted:
        arch = self.context.settings.arch
        url = release.url_for(arch)
        where = self.sources.locate(url)
        if published := release.sum_for(arch):
            return Wanted(label, where, published)
        locked = self.lock.files[url]
        return Wanted(label, where, locked.sha256, locked.size)

    def _check_signature(self, label: str, release: Release, path: Path, step: Step) -> None:
        signature = release.signature
        if signature is None:
            return
        url = signature.url.replace("{arch}", self.context.settings.arch)
        wanted = Wanted(f"the signature of {label}", self.sources.locate(url))
        answer = self.downloader.read(wanted, {}, step)
        with tempfile.NamedTemporaryFile(suffix=".sig") as stream:
            stream.write(answer.body)
            stream.flush()
            key = self.context.settings.root / "bundle" / "keys" / signature.key
            verify_detached(path, Path(stream.name), key, signature.fingerprint, label)


def take_out(release: Path, places: dict[str, str], work: Path) -> None:
    """Put the programs of `release` into the directory `work`, as executables.

    Args:
        release: a tar archive, or the program itself.
        places: program name -> its path in the archive, "" when the release is the program.
        work: where the programs go.

    Raises:
        PlatformError: the archive lacks one, or is none.
    """
    for binary, member in places.items():
        if member:
            _extract(release, member, work / binary)
        else:
            os.link(release, work / binary)
        (work / binary).chmod(0o755)


def _extract(release: Path, member: str, target: Path) -> None:
    try:
        with tarfile.open(release) as archive:
            files = {str(PurePosixPath(info.name)): info for info in archive if info.isfile()}
            stream = archive.extractfile(files[member]) if member in files else None
            if stream is None:
                near = ", ".join(sorted(files)[:10])
                raise PlatformError(
                    f"{release.name} has no file {member}: it has {near}. Correct `members` of "
                    "this release in bundle/catalogue."
                )
            with target.open("wb") as output:
                shutil.copyfileobj(stream, output)
    except (tarfile.TarError, EOFError) as error:
        raise PlatformError(
            f"{release.name} is no tar archive ({error}), though its sum is right. Correct its "
            "address or `members` in bundle/catalogue."
        ) from error
