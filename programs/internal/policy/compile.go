// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Compile decides, for every pod of the node that a policy selects, which flows
// are allowed. It fails when a selector cannot be read: guessing would either
// open or close a pod by mistake, so the last good rules stay in force.
func Compile(in Input) (Plan, error) {
	c := &compiler{in: in, members: members(in)}
	plan := Plan{
		Input: Scope{in.PodCIDR, in.PodSubnet, in.ServiceSubnet, slices.Clone(in.NodeAddresses)},
		Isolated: map[Direction]map[netip.Addr]string{
			Ingress: {}, Egress: {},
		},
	}
	policies := slices.SortedFunc(slices.Values(in.Policies), func(a, b *networkingv1.NetworkPolicy) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	chains := map[string]Chain{}
	for _, subject := range c.members {
		if !subject.local(in.Node) {
			continue
		}
		for _, direction := range []Direction{Ingress, Egress} {
			rules, isolated, err := c.podRules(subject, policies, direction)
			if err != nil {
				return Plan{}, err
			}
			if !isolated {
				continue
			}
			chain := Chain{direction, chainName(direction, rules), rules}
			chains[chain.Name] = chain
			plan.Isolated[direction][subject.address] = chain.Name
		}
	}
	for _, chain := range chains {
		plan.Chains = append(plan.Chains, chain)
	}
	slices.SortFunc(plan.Chains, func(a, b Chain) int { return strings.Compare(a.Name, b.Name) })
	slices.Sort(c.warnings)
	plan.Warnings = slices.Compact(c.warnings)
	return plan, nil
}

type compiler struct {
	in       Input
	members  []member
	warnings []string
}

// podRules joins the rules of all policies that isolate the pod in a direction.
func (c *compiler) podRules(
	subject member, policies []*networkingv1.NetworkPolicy, direction Direction,
) (rules []Rule, isolated bool, err error) {
	for _, policy := range policies {
		if policy.Namespace != subject.pod.Namespace || !applies(policy, direction) {
			continue
		}
		selector, err := metav1.LabelSelectorAsSelector(&policy.Spec.PodSelector)
		if err != nil {
			return nil, false, fmt.Errorf("read podSelector of NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
		}
		if !selector.Matches(subject.labels) {
			continue
		}
		isolated = true
		found, err := c.policyRules(subject, policy, direction)
		if err != nil {
			return nil, false, fmt.Errorf("read NetworkPolicy %s/%s: %w", policy.Namespace, policy.Name, err)
		}
		rules = append(rules, found...)
	}
	return rules, isolated, nil
}

// applies tells whether a policy isolates in a direction. The API server fills
// policyTypes in; its default is repeated for objects that never passed it.
func applies(policy *networkingv1.NetworkPolicy, direction Direction) bool {
	types := policy.Spec.PolicyTypes
	if len(types) == 0 {
		return direction == Ingress || len(policy.Spec.Egress) > 0
	}
	want := networkingv1.PolicyTypeIngress
	if direction == Egress {
		want = networkingv1.PolicyTypeEgress
	}
	return slices.Contains(types, want)
}

func (c *compiler) policyRules(
	subject member, policy *networkingv1.NetworkPolicy, direction Direction,
) (rules []Rule, err error) {
	for index, source := range policyEntries(policy, direction) {
		origin := fmt.Sprintf("%s/%s %s %d", policy.Namespace, policy.Name, direction, index)
		peers, err := c.peers(policy.Namespace, origin, source.peers)
		if err != nil {
			return nil, err
		}
		for _, peer := range peers {
			for _, ports := range compilePorts(source.ports, c.resolver(subject, direction, peer)) {
				rules = append(rules, Rule{peer, ports, origin})
			}
		}
	}
	return rules, nil
}

// entry is one item of spec.ingress or spec.egress.
type entry struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func policyEntries(policy *networkingv1.NetworkPolicy, direction Direction) (entries []entry) {
	if direction == Ingress {
		for _, rule := range policy.Spec.Ingress {
			entries = append(entries, entry{rule.From, rule.Ports})
		}
		return entries
	}
	for _, rule := range policy.Spec.Egress {
		entries = append(entries, entry{rule.To, rule.Ports})
	}
	return entries
}

// peers resolves the peers of one entry. Selectors are joined into one address
// set; a selector that matches no pod allows nobody, and so adds no rule.
func (c *compiler) peers(namespace, origin string, peers []networkingv1.NetworkPolicyPeer) ([]Peer, error) {
	if len(peers) == 0 {
		return []Peer{{}}, nil
	}
	var result []Peer
	var addresses []netip.Addr
	for _, peer := range peers {
		if peer.IPBlock != nil {
			block, supported, err := compileBlock(peer.IPBlock)
			if err != nil {
				return nil, err
			}
			if !supported {
				c.warnings = append(c.warnings, fmt.Sprintf(
					"%s: ipBlock %s is not IPv4 and matches nothing in this pod network", origin, peer.IPBlock.CIDR))
				continue
			}
			result = append(result, block)
			continue
		}
		found, err := c.selected(namespace, peer)
		if err != nil {
			return nil, err
		}
		addresses = append(addresses, found...)
	}
	if len(addresses) > 0 {
		slices.SortFunc(addresses, netip.Addr.Compare)
		result = append([]Peer{{Addresses: slices.Compact(addresses)}}, result...)
	}
	return result, nil
}

func compileBlock(block *networkingv1.IPBlock) (peer Peer, supported bool, err error) {
	prefix, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		return Peer{}, false, fmt.Errorf("ipBlock.cidr: %w", err)
	}
	if !prefix.Addr().Is4() {
		return Peer{}, false, nil
	}
	peer.Block = prefix.Masked()
	for _, text := range block.Except {
		except, err := netip.ParsePrefix(text)
		if err != nil {
			return Peer{}, false, fmt.Errorf("ipBlock.except: %w", err)
		}
		if except.Addr().Is4() {
			peer.Except = append(peer.Except, except.Masked())
		}
	}
	peer.Except = mergePrefixes(peer.Except)
	return peer, true, nil
}

// selected returns addresses of the pods that a peer's selectors match: without
// a namespaceSelector only pods of the policy's own namespace.
func (c *compiler) selected(namespace string, peer networkingv1.NetworkPolicyPeer) ([]netip.Addr, error) {
	pods, err := selectorOrAll(peer.PodSelector)
	if err != nil {
		return nil, fmt.Errorf("peer podSelector: %w", err)
	}
	namespaces, err := selectorOrAll(peer.NamespaceSelector)
	if err != nil {
		return nil, fmt.Errorf("peer namespaceSelector: %w", err)
	}
	var addresses []netip.Addr
	for _, candidate := range c.members {
		inside := candidate.pod.Namespace == namespace
		if peer.NamespaceSelector != nil {
			inside = namespaces.Matches(candidate.namespace)
		}
		if inside && pods.Matches(candidate.labels) {
			addresses = append(addresses, candidate.address)
		}
	}
	return addresses, nil
}

func selectorOrAll(selector *metav1.LabelSelector) (labels.Selector, error) {
	if selector == nil {
		return labels.Everything(), nil
	}
	return metav1.LabelSelectorAsSelector(selector)
}

// resolver returns how port names are read: ingress names belong to the
// isolated pod, egress names to each peer pod. A block of addresses has no
// containers, so a name matches nothing there.
func (c *compiler) resolver(subject member, direction Direction, peer Peer) resolver {
	if direction == Ingress {
		return func(name string, protocol corev1.Protocol) ([]uint16, []Endpoint) {
			return namedPorts(subject.pod, name, protocol), nil
		}
	}
	return func(name string, protocol corev1.Protocol) (_ []uint16, endpoints []Endpoint) {
		if peer.Block.IsValid() {
			return nil, nil
		}
		for _, candidate := range c.members {
			if _, listed := slices.BinarySearchFunc(peer.Addresses, candidate.address, netip.Addr.Compare); !listed && peer.Addresses != nil {
				continue
			}
			for _, number := range namedPorts(candidate.pod, name, protocol) {
				endpoints = append(endpoints, Endpoint{candidate.address, number})
			}
		}
		return nil, endpoints
	}
}

// chainName is derived from the rules, so that pods with equal rules share one
// chain and equal observations give equal text.
func chainName(direction Direction, rules []Rule) string {
	sum := sha256.Sum256([]byte(fmt.Sprintf("%v", rules)))
	return string(direction) + "_" + hex.EncodeToString(sum[:6])
}
