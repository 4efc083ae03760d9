"""The command `lab/bundle` as a user starts it: in this checkout or in a copy of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from lab.builder.catalogue import Catalogue

ROOT = Path(__file__).resolve().parents[2]


def bundle_command(*arguments: object, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run `lab/bundle` of the checkout `root` with `arguments`."""
    command = [sys.executable, str(root / "lab" / "bundle"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def copy_checkout(root: Path, catalogue: Catalogue) -> None:
    """Make `root` a checkout of its own: our builder, `catalogue`, no lock."""
    (root / "lab").mkdir(parents=True)
    for name in ("__init__.py", "bundle"):
        shutil.copy(ROOT / "lab" / name, root / "lab" / name)
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lab" / "builder", root / "lab" / "builder", ignore=unwanted)
    (root / "collections").symlink_to(ROOT / "collections")
    (root / "bundle" / "lock").mkdir(parents=True)
    write_catalogue(root, catalogue)


def write_catalogue(root: Path, catalogue: Catalogue) -> None:
    """Write the files of `catalogue` into the checkout `root`."""
    directory = root / "bundle" / "catalogue"
    directory.mkdir(exist_ok=True)
    document = catalogue.model_dump(mode="json", exclude_none=True)
    for name, parts in {
        "programs.yml": ("programs", "files"),
        "images.yml": ("images", "upstream_images"),
        "manifests.yml": ("manifests",),
    }.items():
        text = yaml.safe_dump({part: document[part] for part in parts})
        (directory / name).write_text(text, encoding="utf-8")
    (directory / "packages.yml").write_text(yaml.safe_dump(document["packages"]), encoding="utf-8")
