"""The catalogue: pinned inputs of the bundle, read from `bundle/catalogue/*.yml`."""

from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import InputError
from pydantic import Field, ValidationError, model_validator

from lab.builder.artifacts import (
    Artifact,
    File,
    Image,
    Manifest,
    Packages,
    Program,
    Strict,
    UpstreamImage,
)


class Catalogue(Strict):
    """Everything a site installs, as inputs."""

    programs: tuple[Program, ...]
    files: tuple[File, ...]
    images: tuple[Image, ...]
    manifests: tuple[Manifest, ...] = ()
    upstream_images: tuple[UpstreamImage, ...] = ()
    packages: Packages = Field(description="Debian packages")

    @model_validator(mode="after")
    def _consistent(self) -> Catalogue:
        _unique("program", [program.name for program in self.programs])
        _unique("file", [file.name for file in self.files])
        images = (*self.images, *self.upstream_images)
        _unique("image", [image.reference for image in images])
        _unique("manifest", [f"{item.name} {item.version}" for item in self.manifests])
        _unique("package", [root.name for root in self.packages.roots])
        _unique(
            "registry path (names without their host; the mirror serves all hosts as one)",
            sorted({image.name: image.repository for image in images}.values()),
        )
        binaries = {program.name: set(program.binaries) for program in self.programs}
        for item in self.made():
            if lacking := set(item.binaries) - binaries.get(item.program, set()):
                raise ValueError(f"{item.name}: {item.program} gives no {sorted(lacking)}")
        versions = {program.name: program.version for program in self.programs}
        for manifest in self.manifests:
            if manifest.program and versions.get(manifest.program) != manifest.version:
                raise ValueError(
                    f"manifest {manifest.name}: {manifest.program} is not {manifest.version}"
                )
        return self

    def made(self) -> tuple[Artifact, ...]:
        """Return everything that is made of compiled programs: files, then images."""
        return (*self.files, *self.images)

    def compiled_by_both(self, item: Artifact) -> bool:
        """Return whether `item` is ours, so that the upstream builder compiles it too."""
        return self.program(item.program).own and not getattr(item, "stand_in", False)

    def compiled_by_both_only(self) -> Catalogue:
        """Return the part that the upstream builder compiles, with the Debian packages."""
        return self.model_copy(
            update={
                "files": tuple(file for file in self.files if self.compiled_by_both(file)),
                "images": tuple(image for image in self.images if self.compiled_by_both(image)),
                "manifests": tuple(item for item in self.manifests if not item.upstream),
                "upstream_images": (),
            }
        )

    def program(self, name: str) -> Program:
        """Return the program called `name`; the catalogue was checked to have it."""
        return next(program for program in self.programs if program.name == name)

    def only(self, names: set[str]) -> Catalogue:
        """Return a smaller catalogue: programs, files, images, manifests called one of `names`.

        A program stands for all that is made of it. `packages` selects the Debian packages; they
        are dropped otherwise. InputError names what does not exist.
        """
        programs = {program.name for program in self.programs}
        pulled = {item.name for item in self.upstream_images}
        known = programs | pulled | {item.name for item in self.made()} | {"packages"}
        known |= {item.name for item in self.manifests}
        if unknown := names - known:
            raise InputError(
                f"--only {', '.join(sorted(unknown))}: the catalogue has "
                f"{', '.join(sorted(known))}."
            )
        files = tuple(f for f in self.files if names & {f.name, f.program})
        images = tuple(i for i in self.images if names & {i.name, i.program})
        manifests = tuple(m for m in self.manifests if names & {m.name, m.program})
        used = {item.program for item in (*files, *images)} | (names & programs)
        used |= {item.program for item in manifests if item.program}
        packages = (
            self.packages
            if "packages" in names
            else Packages(release=self.packages.release, roots=())
        )
        return self.model_copy(
            update={
                "programs": tuple(p for p in self.programs if p.name in used),
                "files": files,
                "images": images,
                "manifests": manifests,
                "upstream_images": tuple(i for i in self.upstream_images if i.name in names),
                "packages": packages,
            }
        )


def _unique(what: str, names: list[str]) -> None:
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the same {what} twice: {', '.join(twice)}")


def load_catalogue(directory: Path) -> Catalogue:
    """Return the catalogue in `directory`; InputError says which file and key is wrong."""
    document: dict[str, object] = {}
    try:
        for name in ("programs.yml", "images.yml", "manifests.yml"):
            document |= yaml.safe_load((directory / name).read_text(encoding="utf-8"))
        document["packages"] = yaml.safe_load(
            (directory / "packages.yml").read_text(encoding="utf-8")
        )
        return Catalogue.model_validate(document)
    except (OSError, yaml.YAMLError, TypeError) as error:
        raise InputError(f"Reading the catalogue in {directory}: {error}") from error
    except ValidationError as error:
        found = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'catalogue'}: {item['msg']}"
            for item in error.errors()
        )
        raise InputError(f"The catalogue in {directory} is wrong: {found}") from error
