# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component does not become ready, or the cluster is not as promised: who shows why."""

from __future__ import annotations

import re
import shlex

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
)

# The words of cluster/waiting.py and cluster/explain.py.
_COMPONENT = re.compile(
    r"Component (?P<component>\S+) is not ready after \S+ s: (?P<objects>.*)", re.DOTALL
)
_OBJECT = re.compile(
    r"(?P<kind>\w+) (?:(?P<space>[^\s/]+)/)?(?P<name>\S+): (?P<why>.*?)(?=; | \[|\. Cure |$)",
    re.DOTALL,
)
_POD = re.compile(
    r"pod (?P<space>[^\s/]+)/(?P<name>\S+) on (?P<node>no node|[\w.-]+): (?P<why>.*?)"
    r"(?=; pod \S+ on |; [\w.-]+: [A-Z]\w+: |\]; |\]\. Cure |$)",
    re.DOTALL,
)
_CRASHED = re.compile(r"container (?P<name>\S+) (?P<state>waits \(CrashLoopBackOff|ended \()")
# The words of cluster/verdict.py.
_VERDICT = re.compile(
    r"The cluster is not as promised after .*?MISSING\s+(?P<check>.+?) \(\d+\): (?P<first>.+?)"
    r"(?=; |$)",
    re.DOTALL,
)
_AGAIN = "What was applied stays; the same command goes on from there."


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the cause when something was waited for and did not come."""
    kubectl = f"kubectl --kubeconfig {shlex.quote(site.kubeconfig)}"
    component = _COMPONENT.search(failure.text)
    if component:
        return _component(component, kubectl)
    verdict = _VERDICT.search(failure.text)
    # Why the API does not answer is not for this family.
    if not verdict or verdict["check"].startswith("the API answers"):
        return None
    return _verdict(verdict, kubectl)


def _component(found: re.Match[str], kubectl: str) -> Cause | None:
    begin = f"component {found['component']} is not ready: "
    pod = _POD.search(found["objects"])
    if pod:
        return _pod(begin, pod, kubectl)
    item = _OBJECT.search(found["objects"])
    if not item:
        return None
    space = f"-n {item['space']} " if item["space"] else ""
    return Cause(
        f"{begin}{item[0]}",
        CONTROLLER,
        f"{kubectl} describe {item['kind']} {space}{item['name']}",
        f"Cure what its conditions and events say. {_AGAIN}",
    )


def _pod(begin: str, pod: re.Match[str], kubectl: str) -> Cause:
    name = f"-n {pod['space']} {pod['name']}"
    crashed = _CRASHED.search(pod["why"])
    if crashed:
        # Between two tries the log of the last one is the previous container's.
        previous = " --previous" if crashed["state"].startswith("waits") else ""
        command = f"logs {name} -c {crashed['name']}{previous}"
        remedy = "Cure what its log says."
    elif "not scheduled (" in pod["why"]:
        command = f"describe pod {name}"
        remedy = "Give the pool that it asks for room or another node, or lower its requests."
    else:
        command, remedy = f"describe pod {name}", "Cure what its events say."
    return Cause(
        f"{begin}pod {pod['space']}/{pod['name']}: {pod['why']}",
        CONTROLLER if pod["node"] == "no node" else pod["node"],
        f"{kubectl} {command}",
        f"{remedy} {_AGAIN}",
        typed_at=CONTROLLER,
    )


def _verdict(found: re.Match[str], kubectl: str) -> Cause:
    first = found["first"]
    fact = f"{found['check']}: {first}"
    name = re.split(r"[ :]", first, maxsplit=1)[0]
    if " is not Ready (" in first:
        return Cause(
            fact,
            name,
            "journalctl -u kubelet -n 50 --no-pager",
            "Bring its kubelet back. A host that is dead is named in the group `absent`. Then run"
            " the same command again.",
        )
    if " is in the cluster and not " in first or " is not in the cluster" in first:
        return Cause(
            fact,
            CONTROLLER,
            f"{kubectl} get nodes -o wide",
            "Make inventory and cluster the same: playbooks/form_cluster.yml joins a declared node;"
            " one that is declared no more is removed by hand, as docs/guide/membership.md tells.",
        )
    if found["check"].startswith("kubelet serving certificates"):
        return Cause(
            fact,
            CONTROLLER,
            f"{kubectl} get csr",
            "The log of kubelet-csr-approver says why it did not approve (a name or an address that"
            " is not the node's). Cure that, then run the same command again.",
        )
    return Cause(
        fact,
        name,
        f"{kubectl} get pods -A -o wide --field-selector spec.nodeName={name}",
        "Bring the pods of that node in order (pod network, DNS, probe), or its packet filter, then"
        " run the same command again.",
        typed_at=CONTROLLER,
    )
