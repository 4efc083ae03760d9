"""The SPDX list: valid for the specification's own checker, complete, the same at every build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import load_index

from lab.builder.catalogue import Catalogue, load_catalogue
from lab.builder.spdx import Document, Package, purl
from tests.support.bundle_inputs import build, document, write_checkout
from tests.support.checkout import ROOT, bundle_command
from tests.support.spdx_list import SpdxList, problems


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Path:
    """Return a checkout with its bundle in `bundle`."""
    root = tmp_path_factory.mktemp("checkout")
    write_checkout(root)
    build(root, cache, root / "bundle")
    return root


def test_it_is_valid_and_in_the_signed_index(checkout: Path) -> None:
    assert problems(checkout / "bundle" / "sbom.spdx.json") == []
    index = load_index((checkout / "bundle" / "index.json").read_bytes())
    (entry,) = index.of_kind("sbom")
    assert (entry.path, entry.name) == ("sbom.spdx.json", "sbom")


def test_the_checker_of_this_test_sees_what_is_missing(checkout: Path, tmp_path: Path) -> None:
    changed = SpdxList(checkout / "bundle").document
    changed["packages"][0]["licenseDeclared"] = "no such licence"
    changed["packages"][1]["downloadLocation"] = "nowhere at all"
    path = tmp_path / "changed.spdx.json"
    path.write_text(json.dumps(changed))
    assert len(problems(path)) >= 2


def test_every_entry_of_the_index_is_in_it_with_its_sum(checkout: Path) -> None:
    index = load_index((checkout / "bundle" / "index.json").read_bytes())
    listed = {
        (item["name"], item.get("versionInfo", ""), item["checksums"][0]["checksumValue"])
        for item in SpdxList(checkout / "bundle").packages.values()
        if "checksums" in item
    }
    for entry in index.entries:
        if entry.kind != "sbom":
            digest = entry.sha256 or entry.digest.removeprefix("sha256:")
            assert (entry.name, entry.version, digest) in listed


def test_what_contains_what_and_was_made_from_what(checkout: Path) -> None:
    found = SpdxList(checkout / "bundle")
    image = "registry.example.com/team/hello"
    whole = found.related("biomax.platform-bundle", "CONTAINS")
    assert whole == ["hello", "hello-archive", "index.json", "oci-layout", image]
    assert found.related("hello-archive", "CONTAINS") == ["hello"]
    inside = found.related(image, "CONTAINS")
    assert inside[0] == "hello"
    assert [name[:7] for name in inside[1:]] == ["sha256:"] * 3
    assert set(found.related("hello", "GENERATED_FROM")) == {"example.com/hello"}
    assert {
        "spdxElementId": "SPDXRef-DOCUMENT",
        "relationshipType": "DESCRIBES",
        "relatedSpdxElement": found.package("biomax.platform-bundle", "ARCHIVE")["SPDXID"],
    } in found.document["relationships"]


def test_licence_version_and_origin_are_the_catalogues(checkout: Path) -> None:
    file = SpdxList(checkout / "bundle").package("hello-archive", "APPLICATION")
    assert (file["licenseDeclared"], file["versionInfo"]) == ("MIT", "1.0.0")
    assert file["downloadLocation"] == "NOASSERTION"
    assert file["sourceInfo"] == "compiled from example.com/hello"
    assert file["packageFileName"] == "files/hello-archive/1.0.0/hello-archive-1.0.0.tar"


def test_the_same_inputs_give_the_same_bytes(checkout: Path, cache: Path, tmp_path: Path) -> None:
    build(checkout, cache, tmp_path / "again")
    one, other = (SpdxList(place) for place in (checkout / "bundle", tmp_path / "again"))
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.document["creationInfo"]["created"] == "1970-01-01T00:00:00Z"


def test_another_version_is_another_document(checkout: Path, cache: Path, tmp_path: Path) -> None:
    inputs = document()
    inputs["programs"][0]["version"] = "1.0.1"
    build(checkout, cache, tmp_path / "next", Catalogue.model_validate(inputs))
    one, other = (SpdxList(place).document for place in (checkout / "bundle", tmp_path / "next"))
    assert one["documentNamespace"].startswith("urn:uuid:")
    assert one["documentNamespace"] != other["documentNamespace"]


def test_names_that_differ_in_signs_only_stay_apart() -> None:
    made = Document()
    for name in ("libstdc++6", "libstdc--6", "libstdc..6"):
        made.add(Package("apt", name, "1"))
    assert len(made.packages) == 3


def test_package_urls_escape_what_has_a_meaning_in_them() -> None:
    assert purl("deb", "debian/age", "1:1.1.1-1+b3~x", arch="amd64", distro="bookworm") == (
        "pkg:deb/debian/age@1:1.1.1-1%2Bb3~x?arch=amd64&distro=bookworm"
    )


def test_every_licence_of_our_catalogue_is_an_spdx_expression(tmp_path: Path) -> None:
    catalogue = load_catalogue(ROOT / "bundle" / "catalogue")
    licences = {program.licence for program in catalogue.programs}
    licences |= {manifest.licence for manifest in catalogue.manifests}
    licences |= {image.licence for image in catalogue.upstream_images}
    made = Document()
    top = made.add(Package("bundle", "all"))
    for licence in licences:
        made.add(Package("file", licence, licence=licence), within=top)
    path = tmp_path / "all.spdx.json"
    path.write_bytes(made.dump("all", "2026-01-02T00:00:00Z", top))
    assert problems(path) == []


def test_the_licences_are_printed_for_a_person(checkout: Path) -> None:
    place = ("--bundle", checkout / "bundle", "--keys", checkout / "keys")
    done = bundle_command("licences", *place)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "MIT",
        "  file     hello 1.0.0, hello-archive 1.0.0",
        "  image    registry.example.com/team/hello:v1.0.0",
    ]
