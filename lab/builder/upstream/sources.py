"""Where upstream's hosts are really asked: themselves, or a stand-in that the user named."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError


@dataclass(frozen=True)
class Sources:
    """Stand-ins by host name; whatever comes from one is checked like the rest."""

    stand_ins: Mapping[str, str] = field(default_factory=dict)

    def locate(self, url: str) -> str:
        """Return the address to ask for `url`: the path below the stand-in, else `url`."""
        parts = urlsplit(url)
        base = self.stand_ins.get(parts.hostname or "")
        return f"{base.rstrip('/')}{parts.path}" if base else url

    def check_for_lock(self) -> None:
        """Refuse stand-ins without TLS: what a lock says is trusted from the first look on."""
        for host, base in self.stand_ins.items():
            parts = urlsplit(base)
            if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
                raise InputError(
                    f"--from {host}={base}: sums are looked up over https only, since nothing "
                    "checks them yet. Give an https address."
                )


def parse_sources(texts: Iterable[str]) -> Sources:
    """Return the stand-ins that `HOST=URL` options name, or raise InputError."""
    stand_ins = {}
    for text in texts:
        host, _, url = text.partition("=")
        parts = urlsplit(url)
        if not host or "/" in host or parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"--from {text!r}: wanted HOST=URL, as dl.k8s.io=https://mirror.example/k8s"
            )
        stand_ins[host] = url
    return Sources(stand_ins)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
