"""What a formed cluster is, on its hosts and in its API, and how two formings differ."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client

from tests.proofs import api_objects
from tests.proofs.light import survey
from tests.proofs.survival import HOSTS
from tests.support.site import STATE, on_host

Formed = dict[str, Any]

# Left out on the hosts beside what is left out on light ones, and why.
EXCEPT: Mapping[str, str] = {
    "/srv/biomax-platform": "data: what the mirror serves, volumes",
    "/var/lib/etcd": "etcd's own database; its members are compared by themselves",
    "/var/lib/kubelet/pods": "volumes of pods with generated names",
    "/var/lib/kubelet/pki": "certificates that the kubelet asks for, named by the time",
    "/var/lib/kubelet/cpu_manager_state": "the kubelet's own; as the next ones",
    "/var/lib/kubelet/memory_manager_state": "as above",
    "/var/lib/kubelet/dra_manager_state": "as above",
    "/var/lib/kubelet/allocated_pods_state": "as above",
    "/var/lib/kubelet/actuated_pods_state": "as above",
    "/var/lib/kubelet/device-plugins": "as above",
    "/var/lib/kubelet/checkpoints": "as above",
    "/var/lib/kubelet/image_manager": "when each image was pulled",
    "/var/lib/cni": "addresses given to pods",
    "/etc/cni/net.d": "has the node's own part of the pod network, given in the order of joining",
}
# Keys and certificates are made anew by each forming: type, mode and owner are compared.
MADE_ANEW = re.compile(r"^/etc/kubernetes/(pki/.+|platform/encryption\.yaml|[a-z-]+\.conf)$")
ETCD = "/etc/kubernetes/manifests/etcd.yaml"  # names the members in the order of its own joining
# Mounts and scopes of containers.
PASSING = re.compile(r"^(var-lib-kubelet-.*|run-containerd.*|cri-containerd-.*|kubepods.*)$")
# Objects whose names are generated, or which tell what happened.
GENERATED = (
    *("pods", "replicasets", "controllerrevisions", "endpoints", "endpointslices"),
    *("certificatesigningrequests", "ipaddresses", "podtemplates"),
)
CONFIGURATION = ("kubeadm-config", "kubelet-config", "kube-proxy", "coredns")


def look() -> Formed:
    """Survey the hosts of the formed lab, and its API."""
    return {"hosts": {host: _host(host) for host in HOSTS}, "objects": _objects()}


def _host(host: str) -> dict[str, Any]:
    wanted = {
        "except": sorted({**survey.EXCEPT, **EXCEPT}),
        "times": False,
        "timeless": [],
        "inputs": {},
        "parameters": survey.PARAMETERS,
        "read": [ETCD],
    }
    program = survey.PROGRAM.read_text(encoding="utf-8")
    script = f"python3 - '{json.dumps(wanted)}' <<'EOF'\n{program}\nEOF"
    found: dict[str, Any] = json.loads(on_host(host, script, timeout=300))
    for path, row in found["files"].items():
        if MADE_ANEW.match(path):
            found["files"][path] = row[:3]
    found["units"] = {unit: row for unit, row in found["units"].items() if not PASSING.match(unit)}
    if ETCD in found["read"]:
        found["files"][ETCD] = _sorted_members(found["read"][ETCD])
    return found


def _sorted_members(manifest: str) -> list[str]:
    def one(line: str) -> str:
        head, mark, members = line.partition("--initial-cluster=")
        return f"{head}{mark}{','.join(sorted(members.split(',')))}" if mark else line

    return [one(line) for line in manifest.splitlines()]


def _objects() -> dict[str, Any]:
    """Return what matters of each object by its place in the API."""
    found = api_objects.take(open_client(str(STATE / "kubeconfig"), retry_seconds=20.0))
    return {
        place: _matters(place, item)
        for place, item in found.items()
        if not set(place.split("/")) & set(GENERATED) and "bootstrap-token" not in place
    }


def _matters(place: str, item: Mapping[str, Any]) -> Any:
    """Return kubeadm's configuration, what a pool gives to a node, of others that they exist."""
    metadata = item["metadata"]
    if metadata["name"] in CONFIGURATION and "/configmaps/" in f"/{place}/":
        return item.get("data")
    if place.startswith("api/v1/nodes/"):
        taints = sorted(json.dumps(taint) for taint in item["spec"].get("taints", []))
        return {"labels": metadata.get("labels"), "taints": taints}
    return "there"


def differences(expected: Formed, found: Formed) -> list[str]:
    """Return a line for each thing of `found` that is not as in `expected`."""
    lines = [
        f"{host}: {line}"
        for host in HOSTS
        for line in survey.differences(expected["hosts"][host], found["hosts"][host])
    ]
    old, new = expected["objects"], found["objects"]
    for place in sorted({**old, **new}):
        if place not in new or place not in old:
            lines.append(f"object {place}: {'made' if place in new else 'missing'}")
        elif old[place] != new[place]:
            lines.append(f"object {place}: {new[place]}, and {old[place]} was expected")
    return lines
