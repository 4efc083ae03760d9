"""A copy of the product with one promise taken out, to see the proof fail without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.site import ROOT

_ENGINE = "plugins/module_utils/host/engine.py"
_LEDGER_WRITE = "        _promise(ledger, plan, step)\n"
_PARTS = ("bundle", "collections", "meta", "playbooks", "plugins", "roles")
_FILES = ("ansible.cfg", "galaxy.yml", "site.yml")


@contextmanager
def without_ledger() -> Iterator[Path]:
    """Give a checkout whose engine does not write down the restarts that it will owe.

    Raises:
        ValueError: the engine has no such line any more.
    """
    with TemporaryDirectory(prefix="without-ledger-") as folder:
        copy = Path(folder)
        ignored = shutil.ignore_patterns("__pycache__")
        for name in _PARTS:
            shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=ignored)
        for name in _FILES:
            shutil.copy(ROOT / name, copy / name)
        (copy / "tests").symlink_to(ROOT / "tests")
        engine = copy / _ENGINE
        text = engine.read_text(encoding="utf-8")
        if text.count(_LEDGER_WRITE) != 1:
            raise ValueError(f"{_ENGINE} has no single line {_LEDGER_WRITE.strip()!r}: look there.")
        engine.write_text(text.replace(_LEDGER_WRITE, ""), encoding="utf-8")
        yield copy
