# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where artifacts come from: the signed index and the mirrors that serve it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import (
    INDEX_NAME,
    SIGNATURE_NAME,
    Index,
    load_index,
)
from ansible_collections.biomax.platform.plugins.module_utils.bundle.signature import (
    verify_signature_bytes,
)
from ansible_collections.biomax.platform.plugins.module_utils.common import atomic
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host import mirror
from ansible_collections.biomax.platform.plugins.module_utils.host.apt import MIRROR_CA
from ansible_collections.biomax.platform.plugins.module_utils.host.ledger import make_directory
from ansible_collections.biomax.platform.plugins.module_utils.host.system import Host

CACHE = "index"


class NoIndexError(PlatformError):
    """No mirror answered and no verified copy of the index is on the host."""


class _Answer(NamedTuple):
    data: bytes
    signature: bytes
    url: str


class BundleSource:
    """The bundle as one host sees it; the index is fetched at most once per call."""

    def __init__(
        self, host: Host, mirrors: Sequence[mirror.Mirror], public_key: str, authority: str
    ) -> None:
        """Use `mirrors` in order.

        Args:
            host: whose cache of the index is used.
            mirrors: where the bundle is.
            public_key: the key that signs the index, as in a `.pub` file.
            authority: PEM text of the mirrors' CA; "" uses the file on the host.
        """
        self._host, self._mirrors = host, list(mirrors)
        self._public_key, self._authority = public_key, authority
        self._index: Index | None = None
        self._answer: _Answer | None = None
        self._missing: NoIndexError | None = None
        self.warnings: list[str] = []

    def index(self, ask_again: bool = False) -> Index:
        """Return the verified index: from the first mirror that answers, else the host's copy.

        Args:
            ask_again: ask the mirrors once more when none answered before.

        Raises:
            NoIndexError: no mirror answers and the host has no copy.
            IntegrityError: what a mirror served was not signed by the bundle's key.
        """
        if self._missing and not ask_again:
            raise self._missing
        if self._index is None:
            self._answer, failures = self._ask()
            self._index = self._verified(self._answer) if self._answer else self._cached(failures)
        return self._index

    def keep(self) -> None:
        """Keep the verified index that a mirror served on the host, for when none answers."""
        if not self._answer:
            return
        make_directory(self._host, CACHE)
        for name, data in (
            (INDEX_NAME, self._answer.data),
            (SIGNATURE_NAME, self._answer.signature),
        ):
            path = self._host.state(CACHE, name)
            if not path.exists() or path.read_bytes() != data:
                atomic.write_file(path, data)

    def open(self, path: str) -> mirror.Stream:
        """Open the bundle's file `path` at the first mirror that has it.

        Raises:
            PlatformError: no mirror has it; each one's answer is named.
        """
        failures = []
        for candidate in self._mirrors:
            try:
                return mirror.open_file(self._host, candidate, path, self._trust())
            except PlatformError as error:
                failures.append(str(error))
        raise PlatformError(f"Fetching {path} of the bundle: {'; '.join(failures)}")

    def _ask(self) -> tuple[_Answer | None, list[str]]:
        if not self._mirrors or not self._public_key:
            raise InputError(
                "An `artifact` is declared, and host_state was called without `mirrors` or "
                "`bundle_public_key`. Pass both from the inventory."
            )
        failures = []
        for candidate in self._mirrors:
            try:
                data = self._read(candidate, INDEX_NAME)
                signature = self._read(candidate, SIGNATURE_NAME)
            except PlatformError as error:
                failures.append(str(error))
                continue
            return _Answer(data, signature, candidate.locate(INDEX_NAME)), []
        return None, failures

    def _read(self, candidate: mirror.Mirror, path: str) -> bytes:
        stream = mirror.open_file(self._host, candidate, path, self._trust())
        try:
            return b"".join(stream.chunks())
        finally:
            stream.close()

    def _trust(self) -> str:
        return self._authority or (self._host.read(MIRROR_CA) or b"").decode()

    def _verified(self, answer: _Answer) -> Index:
        # The bytes that were verified are the bytes that are parsed.
        verify_signature_bytes(answer.data, answer.signature, self._public_key, answer.url)
        return load_index(answer.data)

    def _cached(self, failures: Sequence[str]) -> Index:
        said = "; ".join(failures)
        cached = self._host.state(CACHE, INDEX_NAME)
        try:
            signature = self._host.state(CACHE, SIGNATURE_NAME).read_bytes()
            index = self._verified(_Answer(cached.read_bytes(), signature, str(cached)))
        except FileNotFoundError:
            self._missing = NoIndexError(
                f"No mirror answered and this host has no copy of the bundle's index: {said}. "
                "Converge the mirror host first, or correct `mirrors`."
            )
            raise self._missing from None
        except IntegrityError as error:
            # A kill between the two files leaves a pair that does not match: as good as none.
            self._missing = NoIndexError(
                f"No mirror answered ({said}) and the host's copy is not usable: {error}"
            )
            raise self._missing from error
        self.warnings.append(f"No mirror answered, the host's verified copy is used: {said}")
        return index
