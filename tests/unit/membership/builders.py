"""Observations for tests: a bare host, and hosts in the states that a run can leave."""

from __future__ import annotations

from typing import Any

CONTROL_PLANES = ("cp1", "cp2", "cp3")
WORKERS = ("app1", "db1")
ADDRESSES = {
    "cp1": "192.0.2.21",
    "cp2": "192.0.2.22",
    "cp3": "192.0.2.23",
    "app1": "192.0.2.31",
    "db1": "192.0.2.41",
}
OURS, THEIRS = "aa" * 32, "bb" * 32
Observation = dict[str, Any]


def bare(name: str) -> Observation:
    """A host that never saw a cluster, on a site where nothing answers."""
    return {
        "name": name,
        "address": ADDRESSES[name],
        "role": "control_plane" if name in CONTROL_PLANES else "worker",
        "running": False,
        "intent": None,
        "record": None,
        "leftovers": [],
        "ca": "",
        "kubelet_active": False,
        "version": "",
        "escrow": [],
        "node": {"state": "unknown", "detail": "kubelet.conf does not exist"},
        "peers": dict.fromkeys(CONTROL_PLANES, "silent"),
        "endpoint": "silent",
        "endpoint_trusted": None,
        "api_ready": False,
        "etcd": None,
        "nodes": None,
        "join_secrets": [],
    }


def intent(action: str, name: str, ca: str = OURS, failed: str = "") -> dict[str, Any]:
    """An open intent."""
    return {
        "action": action,
        "role": "control_plane" if name in CONTROL_PLANES else "worker",
        "node": name,
        "cluster": "api.example.org:8443",
        "ca": "" if action == "init" else ca,
        "version": "1.36.3",
        "started": "2026-01-01T00:00:00Z",
        "attempt": 1,
        "failed": failed,
    }


def etcd_member(name: str, **changes: Any) -> dict[str, Any]:
    """A healthy voter."""
    return {
        "id": str(100 + int(name[-1])),
        "name": name,
        "peer_address": ADDRESSES[name],
        "client_address": ADDRESSES[name],
        "learner": False,
        "healthy": True,
    } | changes


def node(name: str, state: str = "ready") -> dict[str, Any]:
    """A registered node."""
    return {
        "name": name,
        "state": state,
        "detail": "" if state == "ready" else "the kubelet stopped posting",
        "addresses": [ADDRESSES[name]],
        "control_plane": name in CONTROL_PLANES,
        "version": "1.36.3",
    }


def member(name: str, live: tuple[str, ...] = CONTROL_PLANES, ca: str = OURS) -> Observation:
    """A finished member of a cluster whose control planes are `live`."""
    found = bare(name) | {
        "record": {"action": "join", "ca": ca},
        "leftovers": ["/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt"],
        "ca": ca,
        "kubelet_active": True,
        "node": node(name),
        "peers": {peer: "ready" if peer in live else "silent" for peer in CONTROL_PLANES},
        "endpoint": "ready",
        "endpoint_trusted": True,
    }
    if name in CONTROL_PLANES:
        found |= {
            "version": "1.36.3",
            "api_ready": True,
            "etcd": [etcd_member(peer) for peer in live],
            "nodes": [node(peer) for peer in live],
            "escrow": ["etcd-encryption-0.age"],
        }
    return found


def beside(found: Observation, live: tuple[str, ...]) -> Observation:
    """The same host on a site where `live` control planes answer."""
    peers = {peer: "ready" if peer in live else "silent" for peer in CONTROL_PLANES}
    return found | {"peers": peers, "endpoint": "ready" if live else "silent"}


def half_joined(name: str, live: tuple[str, ...], *, complete: bool = False) -> Observation:
    """A host whose join was cut, after or before the cluster had all of it."""
    found = member(name, live) if complete else beside(bare(name), live)
    return found | {
        "record": None,
        "intent": intent("join", name),
        "leftovers": ["/etc/kubernetes/bootstrap-kubelet.conf"],
        "ca": OURS if complete else "",
    }


def half_initialized(name: str, *, api: bool = False) -> Observation:
    """A control plane whose init was cut, with or without a running API server."""
    found = member(name, (name,)) if api else bare(name)
    return found | {
        "record": None,
        "intent": intent("init", name),
        "leftovers": ["/etc/kubernetes/admin.conf", "/var/lib/etcd/member"],
        "ca": OURS,
    }


def foreign(name: str, live: tuple[str, ...] = ()) -> Observation:
    """A host with state of another cluster."""
    return beside(bare(name), live) | {
        "leftovers": ["/etc/kubernetes/kubelet.conf", "/etc/kubernetes/pki/ca.crt"],
        "ca": THEIRS,
        "endpoint_trusted": False if live else None,
    }
