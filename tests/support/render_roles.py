"""Render everything that roles declare for every host of an inventory, with the engine's own code.

A program of its own (`python -m tests.support.render_roles INVENTORY [KEYS BUNDLE]`), because
Ansible's collection loader and pytest's imports do not share one process well. Prints JSON:

    hosts    host -> role -> entries, each with the `template` it was made from
    interfaces  host -> name of its interface
    kubeadm  host -> `join`, and on a control plane `init` -> the file that kubeadm gets
    objects  template -> objects; only with KEYS and BUNDLE, since manifests come from a bundle

Without KEYS what an inventory reads from key files is replaced by texts.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ansible.plugins.loader import init_plugin_loader

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "playbooks" / "vars" / "host_layer.yml"
PEM = "-----BEGIN TEST-----\nAAAA\n-----END TEST-----"
# What an inventory reads from files that a clean checkout does not have.
SECRETS = {
    "mirror_ca_certificate": PEM,
    "mirror_tls_certificate": PEM,
    "mirror_tls_key": PEM,
    "bundle_apt_key": PEM,
    "bundle_public_key": "ssh-ed25519 AAAA test",
    "escrow_recipient": "age1test",
    "site_secret": "A" * 43 + "=",
    "site_secret_sealed": PEM,
}
KEY_FILES = {
    "mirror_ca_certificate": "mirror-ca.pem",
    "mirror_tls_certificate": "mirror.pem",
    "mirror_tls_key": "mirror.key",
    "bundle_apt_key": "apt.asc",
    "bundle_public_key": "bundle_signing.pub",
    "escrow_recipient": "escrow-recipient.txt",
    "site_secret": "site-secret.txt",
    "site_secret_sealed": "site-secret.age",
}
# What a provider gives.
GIVEN = {"backup_gateway_store_access_key": "key", "backup_gateway_store_secret_key": "secret"}
TOKEN = "abcdef.0123456789abcdef"  # noqa: S105 - of kubeadm's form, used nowhere
CERTIFICATE_KEY = "0" * 64
DISCOVERY_FILE = "/kubeadm/discovery.conf"  # kubeadm asks that it exists


def main(inventory: str, keys: str = "", bundle: str = "") -> None:
    """Print what the roles declare for all hosts of `inventory`."""
    init_plugin_loader([str(ROOT / "collections")])
    from ansible.inventory.manager import InventoryManager  # noqa: PLC0415 - after the loader
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415 - after the loader
    from ansible.vars.hostvars import HostVars  # noqa: PLC0415 - after the loader
    from ansible.vars.manager import VariableManager  # noqa: PLC0415 - after the loader

    loader = DataLoader()
    hosts = InventoryManager(loader=loader, sources=[inventory])
    manager = VariableManager(loader=loader, inventory=hosts)
    peers = {"hostvars": HostVars(inventory=hosts, variable_manager=manager, loader=loader)}
    layer = loader.load_from_file(str(LAYER), trusted_as_template=True)
    given = {**peers, "ansible_inventory_sources": [inventory], **_key_texts(keys)}
    scopes = {
        host.name: {**layer, **manager.get_vars(host=host), **given} for host in hosts.get_hosts()
    }
    result = {
        "hosts": {name: _host(loader, scope) for name, scope in scopes.items()},
        "interfaces": {
            name: _value(loader, scope, "node_interface") for name, scope in scopes.items()
        },
        "kubeadm": {
            name: _kubeadm(loader, scope)
            for name, scope in scopes.items()
            if "mirror" not in scope["group_names"]
        },
    }
    if bundle:
        controller = {**manager.get_vars(host=hosts.get_host("localhost")), **given}
        result["objects"] = _objects(loader, controller, bundle)
    sys.stdout.write(json.dumps(result, default=str))


def _value(loader: Any, variables: dict[str, Any], name: str) -> Any:
    """Resolve one variable, as plain data."""
    from ansible.template import Templar  # noqa: PLC0415 - after the loader

    value = Templar(loader=loader, variables=variables).resolve_variable_expression(name)
    return json.loads(json.dumps(value, default=str))


def _key_texts(keys: str) -> dict[str, str]:
    if not keys:
        return {**SECRETS, **GIVEN}
    return GIVEN | {name: Path(keys, file).read_text().strip() for name, file in KEY_FILES.items()}


def _with_defaults(loader: Any, role: Path, variables: dict[str, Any]) -> dict[str, Any]:
    path = str(role / "defaults" / "main.yml")
    return {**(loader.load_from_file(path, trusted_as_template=True) or {}), **variables}


def _host(loader: Any, variables: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return what each role of the host declares; the site's playbook says which roles it has."""
    from ansible.template import Templar  # noqa: PLC0415 - after the loader

    kind = "mirror" if "mirror" in variables["group_names"] else "member"
    chosen = Templar(loader=loader, variables=variables).template(
        variables[f"host_layer_{kind}_roles"]
    )
    roles = [ROOT / "roles" / name for name in chosen]
    for role in roles:
        variables = _with_defaults(loader, role, variables)
    return {role.name: _rendered(role, loader, variables) for role in roles}


def _rendered(role: Path, loader: Any, variables: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the entries of a role, arguments checked, as the engine would send them."""
    from ansible.template import Templar  # noqa: PLC0415 - after the loader
    from ansible_collections.biomax.platform.plugins.plugin_utils.role_files import (  # noqa: PLC0415 - after the loader
        RoleFiles,
    )
    from ansible_collections.biomax.platform.plugins.plugin_utils.role_render import (  # noqa: PLC0415 - after the loader
        RoleRenderer,
    )
    from ansible_collections.biomax.platform.plugins.plugin_utils.role_specs import (  # noqa: PLC0415 - after the loader
        check_arguments,
    )

    class Recording(RoleRenderer):
        """The engine's renderer, which also notes the template of each entry."""

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.templates: list[str] = []

        def _checked(self, entry: Any, origin: Any) -> Any:
            template = entry.get("template")
            self.templates.append(f"{role.name}/templates/{template}" if template else "")
            return super()._checked(entry, origin)

    templar = Templar(loader=loader, variables=variables)
    files = RoleFiles(role.name, role)
    check_arguments(files, templar, loader, variables)
    renderer = Recording(files, templar, loader, variables)
    declared = renderer.declarations()
    return [
        {**item.as_dict(), "template": template}
        for item, template in zip(declared, renderer.templates, strict=True)
    ]


def _kubeadm(loader: Any, variables: dict[str, Any]) -> dict[str, str]:
    """Return the files that kubeadm gets on a host: to join, and on a control plane to start."""
    from ansible_collections.biomax.platform.plugins.module_utils.membership import (  # noqa: PLC0415 - after the loader
        kubeadm,
        orders,
        settings,
    )

    scope = _with_defaults(loader, ROOT / "roles" / "cluster_membership", variables)
    cluster = settings.Settings.from_arguments(_value(loader, scope, "cluster_membership_settings"))
    site = orders.Site(
        control_planes=[entry["name"] for entry in cluster.control_planes],
        members=_value(loader, scope, "cluster_membership_members"),
        absent_control_planes=[],
        version=cluster.version,
        pools=_value(loader, scope, "cluster_membership_pools"),
    )
    node = settings.node_from_arguments(site.node(variables["inventory_hostname"]))
    secrets = kubeadm.JoinSecrets(DISCOVERY_FILE, CERTIFICATE_KEY)
    texts = {"join": kubeadm.to_text(kubeadm.join_documents(cluster, node, secrets))}
    if node.is_control_plane:
        texts["init"] = kubeadm.to_text(kubeadm.init_documents(cluster, node, TOKEN))
    return texts


def _objects(loader: Any, variables: dict[str, Any], bundle: str) -> dict[str, list[Any] | None]:
    """Return the objects of every template of every role, as cluster_state would apply them.

    None for a template that takes a manifest which this bundle does not have.
    """
    from ansible.template import Templar  # noqa: PLC0415 - after the loader
    from ansible_collections.biomax.platform.plugins.module_utils.cluster.manifest import (  # noqa: PLC0415 - after the loader
        SUFFIX,
        parse_selection,
    )
    from ansible_collections.biomax.platform.plugins.plugin_utils.component_objects import (  # noqa: PLC0415 - after the loader
        BundleManifests,
        objects_of,
        render_object_template,
    )

    manifests = BundleManifests(bundle, _value(loader, variables, "bundle_public_key"))
    result: dict[str, list[Any] | None] = {}
    for template in sorted((ROOT / "roles").glob("*/objects/*.j2")):
        role = template.parents[1]
        templar = Templar(loader=loader, variables=_with_defaults(loader, role, variables))
        templar = templar.copy_with_new_env(searchpath=[str(role / "objects")])
        name = f"{role.name}/objects/{template.name}"
        text = render_object_template(templar, template)
        if name.endswith(SUFFIX):
            selection = parse_selection(text, name)
            if selection and not manifests.holds(selection):
                result[name] = None
                continue
        result[name] = list(objects_of(text, name, manifests))
    return result


if __name__ == "__main__":
    main(*sys.argv[1:])
