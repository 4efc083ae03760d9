// SPDX-License-Identifier: GPL-3.0-or-later

// Package policy turns NetworkPolicy objects into packet rules for one node.
//
// It is pure: Compile takes one observation of the cluster and returns a Plan,
// Render writes that plan as the text of one nft transaction. The semantics are
// those of networking.k8s.io/v1 NetworkPolicy (kubernetes.io, "Network Policies").
package policy

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Input is one observation of the cluster, seen from one node.
type Input struct {
	// Node is the name of the node that the plan is for.
	Node string
	// PodCIDR is the part of the pod subnet that belongs to the node.
	PodCIDR netip.Prefix
	// PodSubnet and ServiceSubnet are the cluster's address ranges.
	PodSubnet, ServiceSubnet netip.Prefix
	// NodeAddresses are the addresses of all nodes: pods reach them, and they
	// reach pods, without address translation.
	NodeAddresses []netip.Addr
	Namespaces    []*corev1.Namespace
	Pods          []*corev1.Pod
	Policies      []*networkingv1.NetworkPolicy
	// Starting maps addresses of pods that are being started on this node, as
	// told by the CNI gate, to the pod's identity: the API does not show the
	// address yet.
	Starting map[netip.Addr]types.UID
}

// Direction tells ingress from egress.
type Direction string

// The two directions in which a pod can be isolated.
const (
	Ingress Direction = "ingress"
	Egress  Direction = "egress"
)

// PortRange is an inclusive range of ports.
type PortRange struct{ First, Last uint16 }

// Endpoint is a port of one address: what a named port of a peer resolves to.
type Endpoint struct {
	Address netip.Addr
	Port    uint16
}

// Peer is the other side of a flow. At most one of Addresses and Block is set;
// with neither, every peer matches.
type Peer struct {
	// Addresses are pod addresses, sorted.
	Addresses []netip.Addr
	// Block matches addresses inside the prefix that are in none of Except.
	Block  netip.Prefix
	Except []netip.Prefix
}

// Ports are the ports that a rule allows. With Protocol empty everything
// matches. Otherwise Ranges (sorted, merged) or Endpoints narrow it; with both
// empty every port of the protocol matches.
type Ports struct {
	Protocol  corev1.Protocol
	Ranges    []PortRange
	Endpoints []Endpoint
}

// Rule allows flows between the isolated pod and Peer on Ports.
type Rule struct {
	Peer   Peer
	Ports  Ports
	Origin string
}

// Chain is the complete list of what pods with equal policies may do in one
// direction: a flow that no rule allows is refused.
type Chain struct {
	Direction Direction
	Name      string
	Rules     []Rule
}

// Plan is everything that the node's packet filter has to know.
type Plan struct {
	Input Scope
	// Chains are sorted by name.
	Chains []Chain
	// Isolated maps, per direction, addresses of local pods to chain names.
	Isolated map[Direction]map[netip.Addr]string
	// Warnings name what cannot be honoured as written, for the log.
	Warnings []string
}

// Scope is the part of the input that Render needs besides rules.
type Scope struct {
	PodCIDR, PodSubnet, ServiceSubnet netip.Prefix
	NodeAddresses                     []netip.Addr
}
