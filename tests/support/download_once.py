"""One download as a program, so that a test can kill it: `DIRECTORY URL SHA256`."""

from __future__ import annotations

import sys
from pathlib import Path

from lab.builder.progress import Step
from lab.builder.upstream.download import Downloader, Wanted

if __name__ == "__main__":
    directory, url, sha256 = sys.argv[1:]
    wanted = Wanted("tool 1.0", url, sha256)
    Downloader(Path(directory) / "parts").fetch(wanted, Path(directory) / "target", Step())
