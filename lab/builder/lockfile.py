"""Lock files: YAML that reads well in a diff, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class _Indented(yaml.SafeDumper):
    """Writes lists indented below their key, as yamllint wants them."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - PyYAML calls it so
        """Indent lists too; `indentless` is what PyYAML asks for them."""
        super().increase_indent(flow, indentless=False)


def lock_text(header: str, document: dict[str, Any]) -> str:
    """Return the text of a lock file; keys keep the order of `document`."""
    text = yaml.dump(document, Dumper=_Indented, sort_keys=False, width=120)
    return f"---\n# {header}\n{text}"


def write_lock(path: Path, text: str) -> None:
    """Put `text` in the place of `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_suffix(".new")
    work.write_text(text, encoding="utf-8")
    work.replace(path)
