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
from lab.builder.apt import Apt, Lock, Package, load_lock, release_sources, resolve, save_lock
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


def wanted_sets(catalogue: Catalogue) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the sets of root packages that `catalogue` asks for: release -> name -> roots."""
    own = catalogue.packages.release
    sets: dict[str, dict[str, tuple[str, ...]]] = {own: {}}
    for image in catalogue.images:
        if image.packages:
            sets.setdefault(image.release or own, {})[image_set(image)] = image.packages
    if any(image.certificates for image in catalogue.images):
        sets[own][CERTIFICATES] = (CERTIFICATES,)
    packages = catalogue.packages
    if packages.roots:
        sets[own][HOSTS] = tuple(sorted({*(root.name for root in packages.roots), *packages.base}))
    return {release: wanted for release, wanted in sets.items() if wanted}


class PackageStore:
    """Pinned packages of one build, kept in the cache by their sum."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.own = context.full.packages.release
        self.locks = {
            release: self._read_lock(release, wanted)
            for release, wanted in sorted(wanted_sets(context.full).items())
        }

    @property
    def resolved_at(self) -> str:
        """Return the UTC time of the newest lock."""
        return max(lock.resolved_at for lock in self.locks.values())

    def _read_lock(self, release: str, wanted: dict[str, tuple[str, ...]]) -> Lock:
        """Return the lock that belongs to the catalogue; resolve and write it when it does not."""
        context, settings = self.context, self.context.settings
        name = f"{release}-{settings.arch}.yml"
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
            lock = resolve(self._apt(release), wanted)
            save_lock(path, lock)
        return lock

    def _apt(self, release: str) -> Apt:
        arch, directory = self.context.settings.arch, self.context.settings.apt_dir
        root = self.context.cache.root / "apt" / f"{release}-{arch}"
        return Apt(root, arch, release_sources(release, self.own, directory))

    def path(self, package: Package) -> Path:
        """Return where the cache keeps the file of `package`."""
        return self.context.cache.root / "deb" / package.sha256 / package.file_name

    def unpacked_by(self, image: Image) -> list[Package]:
        """Return the packages that `image` unpacks."""
        release = self.release_of(image)
        return self.locks[release].of_set(image_set(image)) if image.packages else []

    def release_of(self, image: Image) -> str:
        """Return the Debian release of the packages that `image` unpacks."""
        return image.release or self.own

    def for_hosts(self) -> list[Package]:
        """Return the packages that hosts install."""
        return self.locks[self.own].of_set(HOSTS)

    def certificates_of(self, image: Image) -> Package | None:
        """Return the package with the certificates when `image` asks for them."""
        return self.locks[self.own].packages[CERTIFICATES] if image.certificates else None

    def fetch(self) -> None:
        """Download what the build needs and the cache lacks, in batches."""
        catalogue = self.context.catalogue
        needed: dict[str, set[Package]] = {release: set() for release in self.locks}
        if catalogue.packages.roots:
            needed[self.own] |= {*self.for_hosts()}
        for image in catalogue.images:
            if image.packages:
                needed[self.release_of(image)] |= {*self.unpacked_by(image)}
            if certificates := self.certificates_of(image):
                needed[self.own].add(certificates)
        for release, packages in needed.items():
            missing = [p for p in sorted(packages) if not self.context.cache.find("deb", p.sha256)]
            if missing:
                self._fetch(release, missing)

    def _fetch(self, release: str, missing: list[Package]) -> None:
        batches = [missing[start : start + BATCH] for start in range(0, len(missing), BATCH)]
        progress, apt = self.context.progress, self._apt(release)
        progress.add(len(batches) + 1)
        with progress.step(f"fetch the package lists of {release}"):
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
        packages = self.for_hosts()
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
        resolved_at = self.locks[self.own].resolved_at
        release = repository.release_file(resolved_at, settings.arch, {name: index})
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
            source=f"Debian {self.own}",
        )
        return Item(entry, self.path(package), self.path(package).parent)
