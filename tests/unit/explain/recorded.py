"""What programs and modules said in real failures; PORT stands for the port of that run."""

from __future__ import annotations

ETCD_LOG = "/var/log/pods/kube-system_etcd-*/etcd/*.log"
APT = "`apt-get -q -y --no-install-recommends --no-remove install"
PACKAGE = (
    f"install packages no-such-package (role probe): {APT} no-such-package` ended with 100: "
    "E: Unable to locate package no-such-package"
)
PACKAGE_OF_FULL_DISK = (
    f"install packages probe-one (role probe): {APT} probe-one` ended with 100: "
    "E: Sub-process /usr/bin/dpkg returned an error code (1)"
)
PORT_HAPROXY = (
    "start unit haproxy.service (role api_endpoint): `systemctl start haproxy.service` ended with "
    "1: Job for haproxy.service failed because the control process exited with error code. | See "
    '"systemctl status haproxy.service" and "journalctl -xeu haproxy.service" for details.. Its '
    "journal: [ALERT]    (412) : Starting frontend api: cannot bind socket (Address already in "
    "use) [0.0.0.0:PORT] | [ALERT]    (412) : [/usr/sbin/haproxy.main()] Some protocols failed to "
    "start their listeners! Exiting. | haproxy.service: Main process exited, code=exited, status="
    "1/FAILURE | haproxy.service: Failed with result 'exit-code'."
)
PORT_NGINX = (
    "start unit nginx.service (role mirror): `systemctl start nginx.service` ended with 1: Job for "
    "nginx.service failed. Its journal: nginx: [emerg] bind() to 0.0.0.0:PORT failed (98: Address "
    "already in use) | nginx: configuration file /etc/nginx/nginx.conf test is successful"
)
PORT_GO = (
    "biomax-registry.service was not ready within 60 s: `true` ended with 1: no output. Journal: "
    'time="2026-11-24T10:00:00Z" level=fatal msg="listen tcp 127.0.0.1:PORT: bind: address already '
    'in use"'
)
IMAGE_PULL = (
    "Component cluster_dns is not ready after 180 s: Deployment kube-system/coredns: 0 of 2 "
    "replicas are available [pod kube-system/coredns-5d on w1: container coredns waits "
    '(ImagePullBackOff: Back-off pulling image "registry.k8s.io/coredns/coredns:v1.14.2": '
    "ErrImagePull: failed to pull and unpack image: failed to resolve reference: failed to do "
    'request: Head "https://mirror1.example.org/v2/coredns/manifests/v1.14.2": dial tcp '
    "192.0.2.10:443: connect: connection refused)]. Cure the cause and run again; what was applied "
    "stays."
)
GATE = (
    "The cluster was not healthy within 180 s, so the next step was not taken: etcd member cp2 is "
    "not healthy. Bring that in order and run again."
)
VALUE_HOST = (
    "Role base_os: argument 'base_os_packages' is of type dict and we were unable to convert to "
    "list: <class 'ansible.module_utils._internal._datatag._AnsibleTaggedDict'> cannot be "
    "converted to a list. Correct the inventory; what is allowed stands in "
    "base_os/meta/argument_specs.yml."
)
VALUE_COMPONENT = (
    "Role load_balancer: dictionary requested, could not parse JSON or key=value; Elements value "
    "for option 'load_balancer_address_pools' is of type str and we were unable to convert to "
    "dict: dictionary requested, could not parse JSON or key=value."
)
UNDEFINED = (
    "role base_os, entry 1 of base_os/resources/main.yml: template hosts.j2: 'kube_pod_subnett' "
    "is undefined"
)
INVALID = {
    "message": 'IPAddressPool.metallb.io "lab" is invalid: spec.addresses: Invalid value: '
    '"banana": must be a range or a network',
    "code": 422,
}
FORBIDDEN = {
    "message": 'configmaps "x" is forbidden: User "nobody" cannot patch resource "configmaps" in '
    'API group "" in the namespace "kube-system"',
    "code": 403,
}
API_SILENT = (
    "Cannot reach the Kubernetes API at https://api.example.org:8443: HTTPSConnectionPool(host="
    "'api.example.org', port=8443): Max retries exceeded with url: /version (Caused by "
    "NewConnectionError('<urllib3.connection.HTTPSConnection object>: Failed to establish a new "
    "connection: [Errno 111] Connection refused'))"
)
API_SLOW = (
    "The Kubernetes API at https://api.example.org:8443 took GET /api/v1/nodes and did not answer "
    "within 30 s"
)
CERTIFICATE = (
    "No mirror answered and this host has no copy of the bundle's index: "
    "https://mirror1.example.org/bundle/index.json: [SSL: CERTIFICATE_VERIFY_FAILED] certificate "
    "verify failed: unable to get local issuer certificate (_ssl.c:992). Converge the mirror host "
    "first, or correct `mirrors`."
)
