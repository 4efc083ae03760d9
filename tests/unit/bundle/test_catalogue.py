"""The catalogue: strict, and in step with modules, lock, roles and inventory."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from pydantic import ValidationError

from lab.builder.apt import Lock, load_lock
from lab.builder.catalogue import Catalogue, load_catalogue
from lab.builder.packages import wanted_sets
from tests.support.bundle_inputs import document

ROOT = Path(__file__).resolve().parents[3]
CATALOGUE = load_catalogue(ROOT / "bundle" / "catalogue")
OWN = "github.com/biomax-ai/platform/programs"


def changed(**parts: Any) -> dict[str, Any]:
    """Return the small catalogue with some parts replaced."""
    return {**document(), **parts}


def image(name: str, **more: Any) -> dict[str, Any]:
    """Return an image of the small catalogue."""
    return {**document()["images"][0], "name": name, **more}


def manifest(**more: str) -> dict[str, Any]:
    """Return a manifest of the program of the small catalogue."""
    return {"name": "x", "version": "1.0.0", "licence": "MIT", "used_by": ["a"], **more}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"files": document()["files"] * 2}, "same file twice: hello, hello-archive"),
        ({"programs": document()["programs"] * 2}, "same program twice: hello"),
        (
            {"images": [image("a.example.com/team/x"), image("b.example.com/team/x")]},
            "same registry path .* twice: team/x",
        ),
        ({"images": [image("a.example.com/x", files={"x": "nothing"})]}, "gives no .'nothing'."),
        ({"images": [image("a.example.com/x", program="none")]}, "none gives no"),
        ({"images": [image("a.example.com/x", files={"/x": "hello"})]}, "no plain relative path"),
        ({"images": [image("a.example.com/x", files={"../x": "hello"})]}, "no plain relative"),
        ({"images": [image("a.example.com/x", colour="red")]}, "Extra inputs are not permitted"),
        (
            {"files": [{"name": "x", "program": "hello", "used_by": ["a"]}]},
            "exactly one of binary and archive",
        ),
        ({"manifests": [manifest(program="hello")]}, "program and path belong together"),
        ({"manifests": [manifest()]}, "one of program and upstream is wanted"),
        (
            {"manifests": [manifest(program="hello", path="a.yaml", version="2.0.0")]},
            "manifest x: hello is not 2.0.0",
        ),
        (
            {"manifests": [manifest(program="no", path="a.yaml")] * 2},
            "same manifest twice: x 1.0.0",
        ),
        (
            {
                "files": [
                    {
                        **document()["files"][0],
                        "upstream": {"url": "https://example.com", "sha256": {"amd64": "12"}},
                    }
                ]
            },
            "no lower-case sha256",
        ),
    ],
)
def test_a_contradiction_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Catalogue.model_validate(changed(**parts))


def test_a_wrong_file_is_named_with_its_key(tmp_path: Path) -> None:
    parts = changed(images=[{"name": "x"}])
    (tmp_path / "packages.yml").write_text(yaml.safe_dump(parts.pop("packages")))
    (tmp_path / "images.yml").write_text(yaml.safe_dump({"images": parts.pop("images")}))
    (tmp_path / "manifests.yml").write_text("manifests: []\n")
    (tmp_path / "programs.yml").write_text(yaml.safe_dump(parts))
    with pytest.raises(InputError, match=r"images\.0\.tag: Field required"):
        load_catalogue(tmp_path)
    (tmp_path / "images.yml").unlink()
    with pytest.raises(InputError, match=r"images\.yml"):
        load_catalogue(tmp_path)


def go_mod(directory: str) -> dict[str, Any]:
    """Return the go.mod of `directory` as Go reads it."""
    command = ["go", "mod", "edit", "-json", str(ROOT / directory / "go.mod")]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


COMPILED = [program for program in CATALOGUE.programs if program.module]


@pytest.mark.parametrize("program", COMPILED, ids=lambda program: str(program.name))
def test_the_module_pins_what_the_catalogue_says(program: Any) -> None:
    module = go_mod(program.directory)
    assert (ROOT / program.directory / "go.sum").is_file()
    if program.module == OWN:
        assert module["Module"]["Path"] == OWN
        return
    required = {f"{item['Path']}@{item['Version']}" for item in module["Require"]}
    assert program.module in required
    assert program.module.endswith(f"@v{program.version}")
    assert {item["Path"] for item in module["Tool"]} == set(program.binaries.values())


def test_kubernetes_takes_its_libraries_from_the_matching_release() -> None:
    replaced = go_mod("bundle/go/kubernetes")["Replace"]
    version = CATALOGUE.program("kubernetes").version.replace("1.", "v0.", 1)
    assert len(replaced) >= 33
    for item in replaced:
        assert item["New"] == {"Path": item["Old"]["Path"], "Version": version}


def test_etcd_has_one_version_in_all_its_modules() -> None:
    required = go_mod("bundle/go/etcd")["Require"]
    etcd = {item["Version"] for item in required if item["Path"].startswith("go.etcd.io/etcd/")}
    assert etcd == {f"v{CATALOGUE.program('etcd').version}"}


def locked(release: str) -> Lock:
    lock = load_lock(ROOT / "bundle" / "lock" / f"{release}-amd64.yml")
    assert lock is not None, release
    return lock


# What stands in is of another release than what it stands for.
OTHER_RELEASE = ("registry.k8s.io/pause", "ghcr.io/cloudnative-pg/pgbouncer")


def test_tags_are_the_versions_of_their_programs() -> None:
    for item in CATALOGUE.images:
        if item.name in OTHER_RELEASE:
            continue
        versions = [CATALOGUE.program(item.program).version]
        if not item.files:  # made of packages: the tag begins with the version of one of them
            packages = locked(item.release or CATALOGUE.packages.release).packages
            versions = [packages[name].version.split("-")[0] for name in item.packages]
        assert any(version in item.tag for version in versions), item.reference


def test_the_inventory_asks_for_versions_that_the_bundle_has() -> None:
    cluster = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/cluster.yml").read_text())
    for variable, program in (
        ("kube_version", "kubernetes"),
        ("kube_etcd_version", "etcd"),
        ("kube_coredns_version", "coredns"),
    ):
        assert cluster[variable] == CATALOGUE.program(program).version, variable
    tags = {item.name: item.tag for item in CATALOGUE.images}
    assert cluster["kube_pause_version"] == tags["registry.k8s.io/pause"]


def test_roles_take_the_manifests_that_the_catalogue_lists_for_them() -> None:
    for item in CATALOGUE.manifests:
        for role in item.used_by:
            templates = (ROOT / "roles" / role / "objects").glob("*.manifest.yml.j2")
            text = "".join(path.read_text(encoding="utf-8") for path in templates)
            assert f"manifest: {item.name}\nversion: {item.version}\n" in text, role


def installed_packages() -> Iterator[tuple[str, str]]:
    """Yield role and package for each package that a role installs by default."""
    for path in sorted((ROOT / "roles").glob("*/defaults/main.yml")):
        role = path.parts[-3]
        defaults = yaml.safe_load(path.read_text()) or {}
        for package in defaults.get(f"{role}_packages", []):
            yield role, package


def test_packages_and_roles_name_each_other() -> None:
    listed = {(role, root.name) for root in CATALOGUE.packages.roots for role in root.used_by}
    assert listed == set(installed_packages())


def test_the_lock_belongs_to_the_catalogue() -> None:
    for release, wanted in wanted_sets(CATALOGUE).items():
        lock = locked(release)
        assert lock.satisfies(wanted)
        for name, (roots, packages) in lock.sets.items():
            assert set(roots) <= set(packages) <= set(lock.packages), name
