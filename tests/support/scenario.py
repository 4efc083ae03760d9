"""Molecule scenarios as a developer runs them."""

from __future__ import annotations

import subprocess

from tests.support.site import ROOT, VENV_BIN, environment


def run_scenario(name: str, *arguments: str, timeout: float = 1200) -> str:
    """Run `molecule test` of one scenario and return what it printed.

    Raises AssertionError with the end of the output when the scenario fails.
    """
    done = subprocess.run(
        [str(VENV_BIN / "molecule"), "test", "--scenario-name", name, *arguments],
        cwd=ROOT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout
