"""Write the JSON schema of `resources/main.yml` that editors and lint use.

Usage: `python tools/resources_schema.py` writes it, `--check` fails when it is not current.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "plugins/module_utils/host/resources.schema.json"


def rendered() -> str:
    """Return the schema's text."""
    sys.path.insert(0, str(ROOT / "collections"))
    from ansible_collections.biomax.platform.plugins.module_utils.host.schema import (  # noqa: PLC0415 - needs the path above
        resources_schema,
    )

    return json.dumps(resources_schema(), indent=2, sort_keys=True) + "\n"


def main(arguments: list[str]) -> int:
    """Write the schema, or with `--check` compare it; return the exit code."""
    text = rendered()
    if "--check" in arguments:
        current = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
        if current != text:
            print(f"{TARGET} is not current: run python tools/resources_schema.py")
            return 1
        return 0
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
