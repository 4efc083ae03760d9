"""Debian packages read as archives: control fields and files, nothing is installed."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from lab.builder.keys import run_tool
from lab.builder.tarball import Member, directory, symlink

# Directories that Debian 12 has merged into /usr; packages may still ship them at the top.
MERGED = ("bin", "lib", "lib32", "lib64", "libx32", "sbin")
# What no program in an image reads. Copyright files stay: the licences ask for them.
_UNUSED = re.compile(
    r"usr/share/(man|info|locale|lintian|bash-completion|bug|i18n)/"
    r"|usr/share/doc/(?!.*/copyright$)"
    r"|usr/lib/systemd/|usr/lib/[^/]+/gconv/|etc/(init|init\.d|default|cron\.\w+)/|var/"
)


def control(package: Path) -> str:
    """Return the control stanza of `package`, without a final newline."""
    return run_tool("dpkg-deb", "--field", str(package)).decode("utf-8").strip("\n")


def unpack(package: Path) -> dict[str, Member]:
    """Return the files of `package` as they belong into an image with a merged /usr.

    Documentation, locales and service files are left out.
    """
    members: dict[str, Member] = {}
    data = io.BytesIO(run_tool("dpkg-deb", "--fsys-tarfile", str(package)))
    with tarfile.open(fileobj=data) as archive:
        for info in archive:
            name = merged(str(PurePosixPath(info.name)))
            if name != "." and not _UNUSED.match(name + "/" * info.isdir()):
                members[name] = _member(package, archive, info)
    # Directories that only held what was left out are dropped; files bring their own back.
    return {name: member for name, member in members.items() if not member.is_directory}


def merged(name: str) -> str:
    """Return the path in a system whose /bin, /lib and /sbin are links into /usr."""
    first, _, rest = name.partition("/")
    return f"usr/{name}" if first in MERGED and rest else name


def skeleton(more_users: Mapping[str, int] | None = None) -> dict[str, Member]:
    """Return what every image has: users, name resolution order, /tmp.

    Args:
        more_users: further users, name to number; each has a group of the same name and number.
    """
    users = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532::/:/sbin/nologin\n"
    groups = "root:x:0:\nnonroot:x:65532:\n"
    for name, number in (more_users or {}).items():
        users += f"{name}:x:{number}:{number}::/:/sbin/nologin\n"
        groups += f"{name}:x:{number}:\n"
    return {
        "etc/group": Member(data=groups.encode()),
        "etc/nsswitch.conf": Member(data=b"hosts: files dns\n"),
        "etc/passwd": Member(data=users.encode()),
        "tmp": directory(0o1777),
    }


def merged_links() -> dict[str, Member]:
    """Return the links from the top into /usr that unpacked packages need."""
    return {name: symlink(f"usr/{name}") for name in ("bin", "lib", "lib64", "sbin")}


def certificate_bundle(package: Path) -> Member:
    """Return the authorities of the ca-certificates package as one PEM file, sorted by name."""
    members = unpack(package)
    names = sorted(name for name in members if name.endswith(".crt"))
    if not names:
        raise PlatformError(f"{package} holds no certificates; is it the package ca-certificates?")
    texts = [(members[name].data or b"").strip() + b"\n" for name in names]
    return Member(data=b"".join(texts))


def _member(package: Path, archive: tarfile.TarFile, info: tarfile.TarInfo) -> Member:
    if info.isdir():
        return directory(info.mode)
    if info.issym():
        return symlink(info.linkname)
    stream = archive.extractfile(info)  # follows hard links
    if stream is None:
        raise PlatformError(f"{package}: {info.name} is no file, link or directory; left as it is.")
    return Member(mode=info.mode, data=stream.read())
