# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Kubernetes API does not answer, or refuses a request."""

from __future__ import annotations

import re
import shlex

from ansible_collections.biomax.platform.plugins.module_utils.explain.failure import (
    CONTROLLER,
    Cause,
    Failure,
    Site,
    line_with,
)

_SILENT = re.compile(
    r"Cannot reach the Kubernetes API at \S+|the endpoint \S+ is not ready"
    r"|The Kubernetes API at \S+ took .* and did not answer"
)
_REFUSED = re.compile(
    r"Cannot (?:plan|apply|patch|read|delete) (?P<kind>[\w.]+) (?:(?P<space>[\w.-]+)/)?"
    r"(?P<name>[\w.:-]+): (?P<why>[^\n]*)"
)
_RIGHTS = re.compile(r"forbidden: User|Unauthorized|cannot \w+ resource")


def look(failure: Failure, site: Site) -> Cause | None:
    """Return the cause when the API is what failed."""
    if _SILENT.search(failure.text):
        return _silent(failure, site)
    refused = _REFUSED.search(failure.text)
    if not refused:
        return None
    kube = f"kubectl --kubeconfig {shlex.quote(site.kubeconfig)}"
    rights = bool(_RIGHTS.search(refused["why"]))
    space = f" -n {refused['space']}" if refused["space"] else ""
    shown = f"{kube} get {refused['kind']}{space} {refused['name']} -o yaml"
    return Cause(
        f"the API refused {refused['kind']} {refused['name']}: {refused['why']}",
        CONTROLLER,
        f"{kube} auth whoami" if rights else shown,
        "Renew the controller's access by playbooks/form_cluster.yml; if it is refused again, see"
        " which role its user is bound to."
        if rights
        else "Correct the values behind that field in the inventory; what admits objects (policies,"
        " webhooks, quotas) is named in the message when it was not the API itself.",
    )


def _silent(failure: Failure, site: Site) -> Cause:
    said = line_with(failure.text, _SILENT)
    host = site.control_planes[0] if site.control_planes else failure.host
    return Cause(
        f"the API does not answer: {said}",
        host,
        "crictl ps -a --name kube-apiserver",
        "Look at haproxy and the API servers of the control planes (`journalctl -u kubelet -n 50`),"
        " bring one back, then run again.",
    )
