"""Debian packages of a build: which are needed, pinned, downloaded once, offered to hosts."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.biomax.platform.plugins.module_utils.bundle.index import Entry
from ansible_collections.biomax.platform.plugins.module_utils.bundle.verify import sha256_file
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import (
    InputError,
    IntegrityError,
)

from lab.builder import deb, repository
from lab.builder.apt import Apt, Lock, Package, load_lock, machine_sources, resolve, save_lock
from lab.builder.artifacts import Image
from lab.builder.assemble import Item
from lab.builder.cache import key_of
from lab.builder.catalogue import Catalogue
from lab.builder.context import Context

HOSTS = "hosts"  # the set of packages that hosts install
CERTIFICATES = "ca-certificates"
BATCH = 20  # packages downloaded by one call: a cut build keeps the batches before it
REPOSITORY_RECIPE = 1  # raise it when the repository is written in another way


def image_set(image: Image) -> str:
    """Return the name of the set of packages that `image` unpacks."""
    return "+".join(image.packages)


def wanted_sets(catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    """Return the sets of root packages that `catalogue` asks for: name -> roots."""
    sets = {image_set(image): image.packages for image in catalogue.images if image.packages}
    if any(image.certificates for image in catalogue.images):
        sets[CERTIFICATES] = (CERTIFICATES,)
    packages = catalogue.packages
    if packages.roots:
        sets[HOSTS] = tuple(sorted({*(root.name for root in packages.roots), *packages.base}))
    return sets


class PackageStore:
    """Pinned packages of one build, kept in the cache by their sum."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.lock = self._read_lock()

    def _read_lock(self) -> Lock:
        """Return the lock that belongs to the catalogue; resolve and write it when it does not."""
        context, settings = self.context, self.context.settings
        wanted = wanted_sets(context.full)
        name = f"{context.full.packages.release}-{settings.arch}.yml"
        path = settings.root / "bundle" / "lock" / name
        lock = load_lock(path)
        if lock and lock.satisfies(wanted) and not settings.update_lock:
            return lock
        if settings.locked:
            raise InputError(
                f"{path} does not belong to the catalogue (other root packages). Run "
                "`lab/bundle build` without --locked and commit the lock file."
            )
        context.progress.add(1)
        with context.progress.step(f"resolve {len(wanted)} sets of packages into {name}"):
            lock = resolve(self._apt(), wanted)
            save_lock(path, lock)
        return lock

    def _apt(self) -> Apt:
        release, arch = self.context.full.packages.release, self.context.settings.arch
        root = self.context.cache.root / "apt" / f"{release}-{arch}"
        return Apt(root, arch, machine_sources(release, self.context.settings.apt_dir))

    def path(self, package: Package) -> Path:
        """Return where the cache keeps the file of `package`."""
        return self.context.cache.root / "deb" / package.sha256 / package.file_name

    def unpacked_by(self, image: Image) -> list[Package]:
        """Return the packages that `image` unpacks."""
        return self.lock.of_set(image_set(image)) if image.packages else []

    def certificates_of(self, image: Image) -> Package | None:
        """Return the package with the certificates when `image` asks for them."""
        return self.lock.packages[CERTIFICATES] if image.certificates else None

    def fetch(self) -> None:
        """Download what the build needs and the cache lacks, in batches."""
        catalogue = self.context.catalogue
        needed = set(self.lock.of_set(HOSTS)) if catalogue.packages.roots else set()
        for image in catalogue.images:
            needed |= {*self.unpacked_by(image)}
            needed |= {package for package in [self.certificates_of(image)] if package}
        missing = [p for p in sorted(needed) if not self.context.cache.find("deb", p.sha256)]
        if not missing:
            return
        batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
        progress, apt = self.context.progress, self._apt()
        progress.add(len(batches) + 1)
        with progress.step("fetch the package lists"):
            apt.update()
        for batch in batches:
            names = f"{batch[0].name} … {batch[-1].name}"
            with progress.step(f"download {len(batch)} packages ({names})"):
                self._fetch_batch(apt, batch)

    def _fetch_batch(self, apt: Apt, batch: list[Package]) -> None:
        work = self.context.cache.root / "tmp" / "download"
        work.mkdir(parents=True, exist_ok=True)
        apt.download(batch, work)
        by_sum = {sha256_file(path): path for path in work.glob("*.deb")}
        for package in batch:
            path = by_sum.get(package.sha256)
            if path is None:
                raise IntegrityError(
                    f"apt downloaded {package.name} {package.version} with another sum than "
                    f"bundle/lock lists ({package.sha256}). The archive changed the package under "
                    "the same version: find out why before you update the lock."
                )
            self._keep(package, path)
        shutil.rmtree(work)

    def _keep(self, package: Package, path: Path) -> None:
        def recipe(work: Path) -> None:
            (work / "control").write_text(deb.control(path), encoding="utf-8")
            path.rename(work / package.file_name)

        self.context.cache.make("deb", package.sha256, recipe)

    def repository_items(self) -> list[Item]:
        """Return the files of the signed repository for hosts."""
        packages = self.lock.of_set(HOSTS)
        metadata = self._metadata(packages)
        items = [
            Item(
                Entry("apt", name, f"apt/{name}", (metadata / name).stat().st_size, sha256=digest),
                metadata / name,
                metadata,
            )
            for name, digest in self.context.cache.sums(metadata).items()
        ]
        return items + [self._package_item(package) for package in packages]

    def _metadata(self, packages: Iterable[Package]) -> Path:
        context, settings = self.context, self.context.settings
        pinned = sorted(packages)
        controls = {
            package.name: (self.path(package).parent / "control").read_text(encoding="utf-8")
            for package in pinned
        }
        index = repository.packages_index(pinned, controls)
        name = f"{repository.COMPONENT}/binary-{settings.arch}/Packages"
        release = repository.release_file(self.lock.resolved_at, settings.arch, {name: index})
        context.progress.add(1)
        return context.cached(
            "repository",
            key_of(REPOSITORY_RECIPE, release.decode(), repository.public_key(settings.keys)),
            "sign the apt repository",
            lambda work: repository.write_metadata(
                work, release, index, settings.arch, settings.keys
            ),
        )

    def _package_item(self, package: Package) -> Item:
        entry = Entry(
            kind="apt",
            name=package.name,
            version=package.version,
            path=f"apt/{repository.POOL}/{package.file_name}",
            sha256=package.sha256,
            size=package.size,
            licence=f"/usr/share/doc/{package.name}/copyright",
            source=f"Debian {self.context.full.packages.release}",
        )
        return Item(entry, self.path(package), self.path(package).parent)
