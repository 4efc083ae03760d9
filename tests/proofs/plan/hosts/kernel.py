"""Mutations of the kernel's settings: sysctls, modules to load, swap."""

from __future__ import annotations

from collections.abc import Iterator

from tests.proofs.plan.hosts.mutation import Mutation, Resource, moved, quoted

# Other values that a host may take without harm; they belong to its own network name space.
_OTHER = {"net.ipv4.ip_forward": 0, "net.core.somaxconn": 1000}


def sysctl_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to kernel parameters and the file that keeps them."""
    if resource.args["runtime"]:
        for key in sorted(resource.args["values"]):
            path = f"/proc/sys/{key.replace('.', '/')}"
            script = f"echo {_OTHER[key]} > {path}"
            yield moved(resource, f"{key} {_OTHER[key]}", script, ["set"], [f"sysctl {key}"])
        both = "; ".join(f"echo {_OTHER[k]} > /proc/sys/{k.replace('.', '/')}" for k in _OTHER)
        items = [f"sysctl {key}" for key in _OTHER]
        yield moved(resource, "two values", both, ["set"], items)
    yield from _of_file(resource, f"/etc/sysctl.d/90-{resource.args['file']}.conf")


def module_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield what may happen to the list of modules; loading them needs a kernel of one's own."""
    yield from _of_file(resource, f"/etc/modules-load.d/{resource.args['file']}.conf")


def _of_file(resource: Resource, path: str) -> Iterator[Mutation]:
    p, item = quoted(path), [f"file {path}"]
    yield moved(resource, f"{path} with a line more", f"echo '# moved' >> {p}", ["set"], item)
    yield moved(resource, f"{path} with another mode", f"chmod 0640 {p}", ["set"], item)
    yield moved(resource, f"{path} gone", f"rm {p}", ["set"], item)


def swap_mutations(resource: Resource) -> Iterator[Mutation]:
    """Yield a swap line in fstab, which a run keeps as a comment."""
    script = 'echo "/swap-$(date +%s%N) none swap sw 0 0" >> /etc/fstab'
    item = "file /etc/fstab"
    yield moved(
        resource,
        "a line in fstab",
        script,
        ["disable"],
        [item],
        reads_units=True,
        leaves=frozenset({item}),
    )
