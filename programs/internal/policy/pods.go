// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// member is a pod that has an address of its own in the pod network.
type member struct {
	pod       *corev1.Pod
	labels    labels.Set
	address   netip.Addr
	namespace labels.Set
}

// local tells whether the pod runs on the given node.
func (m member) local(node string) bool { return m.pod.Spec.NodeName == node }

// members returns the pods that take part in policies, one per address, sorted
// by address. Pods of the host network have the node's address and are part of
// the node; pods that have ended have given their address back.
func members(in Input) []member {
	namespaces := make(map[string]labels.Set, len(in.Namespaces))
	for _, namespace := range in.Namespaces {
		namespaces[namespace.Name] = namespace.Labels
	}
	starting := make(map[types.UID]netip.Addr, len(in.Starting))
	for address, uid := range in.Starting {
		starting[uid] = address
	}
	owners := map[netip.Addr]*corev1.Pod{}
	for _, pod := range in.Pods {
		if pod.Spec.HostNetwork || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		address, found := starting[pod.UID]
		if !found {
			address, found = podAddress(pod)
		}
		if !found {
			continue
		}
		if holder, taken := owners[address]; !taken || replaces(pod, holder, in.Starting[address]) {
			owners[address] = pod
		}
	}
	result := make([]member, 0, len(owners))
	for address, pod := range owners {
		result = append(result, member{pod, pod.Labels, address, namespaces[pod.Namespace]})
	}
	slices.SortFunc(result, func(a, b member) int { return a.address.Compare(b.address) })
	return result
}

// replaces decides which of two pods that claim one address holds it now: the
// one that the gate named, else the one that is not being deleted, else the
// younger. Addresses are given out again while the last holder still shows.
func replaces(pod, holder *corev1.Pod, starting types.UID) bool {
	if starting != "" && (pod.UID == starting) != (holder.UID == starting) {
		return pod.UID == starting
	}
	if leaving, left := pod.DeletionTimestamp != nil, holder.DeletionTimestamp != nil; leaving != left {
		return left
	}
	if !pod.CreationTimestamp.Equal(&holder.CreationTimestamp) {
		return holder.CreationTimestamp.Before(&pod.CreationTimestamp)
	}
	return pod.UID > holder.UID
}

// podAddress returns the IPv4 address of a pod.
func podAddress(pod *corev1.Pod) (netip.Addr, bool) {
	texts := []string{pod.Status.PodIP}
	for _, entry := range pod.Status.PodIPs {
		texts = append(texts, entry.IP)
	}
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
			return address, true
		}
	}
	return netip.Addr{}, false
}

// namedPorts returns the numbers that a port name stands for in a pod. Init
// containers count when they keep running (restartPolicy Always).
func namedPorts(pod *corev1.Pod, name string, protocol corev1.Protocol) []uint16 {
	containers := slices.Clone(pod.Spec.Containers)
	for _, container := range pod.Spec.InitContainers {
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			containers = append(containers, container)
		}
	}
	var numbers []uint16
	for _, container := range containers {
		for _, port := range container.Ports {
			if port.Name == name && protocolOf(&port.Protocol) == protocol {
				numbers = append(numbers, uint16(port.ContainerPort)) // the API allows 1..65535
			}
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// protocolOf applies the API's default, TCP.
func protocolOf(protocol *corev1.Protocol) corev1.Protocol {
	if protocol == nil || *protocol == "" {
		return corev1.ProtocolTCP
	}
	return *protocol
}
