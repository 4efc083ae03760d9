"""A whole bundle by `lock` and `build --builder upstream`, from a real registry and file servers.

They publish the files and images of this checkout's bundle from source, so both bundles must be
the same except for what says who built them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.biomax.platform.plugins.module_utils.bundle.store import Store
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    IntegrityError,
    PlatformError,
)
from ansible_collections.biomax.platform.plugins.module_utils.host.hashes import Hashes

from lab.builder.progress import Step
from lab.builder.upstream.download import Downloader
from lab.builder.upstream.registry import Registry
from lab.builder.upstream.sources import Sources
from tests.support.checkout import bundle_command
from tests.support.spdx_list import problems
from tests.support.upstream_site import KEYS, SOURCE, UpstreamSite, published

IMAGE = "registry.k8s.io/pause"
# Its signature holds the time when the apt repository was signed.
SIGNED_ANEW = "dists/platform/InRelease"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UpstreamSite]:
    """Return a site that has its lock and its bundle."""
    with published(tmp_path_factory.mktemp("upstream") / "checkout") as site:
        refused = site.build()
        assert refused.returncode == 1
        assert f"{IMAGE}:" in refused.stderr
        for done in (site.run("lock"), site.build()):
            assert done.returncode == 0, done.stdout + done.stderr
        yield site


def test_both_bundles_differ_in_what_says_who_built_them_only(site: UpstreamSite) -> None:
    done = bundle_command("diff", SOURCE, site.output)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[:-1] == [f"changed  apt      {SIGNED_ANEW}", "changed  sbom     sbom"]
    assert lines[-1].startswith("0 new, 2 changed, 0 gone; 2 files, ")
    assert (site.source.builder, site.index().builder) == ("source", "upstream")


def test_it_is_good_and_the_second_build_changes_nothing(site: UpstreamSite) -> None:
    done = bundle_command("verify", "--bundle", site.output, "--keys", KEYS)
    assert done.returncode == 0, done.stdout
    asked = len(site.releases.requests)
    assert "unchanged" in site.build().stdout
    assert len(site.releases.requests) == asked


def test_its_list_and_that_of_the_source_bundle_are_valid(site: UpstreamSite) -> None:
    for bundle in (SOURCE, site.output):
        assert problems(bundle / "sbom.spdx.json") == []


def test_a_mirror_that_was_filled_from_source_needs_two_small_files(
    site: UpstreamSite, tmp_path: Path
) -> None:
    store = Store(SOURCE, Hashes(tmp_path / "hashes.json"))
    missing = store.compare(site.index()).missing
    assert [entry.name for entry in missing] == [SIGNED_ANEW, "sbom"]


class Damage:
    """Bytes of one image, changed on the real registry's disk behind its back."""

    def __init__(self, site: UpstreamSite) -> None:
        self.entry = site.source.image(IMAGE)
        path = SOURCE / self.entry.path / "blobs/sha256" / self.entry.digest[7:]
        self.manifest = json.loads(path.read_bytes())
        self.blobs = site.root / "store/docker/registry/v2/blobs/sha256"
        self.before: dict[Path, bytes] = {}

    def change(self, digest: str) -> None:
        """Change the first byte of the blob `digest`."""
        path = self.blobs / digest[7:9] / digest[7:] / "data"
        self.before[path] = path.read_bytes()
        path.write_bytes(b"\1" + self.before[path][1:])

    def repair(self) -> None:
        """Put back what was there."""
        for path, data in self.before.items():
            path.write_bytes(data)


@pytest.fixture
def damage(site: UpstreamSite) -> Iterator[Damage]:
    damage = Damage(site)
    yield damage
    damage.repair()


def test_a_registry_that_serves_another_layer_is_refused(
    site: UpstreamSite, damage: Damage, tmp_path: Path
) -> None:
    layer = damage.manifest["layers"][0]
    damage.change(layer["digest"])
    registry = Registry(Downloader(tmp_path / "parts"), Sources(site.stand_ins()).locate)
    wanted = registry.blob(IMAGE, layer)
    with pytest.raises(IntegrityError, match=f"{IMAGE} from .*: expected {layer['digest']}, found"):
        registry.downloader.fetch(wanted, tmp_path / "layer", Step())
    assert not (tmp_path / "layer").exists()


def test_a_registry_that_finds_its_own_manifest_damaged_is_told(
    site: UpstreamSite, damage: Damage, tmp_path: Path
) -> None:
    damage.change(damage.entry.digest)
    pauses: list[float] = []
    downloader = Downloader(tmp_path / "parts", sleep=pauses.append)
    registry = Registry(downloader, Sources(site.stand_ins()).locate)
    with pytest.raises(PlatformError, match=f"{IMAGE} sha256:.*answered 500.*attempts failed"):
        registry.document(IMAGE, damage.entry.digest, Step())
    assert len(pauses) == 5
