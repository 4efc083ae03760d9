# Copyright: (c) 2026, biomax.platform authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a member keeps what; every path hangs on one root, so that tests use their own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# Files of the host role control_plane and the encryption key; kubeadm never touches this directory.
PLATFORM_CONFIG_DIR = "/etc/kubernetes/platform"
KUBERNETES_DIR = "/etc/kubernetes"
ETCD_DATA_DIR = "/var/lib/etcd"
AUDIT_LOG_DIR = "/var/log/kubernetes/audit"
STATE_DIR = "/var/lib/biomax-platform"


@dataclass(frozen=True)
class Layout:
    """Paths on a member host.

    Args:
        root: Directory that stands for ``/``.
    """

    root: Path = Path("/")

    def at(self, path: str) -> Path:
        """Return an absolute path below the root."""
        return self.root / path.lstrip("/")

    @property
    def kubernetes(self) -> Path:
        """Configuration written by kubeadm."""
        return self.at(KUBERNETES_DIR)

    @property
    def pki(self) -> Path:
        """Certificates written by kubeadm."""
        return self.kubernetes / "pki"

    @property
    def platform(self) -> Path:
        """Configuration of API servers that is ours."""
        return self.at(PLATFORM_CONFIG_DIR)

    @property
    def encryption(self) -> Path:
        """EncryptionConfiguration of the API server; holds the key of the secrets in etcd."""
        return self.platform / "encryption.yaml"

    @property
    def kubelet(self) -> Path:
        """State of the kubelet."""
        return self.at("/var/lib/kubelet")

    @property
    def etcd(self) -> Path:
        """Data of the etcd member."""
        return self.at(ETCD_DATA_DIR)

    @property
    def state(self) -> Path:
        """Our own durable state."""
        return self.at(STATE_DIR)

    @property
    def intent(self) -> Path:
        """What was begun and is not finished."""
        return self.state / "ledger" / "membership.json"

    @property
    def record(self) -> Path:
        """What this host became a member of, written when the work was finished."""
        return self.state / "membership" / "member.json"

    @property
    def lock(self) -> Path:
        """Held, by flock, for as long as a membership job lives, kubeadm included."""
        return self.state / "membership" / "lock"

    @property
    def log(self) -> Path:
        """Output of the last membership job."""
        return self.state / "membership" / "kubeadm.log"

    @property
    def escrow(self) -> Path:
        """Sealed copies of keys; only the owner's offline identity opens them."""
        return self.state / "escrow"

    @property
    def runtime(self) -> Path:
        """Files with short-lived credentials; memory only, gone with the job."""
        return self.at("/run/biomax-platform/membership")
