"""A bundle of a few bytes with a real signature, and a tiny apt repository."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    Entry,
    Index,
    dump_index,
)

SCRIPT = b"#!/bin/sh\necho one\n"
MEMBERS = {"bin/probe-a": b"#!/bin/sh\necho a\n", "bin/probe-b": b"#!/bin/sh\necho b\n"}
UNIT = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
POSTINST = "#!/bin/sh\nset -e\ndeb-systemd-invoke start {name}.service || true\nexit 0\n"


def build_bundle(folder: Path) -> str:
    """Write `bundle/` and `apt/` below `folder`; return the public key of the bundle."""
    key = folder / "key"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
    bundle = folder / "bundle"
    (bundle / "files").mkdir(parents=True)
    (bundle / "files" / "probe-tool").write_bytes(SCRIPT)
    archive = _archive()
    (bundle / "files" / "probe-set.tar.gz").write_bytes(archive)
    write_index(bundle, key, SCRIPT, archive)
    build_repository(folder / "apt")
    return key.with_suffix(".pub").read_text().strip()


def write_index(bundle: Path, key: Path, script: bytes, archive: bytes) -> None:
    """Write the signed index of the two artifacts."""
    tool = Entry(
        "file",
        "probe-tool",
        "files/probe-tool",
        len(script),
        version="1.0",
        sha256=_sum(script),
        install={"type": "binary"},
    )
    whole = Entry(
        "file",
        "probe-set",
        "files/probe-set.tar.gz",
        len(archive),
        version="2.0",
        sha256=_sum(archive),
        install={"type": "archive", "members": {m: Path(m).name for m in MEMBERS}},
        member_sha256={Path(m).name: _sum(data) for m, data in MEMBERS.items()},
    )
    index = bundle / "index.json"
    index.write_bytes(dump_index(Index("source", "amd64", (whole, tool))))
    index.with_suffix(".json.sig").unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-Y", "sign", "-n", "biomax-bundle", "-f", str(key), str(index))


def build_repository(folder: Path) -> None:
    """Write a flat repository with two packages that want to start a service."""
    folder.mkdir(parents=True)
    rows = []
    for name in ("probe-one", "probe-two"):
        tree = folder / f"tree-{name}"
        (tree / "DEBIAN").mkdir(parents=True)
        (tree / "lib/systemd/system").mkdir(parents=True)
        (tree / "etc").mkdir()
        (tree / "lib/systemd/system" / f"{name}.service").write_text(UNIT)
        (tree / "etc" / f"{name}.conf").write_text("packaged\n")
        (tree / "DEBIAN" / "conffiles").write_text(f"/etc/{name}.conf\n")
        control = (
            f"Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: test <t@example.org>\n"
            f"Description: a package that wants to start {name}\n"
        )
        (tree / "DEBIAN" / "control").write_text(control)
        (tree / "DEBIAN" / "postinst").write_text(POSTINST.format(name=name))
        (tree / "DEBIAN" / "postinst").chmod(0o755)
        deb = folder / f"{name}_1.0_all.deb"
        run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(deb))
        data = deb.read_bytes()
        rows.append(f"{control}Filename: ./{deb.name}\nSize: {len(data)}\nSHA256: {_sum(data)}\n")
    (folder / "Packages").write_text("\n".join(rows))


def run(*argv: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(argv, check=True, capture_output=True)


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as opened:
        for name, data in MEMBERS.items():
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            opened.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
