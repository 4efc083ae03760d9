# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel can do. Standard library only: this runs on hosts."""

from __future__ import annotations

import contextlib
import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Kernel module and build option of each feature that a component of ours may ask for.
FEATURES: Mapping[str, tuple[str, str]] = {
    "br_netfilter": ("br_netfilter", "BRIDGE_NETFILTER"),
    "bridge": ("bridge", "BRIDGE"),
    "ip_set": ("ip_set", "IP_SET"),
    "nf_conntrack": ("nf_conntrack", "NF_CONNTRACK"),
    "nf_tables": ("nf_tables", "NF_TABLES"),
    "nft_ct": ("nft_ct", "NFT_CT"),
    "nft_fib_inet": ("nft_fib_inet", "NFT_FIB_INET"),
    "nft_masq": ("nft_masq", "NFT_MASQ"),
    "nft_nat": ("nft_chain_nat", "NFT_NAT"),
    "nft_numgen": ("nft_numgen", "NFT_NUMGEN"),
    "nft_reject": ("nft_reject", "NFT_REJECT"),
    "overlay": ("overlay", "OVERLAY_FS"),
    "veth": ("veth", "VETH"),
    "vxlan": ("vxlan", "VXLAN"),
    "wireguard": ("wireguard", "WIREGUARD"),
}


def kernel(base: Path, release: str) -> dict[str, Any]:
    """Tell which features the running kernel has, loaded, built in or as a module to load.

    Args:
        base: Where the host's file tree starts.
        release: Release of the running kernel, as uname gives it.

    Returns:
        ``release`` and ``features``: true, false, or None where nothing on the host tells.
    """
    modules = base / "lib/modules" / release
    loaded = {line.split(" ", 1)[0] for line in _text(base / "proc/modules").splitlines()}
    files = _text(modules / "modules.builtin") + _text(modules / "modules.dep")
    known = {name: _has_module(module, loaded, files) for name, (module, _) in FEATURES.items()}
    if not all(known.values()):
        options = _build_options(base, release)
        for name, (_, option) in FEATURES.items():
            if not known[name]:
                known[name] = _has_option(options, option, bool(files))
    return {"release": release, "features": known}


def _has_module(name: str, loaded: set[str], files: str) -> bool | None:
    """Look among loaded modules and the module files; None when it is in neither."""
    pattern = rf"/{name.replace('_', '[-_]')}\.ko"
    return True if name in loaded or re.search(pattern, files) else None


def _has_option(options: Mapping[str, str], name: str, has_files: bool) -> bool | None:
    """Tell by the build's options: built in, left out, or a module whose file is missing."""
    if not options:
        return False if has_files else None
    value = options.get(name, "n")
    if value == "m":
        return False if has_files else None
    return value == "y"


def _build_options(base: Path, release: str) -> dict[str, str]:
    """Read the options that the kernel was built with; none where it does not tell."""
    text = _text(base / "boot" / f"config-{release}")
    if not text:
        with contextlib.suppress(OSError, EOFError):
            text = gzip.decompress((base / "proc/config.gz").read_bytes()).decode("ascii")
    return dict(re.findall(r"^CONFIG_(\w+)=([ym])$", text, re.MULTILINE))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
