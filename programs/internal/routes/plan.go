// SPDX-License-Identifier: GPL-3.0-or-later

// Package routes keeps one host route per other node: its pods by way of its
// address. Plan is pure, Table acts through netlink.
package routes

import (
	"fmt"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Protocol marks our routes in the kernel's table (`ip route show proto 171`),
// so that stale ones are found and nobody else's are touched. The number is not
// in iproute2's rt_protos.
const Protocol = 171

// Route leads to a node's pods.
type Route struct {
	Destination netip.Prefix
	Gateway     netip.Addr
}

// Changes are what turns the observed routes into the wanted ones.
type Changes struct{ Add, Replace, Delete []Route }

// Empty tells whether nothing has to change.
func (c Changes) Empty() bool { return len(c.Add)+len(c.Replace)+len(c.Delete) == 0 }

// Wanted returns the routes to all other nodes that have pods and an address,
// sorted. Problems name nodes that cannot be reached as they are described; the
// rest still gets its routes.
func Wanted(self string, podSubnet netip.Prefix, nodes []*corev1.Node) (wanted []Route, problems []string) {
	owners := map[netip.Prefix]string{}
	sorted := slices.SortedFunc(slices.Values(nodes), func(a, b *corev1.Node) int {
		return compareNames(a, b)
	})
	for _, node := range sorted {
		if node.Spec.PodCIDR == "" {
			continue // not allocated yet: an event follows
		}
		prefix, err := PodCIDR(node, podSubnet)
		if err != nil {
			problems = append(problems, err.Error())
			continue
		}
		if owner, taken := owners[prefix]; taken {
			problems = append(problems, fmt.Sprintf("nodes %s and %s both have podCIDR %s: the second gets no route", owner, node.Name, prefix))
			continue
		}
		owners[prefix] = node.Name
		if node.Name == self {
			continue
		}
		addresses := InternalAddresses(node)
		if len(addresses) == 0 {
			problems = append(problems, fmt.Sprintf("node %s has no IPv4 InternalIP: no route to its pods %s", node.Name, prefix))
			continue
		}
		wanted = append(wanted, Route{prefix, addresses[0]})
	}
	return wanted, problems
}

// PodCIDR returns the IPv4 pod range of a node and refuses one outside the pod
// subnet: the two settings then belong to different clusters.
func PodCIDR(node *corev1.Node, podSubnet netip.Prefix) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(node.Spec.PodCIDR)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("node %s has podCIDR %q: %w", node.Name, node.Spec.PodCIDR, err)
	}
	if !prefix.Addr().Is4() {
		return netip.Prefix{}, fmt.Errorf("node %s has podCIDR %s: this network provider carries IPv4 only", node.Name, prefix)
	}
	if !podSubnet.Contains(prefix.Addr()) || prefix.Bits() < podSubnet.Bits() {
		return netip.Prefix{}, fmt.Errorf("node %s has podCIDR %s, which is outside --pod-subnet %s", node.Name, prefix, podSubnet)
	}
	return prefix.Masked(), nil
}

// InternalAddresses returns the IPv4 addresses of type InternalIP of a node.
func InternalAddresses(node *corev1.Node) (addresses []netip.Addr) {
	for _, entry := range node.Status.Addresses {
		if address, err := netip.ParseAddr(entry.Address); err == nil && address.Is4() && entry.Type == corev1.NodeInternalIP {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

// Plan compares our routes of the kernel's table with the wanted ones.
func Plan(observed, wanted []Route) (changes Changes) {
	present := map[netip.Prefix]Route{}
	for _, route := range observed {
		present[route.Destination] = route
	}
	for _, route := range wanted {
		current, found := present[route.Destination]
		delete(present, route.Destination)
		switch {
		case !found:
			changes.Add = append(changes.Add, route)
		case current != route:
			changes.Replace = append(changes.Replace, route)
		}
	}
	for _, route := range observed {
		if stale, found := present[route.Destination]; found && stale == route {
			changes.Delete = append(changes.Delete, route)
		}
	}
	return changes
}

func compareNames(a, b *corev1.Node) int {
	if a.Name < b.Name {
		return -1
	}
	if a.Name > b.Name {
		return 1
	}
	return 0
}
