# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether virtual hosts run on the processor itself or are emulated."""

from __future__ import annotations

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from lab.hosts.process import environment

EMULATOR = "qemu-system-x86_64"
EMULATED = ("-accel", "tcg,thread=multi", "-cpu", "max")
NATIVE = ("-accel", "kvm", "-cpu", "host")
PROBE_SECONDS = 10.0
# A boot sector that writes 1 to port 0x501: QEMU's debug-exit device then ends with (1 << 1) | 1.
# /dev/kvm may be there, open and make machines that never execute an instruction.
_CODE = bytes.fromhex("ba0105 b001 ee f4")  # mov dx, 0x501; mov al, 1; out dx, al; hlt
BOOT_SECTOR = _CODE.ljust(510, b"\0") + b"\x55\xaa"
PROBE_EXIT = 3


@cache
def options() -> tuple[str, ...]:
    """Return QEMU's options for the fastest way that works here."""
    return NATIVE if Path("/dev/kvm").exists() and executes(NATIVE) else EMULATED


def executes(accelerator: tuple[str, ...]) -> bool:
    """Tell whether a guest really runs: it boots a sector that ends QEMU with a known code.

    Args:
        accelerator: QEMU's options.
    """
    with tempfile.TemporaryDirectory() as folder:
        disk = Path(folder) / "probe.img"
        disk.write_bytes(BOOT_SECTOR)
        argv = [EMULATOR, *accelerator, "-nodefaults", "-no-user-config", "-display", "none"]
        argv += ["-device", "isa-debug-exit,iobase=0x501,iosize=1"]
        argv += ["-drive", f"file={disk},format=raw,if=ide"]
        try:
            done = subprocess.run(
                argv,
                env=environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PROBE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
    return done.returncode == PROBE_EXIT
