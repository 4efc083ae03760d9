"""Downloads that go on where they were cut and are kept only when their sum is right.

A file comes into `<parts>/<key>.part`, which outlives a killed build. HTTP ranges: RFC 9110
section 14. Proxies (HTTPS_PROXY, NO_PROXY), authorities (REQUESTS_CA_BUNDLE) and credentials
(~/.netrc) of the environment are honoured by `requests`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import requests
import requests.auth
import tenacity
import urllib3
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file
from ansible_collections.biomax.platform.plugins.module_utils.common.atomic import write_error
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    PlatformError,
)

from lab.builder.cache import KEEP_SECONDS, key_of
from lab.builder.progress import Step, human_size

ATTEMPTS = 6
CONNECT_SECONDS = 10.0
SILENCE_SECONDS = 60.0  # a server that sends nothing for so long is asked again
CHUNK = 256 * 1024  # bytes written at a time
SMALL = 4 * 1024 * 1024  # bytes; the limit of manifests in the OCI distribution specification
Result = TypeVar("Result")
_TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Wanted:
    """One file: where it is, what it has to be, and what a message calls it.

    `sha256` may be empty for a file whose sum is only being looked up; `size` is in bytes.
    `auth` proves to the server who asks.
    """

    label: str
    url: str
    sha256: str = ""
    size: int | None = None
    auth: requests.auth.AuthBase | None = None


@dataclass(frozen=True)
class Answer:
    """A small document and the headers that came with it (found in any case)."""

    body: bytes
    headers: Mapping[str, str]


class _TryAgain(PlatformError):
    """Something that may pass: a server's hiccup, a cut connection."""


@dataclass(frozen=True)
class Downloader:
    """Fetches files and small documents, each with the same patience.

    Attributes:
        parts: directory of files under way.
        wait: seconds before each further attempt; doubled by each.
        silence: seconds without a byte after which a connection counts as dead.
    """

    parts: Path
    wait: float = 1.0
    silence: float = SILENCE_SECONDS
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=requests.Session)

    def prune(self, now: float) -> None:
        """Remove parts that nobody went on with for KEEP_SECONDS before `now`."""
        for path in self.parts.glob("*.part"):
            if now - path.stat().st_mtime > KEEP_SECONDS:
                path.unlink()

    def fetch(self, wanted: Wanted, target: Path, step: Step) -> str:
        """Download `wanted` to `target` and return its sum.

        Raises:
            IntegrityError: the file is not what was pinned; it was thrown away.
            PlatformError: the server refuses it, or every attempt failed.
        """
        self.parts.mkdir(parents=True, exist_ok=True)
        part = self.parts / f"{key_of(wanted.url, wanted.sha256)}.part"
        if not wanted.sha256:  # without a sum halves of two files could not be told apart
            part.unlink(missing_ok=True)

        def attempt() -> str:
            resumed = self._receive(wanted, part, step)
            return self._judge(wanted, part, resumed)

        digest = self._patiently(attempt, step)
        part.replace(target)
        return digest

    def read(self, wanted: Wanted, headers: Mapping[str, str], step: Step) -> Answer:
        """Return the answer for a small document (at most SMALL bytes); its sum is not looked at.

        Raises:
            PlatformError: the server refuses it, or every attempt failed.
        """
        return self._patiently(lambda: self._read_once(wanted, headers), step)

    def _read_once(self, wanted: Wanted, headers: Mapping[str, str]) -> Answer:
        with self._get(wanted, headers) as response:
            try:
                body = response.raw.read(SMALL + 1, decode_content=True)
            except urllib3.exceptions.HTTPError as error:
                raise _TryAgain(_failed(wanted, f"the connection broke ({error})")) from error
            if len(body) > SMALL:
                raise PlatformError(_failed(wanted, f"it has more than {human_size(SMALL)}"))
            return Answer(body, response.headers)

    def _receive(self, wanted: Wanted, part: Path, step: Step) -> int:
        """Bring `part` to its full length; return how many bytes were there before."""
        have = part.stat().st_size if part.exists() else 0
        if have and have == wanted.size:
            return have
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with self._get(wanted, headers) as response:
            if response.status_code == 416:
                return self._beyond_the_end(wanted, part, response)
            if response.status_code == 206 and _start_of(response) != have:
                part.unlink()
                raise _TryAgain(_failed(wanted, "the server sent another part than was asked for"))
            if response.status_code != 206:
                have = 0
            self._write(wanted, part, have, response, step)
        return have

    def _beyond_the_end(self, wanted: Wanted, part: Path, response: requests.Response) -> int:
        """Return the length of `part` when it is whole; a longer one is of another file."""
        have = part.stat().st_size
        if _last_number(response) == have:
            return have
        part.unlink()
        raise _TryAgain(_failed(wanted, "what came before is longer than the file there is now"))

    def _write(
        self, wanted: Wanted, part: Path, have: int, response: requests.Response, step: Step
    ) -> None:
        rest = int(response.headers.get("Content-Length") or -1)
        total = have + rest if rest >= 0 else None
        if wanted.size is not None and total not in (None, wanted.size):
            part.unlink(missing_ok=True)
            raise _mismatch(wanted, f"{wanted.size} bytes", f"{total} bytes")
        try:
            with part.open("r+b" if have else "wb") as stream:
                stream.seek(have)
                for chunk in response.raw.stream(CHUNK, decode_content=False):
                    stream.write(chunk)
                    have += len(chunk)
                    step.note = f"{human_size(have)} of {human_size(total) if total else '?'}"
                    if wanted.size is not None and have > wanted.size:
                        break
        except urllib3.exceptions.HTTPError as error:
            found = f"the connection broke after {have} of {total or 'unknown'} bytes ({error})"
            raise _TryAgain(_failed(wanted, found)) from error
        except OSError as error:
            raise write_error(part, error) from error

    def _judge(self, wanted: Wanted, part: Path, resumed: int) -> str:
        """Return the sum of `part` when it is right; else throw it away."""
        size, digest = part.stat().st_size, sha256_file(part)
        if digest == wanted.sha256 or (not wanted.sha256 and wanted.size in (None, size)):
            return digest
        part.unlink()
        if resumed:  # the file may have been replaced between the two halves
            raise _TryAgain(_failed(wanted, "the parts of two attempts do not fit together"))
        raise _mismatch(wanted, f"sha256:{wanted.sha256}", f"sha256:{digest} ({size} bytes)")

    def _get(self, wanted: Wanted, headers: Mapping[str, str]) -> requests.Response:
        try:
            response = self.session.get(
                wanted.url,
                headers={"User-Agent": "biomax.platform bundle builder", **headers},
                auth=wanted.auth,
                stream=True,
                timeout=(CONNECT_SECONDS, self.silence),
            )
        except (requests.ConnectionError, requests.Timeout) as error:
            raise _TryAgain(_failed(wanted, f"no answer ({error})")) from error
        except requests.RequestException as error:
            raise PlatformError(_failed(wanted, str(error))) from error
        if response.ok or response.status_code == 416:
            return response
        response.close()
        text = _failed(wanted, f"the server answered {response.status_code} {response.reason}")
        if response.status_code in _TRY_AGAIN:
            raise _TryAgain(text)
        raise PlatformError(
            f"{text} Look whether this version was published there and whether the address in "
            "bundle/catalogue is right; behind a proxy or mirror, whether it may serve this."
        )

    def _patiently(self, attempt: Callable[[], Result], step: Step) -> Result:
        def told(state: tenacity.RetryCallState) -> None:
            cause = state.outcome.exception() if state.outcome else None
            step.say(f"{cause} Trying again, attempt {state.attempt_number + 1} of {ATTEMPTS}.")

        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=self.wait, max=30),
            retry=tenacity.retry_if_exception_type(_TryAgain),
            sleep=self.sleep,
            before_sleep=told,
            reraise=True,
        )
        try:
            return retrying(attempt)
        except _TryAgain as error:
            raise PlatformError(
                f"{error} {ATTEMPTS} attempts failed. What has come is kept: run the same command "
                "again when the server is well, and it goes on."
            ) from error


def _failed(wanted: Wanted, found: str) -> str:
    return f"Downloading {wanted.label} from {wanted.url}: {found}."


def _mismatch(wanted: Wanted, expected: str, found: str) -> IntegrityError:
    return IntegrityError(
        f"Downloading {wanted.label} from {wanted.url}: expected {expected}, found {found}. It was "
        "thrown away and nothing uses it. A proxy may have sent its own page, or upstream replaced "
        "the file under the same name: find out which, and only then correct the catalogue or run "
        "`lab/bundle lock --renew`."
    )


def _start_of(response: requests.Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _last_number(response: requests.Response) -> int | None:
    match = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None
