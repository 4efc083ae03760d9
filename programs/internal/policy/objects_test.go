// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func namespace(name string, labels map[string]string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

func pod(space, name, node, address string, labels map[string]string, ports ...corev1.ContainerPort) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, UID: types.UID(space + "/" + name), Labels: labels},
		Spec:       corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{Ports: ports}}},
		Status:     corev1.PodStatus{Phase: corev1.PodRunning, PodIP: address},
	}
}

func named(name string, number int32, protocol corev1.Protocol) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: number, Protocol: protocol}
}

func selector(pairs ...string) *metav1.LabelSelector {
	labels := map[string]string{}
	for index := 0; index < len(pairs); index += 2 {
		labels[pairs[index]] = pairs[index+1]
	}
	return &metav1.LabelSelector{MatchLabels: labels}
}

func ingress(space, name string, subject *metav1.LabelSelector, rules ...networkingv1.NetworkPolicyIngressRule) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: *subject, Ingress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		},
	}
}

func egress(space, name string, subject *metav1.LabelSelector, rules ...networkingv1.NetworkPolicyEgressRule) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: *subject, Egress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		},
	}
}

func from(ports []networkingv1.NetworkPolicyPort, peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyIngressRule {
	return networkingv1.NetworkPolicyIngressRule{From: peers, Ports: ports}
}

func to(ports []networkingv1.NetworkPolicyPort, peers ...networkingv1.NetworkPolicyPeer) networkingv1.NetworkPolicyEgressRule {
	return networkingv1.NetworkPolicyEgressRule{To: peers, Ports: ports}
}

func podPeer(pods *metav1.LabelSelector) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{PodSelector: pods}
}

func namespacePeer(namespaces, pods *metav1.LabelSelector) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{NamespaceSelector: namespaces, PodSelector: pods}
}

func blockPeer(cidr string, except ...string) networkingv1.NetworkPolicyPeer {
	return networkingv1.NetworkPolicyPeer{IPBlock: &networkingv1.IPBlock{CIDR: cidr, Except: except}}
}

func number(protocol corev1.Protocol, port int, end ...int32) networkingv1.NetworkPolicyPort {
	value := intstr.FromInt(port)
	result := networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &value}
	if len(end) > 0 {
		result.EndPort = &end[0]
	}
	return result
}

func byName(protocol corev1.Protocol, name string) networkingv1.NetworkPolicyPort {
	value := intstr.FromString(name)
	return networkingv1.NetworkPolicyPort{Protocol: &protocol, Port: &value}
}

func whole(protocol corev1.Protocol) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: &protocol}
}

func ports(list ...networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyPort { return list }

// flow is one new connection as the packet filter sees it.
type flow struct {
	source, destination netip.Addr
	protocol            corev1.Protocol
	port                uint16
}

// allows interprets a plan as the rendered rules do: first the egress side of
// the source, then the ingress side of the destination.
func (p Plan) allows(f flow) bool {
	if f.source == f.destination {
		return true
	}
	return p.side(Egress, f.source, f.destination, f) && p.side(Ingress, f.destination, f.source, f)
}

func (p Plan) side(direction Direction, subject, peer netip.Addr, f flow) bool {
	name, isolated := p.Isolated[direction][subject]
	if !isolated {
		return true
	}
	index := slices.IndexFunc(p.Chains, func(chain Chain) bool { return chain.Name == name })
	return slices.ContainsFunc(p.Chains[index].Rules, func(rule Rule) bool {
		return rule.Peer.matches(peer) && rule.Ports.matches(f)
	})
}

func (p Peer) matches(address netip.Addr) bool {
	if p.Block.IsValid() {
		return p.Block.Contains(address) && !slices.ContainsFunc(p.Except, func(except netip.Prefix) bool { return except.Contains(address) })
	}
	return p.Addresses == nil || slices.Contains(p.Addresses, address)
}

func (p Ports) matches(f flow) bool {
	switch {
	case p.Protocol == "":
		return true
	case p.Protocol != f.protocol:
		return false
	case p.Endpoints != nil:
		return slices.Contains(p.Endpoints, Endpoint{f.destination, f.port})
	case p.Ranges != nil:
		return slices.ContainsFunc(p.Ranges, func(r PortRange) bool { return r.First <= f.port && f.port <= r.Last })
	}
	return true
}
