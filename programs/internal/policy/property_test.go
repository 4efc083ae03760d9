// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The oracle decides one flow straight from the API objects, pod by pod and
// policy by policy. It shares no code with the compiler: labels are compared by
// hand, ports are looked up per flow.
type oracle struct{ in Input }

func (o oracle) podAt(address netip.Addr) *corev1.Pod {
	for _, pod := range o.in.Pods {
		ended := pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
		if pod.Status.PodIP == address.String() && !pod.Spec.HostNetwork && !ended {
			return pod
		}
	}
	return nil
}

func (o oracle) allows(f flow) bool {
	if f.source == f.destination {
		return true
	}
	source, destination := o.podAt(f.source), o.podAt(f.destination)
	allowed := true
	if source != nil && source.Spec.NodeName == o.in.Node {
		allowed = allowed && o.egress(source, f)
	}
	if destination != nil && destination.Spec.NodeName == o.in.Node {
		allowed = allowed && o.ingress(destination, f)
	}
	return allowed
}

func (o oracle) ingress(subject *corev1.Pod, f flow) bool {
	isolated := false
	for _, policy := range o.in.Policies {
		if policy.Namespace != subject.Namespace || !slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeIngress) ||
			!has(subject.Labels, &policy.Spec.PodSelector) {
			continue
		}
		isolated = true
		for _, rule := range policy.Spec.Ingress {
			if o.peerMatches(policy.Namespace, rule.From, f.source) && o.portMatches(rule.Ports, f, subject, nil) {
				return true
			}
		}
	}
	return !isolated
}

func (o oracle) egress(subject *corev1.Pod, f flow) bool {
	isolated := false
	for _, policy := range o.in.Policies {
		if policy.Namespace != subject.Namespace || !slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress) ||
			!has(subject.Labels, &policy.Spec.PodSelector) {
			continue
		}
		isolated = true
		for _, rule := range policy.Spec.Egress {
			if o.peerMatches(policy.Namespace, rule.To, f.destination) &&
				o.portMatches(rule.Ports, f, o.podAt(f.destination), o.blocksOnly(policy.Namespace, rule.To, f.destination)) {
				return true
			}
		}
	}
	return !isolated
}

// blocksOnly is non-nil when only an ipBlock admits the peer: names of ports are
// not resolved for it.
func (o oracle) blocksOnly(namespace string, peers []networkingv1.NetworkPolicyPeer, address netip.Addr) *bool {
	if len(peers) == 0 {
		return nil
	}
	for _, peer := range peers {
		if peer.IPBlock == nil && o.peerMatches(namespace, []networkingv1.NetworkPolicyPeer{peer}, address) {
			return nil
		}
	}
	yes := true
	return &yes
}

func (o oracle) peerMatches(namespace string, peers []networkingv1.NetworkPolicyPeer, address netip.Addr) bool {
	if len(peers) == 0 {
		return true
	}
	pod := o.podAt(address)
	for _, peer := range peers {
		if block := peer.IPBlock; block != nil {
			inside := netip.MustParsePrefix(block.CIDR).Contains(address)
			for _, except := range block.Except {
				inside = inside && !netip.MustParsePrefix(except).Contains(address)
			}
			if inside {
				return true
			}
			continue
		}
		if pod == nil || !has(pod.Labels, peer.PodSelector) {
			continue
		}
		if peer.NamespaceSelector == nil && pod.Namespace == namespace {
			return true
		}
		for _, candidate := range o.in.Namespaces {
			if peer.NamespaceSelector != nil && candidate.Name == pod.Namespace && has(candidate.Labels, peer.NamespaceSelector) {
				return true
			}
		}
	}
	return false
}

func (o oracle) portMatches(list []networkingv1.NetworkPolicyPort, f flow, holder *corev1.Pod, blocksOnly *bool) bool {
	if len(list) == 0 {
		return true
	}
	for _, port := range list {
		switch {
		case *port.Protocol != f.protocol:
		case port.Port == nil:
			return true
		case port.Port.Type == intstr.Int:
			last := port.Port.IntVal
			if port.EndPort != nil {
				last = *port.EndPort
			}
			if port.Port.IntVal <= int32(f.port) && int32(f.port) <= last {
				return true
			}
		case holder != nil && blocksOnly == nil:
			for _, exposed := range holder.Spec.Containers[0].Ports {
				if exposed.Name == port.Port.StrVal && exposed.Protocol == f.protocol && exposed.ContainerPort == int32(f.port) {
					return true
				}
			}
		}
	}
	return false
}

func has(labels map[string]string, selector *metav1.LabelSelector) bool {
	if selector == nil {
		return true
	}
	for key, value := range selector.MatchLabels {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// generator makes small clusters in which collisions are likely.
type generator struct{ *rand.Rand }

func pick[T any](g generator, values ...T) T { return values[g.IntN(len(values))] }

func (g generator) labels() map[string]string {
	labels := map[string]string{}
	for _, key := range []string{"x", "y"} {
		if value := pick(g, "", "1", "2"); value != "" {
			labels[key] = value
		}
	}
	return labels
}

func (g generator) selector() *metav1.LabelSelector {
	labels := g.labels()
	for key := range labels {
		if g.IntN(2) == 0 {
			delete(labels, key)
		}
	}
	return &metav1.LabelSelector{MatchLabels: labels}
}

func (g generator) protocol() corev1.Protocol { return pick(g, tcp, tcp, udp, sctp) }

func (g generator) ports() (list []networkingv1.NetworkPolicyPort) {
	for range g.IntN(4) {
		first := 1 + g.IntN(6)
		list = append(list, pick(g,
			number(g.protocol(), first), number(g.protocol(), first, int32(first+g.IntN(4))),
			byName(g.protocol(), pick(g, "a", "b")), whole(g.protocol())))
	}
	return list
}

func (g generator) peers() (list []networkingv1.NetworkPolicyPeer) {
	for range g.IntN(3) {
		list = append(list, pick(g,
			podPeer(g.selector()), namespacePeer(g.selector(), nil), namespacePeer(g.selector(), g.selector()),
			blockPeer("10.0.0.0/8", "10.244.1.0/30", "10.244.1.0/31"), blockPeer("10.244.0.0/16", "10.244.2.0/24"), blockPeer("0.0.0.0/0")))
	}
	return list
}

func (g generator) policy(index int) *networkingv1.NetworkPolicy {
	policy := ingress(pick(g, "n0", "n1", "n2"), fmt.Sprint(index), g.selector())
	policy.Spec.PolicyTypes = pick(g,
		[]networkingv1.PolicyType{networkingv1.PolicyTypeIngress}, []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		[]networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress})
	for range g.IntN(3) {
		policy.Spec.Ingress = append(policy.Spec.Ingress, from(g.ports(), g.peers()...))
		policy.Spec.Egress = append(policy.Spec.Egress, to(g.ports(), g.peers()...))
	}
	return policy
}

func (g generator) input() Input {
	in := fixture()
	in.Namespaces, in.Pods = nil, nil
	for index := range 3 {
		in.Namespaces = append(in.Namespaces, namespace(fmt.Sprintf("n%d", index), g.labels()))
	}
	for index := range 8 {
		node := 1 + index%2
		created := pod(pick(g, "n0", "n1", "n2"), fmt.Sprint(index), fmt.Sprintf("node%d", node),
			fmt.Sprintf("10.244.%d.%d", node, index), g.labels(),
			named(pick(g, "a", "b"), int32(1+g.IntN(6)), g.protocol()), named(pick(g, "a", "b"), int32(1+g.IntN(6)), g.protocol()))
		created.Spec.HostNetwork = g.IntN(10) == 0
		created.Status.Phase = pick(g, corev1.PodRunning, corev1.PodRunning, corev1.PodPending, corev1.PodSucceeded)
		in.Pods = append(in.Pods, created)
	}
	for index := range g.IntN(5) {
		in.Policies = append(in.Policies, g.policy(index))
	}
	return in
}

func (g generator) flow() flow {
	address := func() netip.Addr {
		index := g.IntN(10)
		if index >= 8 {
			return pick(g, node1, node2, outside)
		}
		return netip.MustParseAddr(fmt.Sprintf("10.244.%d.%d", 1+index%2, index))
	}
	return flow{address(), address(), g.protocol(), uint16(1 + g.IntN(10))}
}

func TestCompileAgreesWithOracle(t *testing.T) {
	refused, allowed := 0, 0
	for seed := range uint64(3000) {
		g := generator{rand.New(rand.NewPCG(seed, 1))}
		in := g.input()
		plan, err := Compile(in)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for range 60 {
			f := g.flow()
			want := oracle{in}.allows(f)
			if got := plan.allows(f); got != want {
				t.Fatalf("seed %d: flow %+v allowed %v, expected %v", seed, f, got, want)
			}
			if want {
				allowed++
			} else {
				refused++
			}
		}
	}
	if refused < 10000 || allowed < 10000 {
		t.Errorf("%d flows refused and %d allowed: the generator no longer tests both", refused, allowed)
	}
}

// Equal observations must give equal text, whatever the order in which the API
// lists objects: the agent applies rules only when the text changes.
func TestRenderIgnoresOrder(t *testing.T) {
	for seed := range uint64(200) {
		g := generator{rand.New(rand.NewPCG(seed, 2))}
		in := g.input()
		first, err := Compile(in)
		if err != nil {
			t.Fatal(err)
		}
		g.Shuffle(len(in.Pods), func(a, b int) { in.Pods[a], in.Pods[b] = in.Pods[b], in.Pods[a] })
		g.Shuffle(len(in.Policies), func(a, b int) { in.Policies[a], in.Policies[b] = in.Policies[b], in.Policies[a] })
		slices.Reverse(in.Namespaces)
		slices.Reverse(in.NodeAddresses)
		second, err := Compile(in)
		if err != nil {
			t.Fatal(err)
		}
		if Render(first) != Render(second) {
			t.Fatalf("seed %d: text depends on the order of the observation", seed)
		}
	}
}
