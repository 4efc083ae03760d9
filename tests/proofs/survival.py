"""What must be true of the lab after a run that was cut and one more run."""

from __future__ import annotations

from tests.support.site import Run, on_host, run_playbook

MEMBERS = ("cp1", "cp2", "cp3", "app1", "db1", "ml1")
HOSTS = ("mirror1", *MEMBERS)

# The inputs that a unit's process reads at its start and at a reload; younger than both means that
# a restart or reload was lost.
STARTED_AFTER = {
    "containerd.service": ("/etc/containerd/config.toml", "/usr/local/bin/containerd"),
    "haproxy.service": ("/etc/haproxy/haproxy.cfg",),
    "keepalived.service": ("/etc/keepalived/keepalived.conf",),
    "chrony.service": ("/etc/chrony/chrony.conf",),
    "nginx.service": ("/etc/nginx/nginx.conf",),
    "kubelet.service": ("/var/lib/kubelet/config.yaml", "/etc/default/kubelet"),
}

_LOST_RESTARTS = """
for pair in {pairs}; do
  unit=${{pair%%=*}}; file=${{pair#*=}}
  [ -e "$file" ] || continue
  systemctl is-active --quiet "$unit" || continue
  started=$(date -d "$(systemctl show --property=ExecMainStartTimestamp --value "$unit")" +%s)
  # A reload reads the file again, too; not so the program itself.
  reload=$(systemctl show --property=ExecReload --value "$unit" | tail -n 1)
  reload=${{reload#*start_time=[}}; reload=${{reload%%]*}}
  case "$file,$reload" in
    /usr/*|*,|*,n/a) ;;
    *) reloaded=$(date -d "$reload" +%s); [ "$reloaded" -le "$started" ] || started=$reloaded ;;
  esac
  changed=$(stat -c %Z "$file")
  [ "$changed" -le "$started" ] || echo "$unit started before $file changed"
done
ls /var/lib/biomax-platform/ledger 2>/dev/null | sed 's/^/intent left: /'
"""


def lost_restarts_script() -> str:
    """Return a shell script: a line for each process older than its inputs and each open intent."""
    pairs = " ".join(f"{unit}={file}" for unit, files in STARTED_AFTER.items() for file in files)
    return _LOST_RESTARTS.format(pairs=pairs)


def lost_restarts(host: str) -> list[str]:
    """Return a line for each process older than its inputs and each intent still open."""
    return on_host(host, lost_restarts_script()).splitlines()


def cluster_shape() -> dict[str, list[str]]:
    """Return the names of nodes and etcd members as the cluster itself lists them."""
    nodes = on_host("cp1", "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes -o name")
    members = on_host(
        "cp1",
        "etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt"
        " --cert /etc/kubernetes/pki/etcd/server.crt --key /etc/kubernetes/pki/etcd/server.key"
        " member list | cut -d, -f3 | tr -d ' '",
    )
    return {
        "nodes": sorted(line.removeprefix("node/") for line in nodes.split()),
        "etcd members": sorted(members.split()),
    }


def assert_survived(second: Run, *arguments: str) -> Run:
    """Check that the run after the cut finished the work and that a third has nothing to do.

    Returns the third run, of site.yml with `arguments`. Raises AssertionError with what was found.
    """
    assert second.returncode == 0, second.output[-6000:]
    assert cluster_shape() == {
        "nodes": sorted(MEMBERS),
        "etcd members": ["cp1", "cp2", "cp3"],
    }
    third = run_playbook("site.yml", *arguments)
    assert third.returncode == 0, third.output[-6000:]
    assert third.counter("changed") == {}, third.changed_tasks()
    lost = {host: found for host in HOSTS if (found := lost_restarts(host))}
    assert lost == {}
    return third
