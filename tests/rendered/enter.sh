#!/bin/sh
# enter.sh MOUNTPOINT LAYERS INTERFACE SCRIPT: run SCRIPT in a root made of LAYERS (upper first, joined by colons).
# Started by unshare in namespaces of its own: mounts, links and processes end with it.
set -eu
where=$1 layers=$2 interface=$3 script=$4
mount -t tmpfs tmpfs "$where"
mkdir "$where/upper" "$where/work" "$where/root"
mount -t overlay overlay -o "lowerdir=$layers,upperdir=$where/upper,workdir=$where/work" "$where/root"
mount -t proc proc "$where/root/proc"
mount --rbind /dev "$where/root/dev"
mount -t tmpfs tmpfs "$where/root/run"
ip link set lo up
# A bridge without ports: every kernel here has it, and programs ask for no more than the name.
ip link add "$interface" type bridge
ip link set "$interface" up
exec chroot "$where/root" /bin/sh -eu -c "$script"
