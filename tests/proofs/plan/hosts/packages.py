"""Mutations of packages: removed, interrupted, installed although declared absent."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proofs.plan.hosts.mutation import RELOADS, Mutation, Resource, moved

# Packages that a running host can be without for a moment, and the unit that goes with each.
REMOVABLE = {
    "chrony": "chrony.service",
    "haproxy": "haproxy.service",
    "keepalived": "keepalived.service",
    "runc": "",
    "conntrack": "",
    "age": "",
}
_POLICY = "/usr/sbin/policy-rc.d"
_MARK = "# biomax.platform: packages start nothing while it installs them"
_APT = "apt-get -qq -o APT::Sandbox::User=root"


def package_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to an entry of declared packages."""
    names = [name for name in resource.args["packages"] if name in REMOVABLE]
    if resource.args["state"] == "absent":
        for name in names:
            yield _package(
                resource, name, "installed", f"{_APT} update; {_APT} install {name}", "remove"
            )
        return
    for name in names:
        yield _removed(resource, name)
        if not REMOVABLE[name]:
            yield _interrupted(resource, name)
    yield _policy_left(resource)


def _package(resource: Resource, name: str, what: str, script: str, action: str) -> Mutation:
    made = moved(resource, f"{name} {what}", script, [], [f"package {name}"], early=True)
    return made.with_steps(f"{action} packages {name}")


def _removed(resource: Resource, name: str) -> Mutation:
    unit = REMOVABLE[name]
    made = _package(resource, name, "removed", f"dpkg --remove --force-depends {name}", "install")
    if not unit:
        return made
    steps = (f"{verb} unit {unit}" for verb in ("enable", "start"))
    return made.with_steps(*made.steps, *steps).and_moves(
        {f"unit {unit}", f"unit {unit} at boot"}, claims={f"unit {unit}", RELOADS}
    )


def _interrupted(resource: Resource, name: str) -> Mutation:
    """Unpack it again and leave it unconfigured, as a cut apt does."""
    fetched = (
        f"cd /run && {_APT} download {name} && dpkg --unpack ./{name}_*.deb; rm ./{name}_*.deb"
    )
    made = _package(
        resource, name, "unpacked and not configured", f"{_APT} update; ({fetched})", ""
    )
    return made.with_steps("finish packages dpkg").and_moves((), claims={"dpkg"})


def _policy_left(resource: Resource) -> Mutation:
    text = f"#!/bin/sh\\n{_MARK}\\nexit 0\\n"
    script = f"printf '{text}' > {_POLICY}; chmod 0755 {_POLICY}"
    made = moved(resource, "a policy left by a cut run", script, [], [f"file {_POLICY}"])
    return made.with_steps(f"clean packages {_POLICY}").and_moves((), claims={"dpkg"})
