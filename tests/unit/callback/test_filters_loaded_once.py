"""What is loaded before the first fork is not loaded in every worker."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.support.site import ROOT, environment

# In a process of its own: filters that were loaded once stay loaded.
PROGRAM = """
import json, sys
from ansible.plugins.loader import filter_loader, init_plugin_loader

init_plugin_loader([sys.argv[1]])
from ansible_collections.biomax.platform.plugins.callback.filters_loaded_once import CallbackModule

HOME = "ansible_collections.biomax.platform.plugins.filter."
loaded = lambda: sorted(name.removeprefix(HOME) for name in sys.modules if name.startswith(HOME))
before = loaded()
CallbackModule().v2_playbook_on_start(None)
after = loaded()
assert filter_loader.get("biomax.platform.service_password")
print(json.dumps([before, after, loaded()]))
"""


def test_filters_are_there_when_the_run_has_started() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(ROOT / "collections")],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    before, started, used = json.loads(done.stdout)
    files = {path.stem for path in (ROOT / "plugins/filter").glob("*.py")} - {"__init__"}
    assert before == []
    assert {*started} >= files
    assert used == started, "a filter that is used later finds everything loaded"
