# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the state of a cluster on one page."""

from __future__ import annotations

import base64
import datetime
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.biomax.platform.plugins.module_utils.cluster.client import open_client
from ansible_collections.biomax.platform.plugins.module_utils.cluster.status import (
    days_left,
    page,
    read_status,
)
from ansible_collections.biomax.platform.plugins.module_utils.common.errors import PlatformError
from cryptography import x509

_SPEC = {"kubeconfig": {"type": "path", "required": True}}


class ActionModule(ActionBase):  # type: ignore[misc] # ansible-core ships no type information
    """Everything runs in this process on the controller: no connection, no module is copied."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read and print; nothing is judged and nothing changed."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _, arguments = self.validate_argument_spec(_SPEC)
        kubeconfig = str(arguments["kubeconfig"])
        try:
            status = read_status(open_client(kubeconfig, retry_seconds=0.0))
            certificates = certificate_days(Path(kubeconfig))
        except PlatformError as error:
            raise AnsibleActionFail(str(error)) from error
        for line in page(status, certificates):
            Display().display(line)
        return {**result, "changed": False, **status, "certificate_days": certificates}


def certificate_days(kubeconfig: Path) -> dict[str, float]:
    """Days left of the kubeconfig's own certificate and of the endpoint's.

    Args:
        kubeconfig: File with embedded certificates.

    Returns:
        Days by what the certificate is for.
    """
    content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    server = urlsplit(content["clusters"][0]["cluster"]["server"])
    served = ssl.get_server_certificate((server.hostname or "", server.port or 443), timeout=3)
    client = base64.b64decode(content["users"][0]["user"]["client-certificate-data"])
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        name: days_left(x509.load_pem_x509_certificate(data).not_valid_after_utc, now)
        for name, data in (("this kubeconfig", client), ("the API", served.encode()))
    }
