// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	tcp  = corev1.ProtocolTCP
	udp  = corev1.ProtocolUDP
	sctp = corev1.ProtocolSCTP
)

// Addresses of the fixture: two nodes, two namespaces.
var (
	web     = netip.MustParseAddr("10.244.1.2")
	client  = netip.MustParseAddr("10.244.1.3")
	remote  = netip.MustParseAddr("10.244.2.2")
	other   = netip.MustParseAddr("10.244.2.3") // namespace other
	node1   = netip.MustParseAddr("10.77.0.21")
	node2   = netip.MustParseAddr("10.77.0.22")
	outside = netip.MustParseAddr("192.0.2.7")
)

func fixture(policies ...*networkingv1.NetworkPolicy) Input {
	return Input{
		Node:          "node1",
		PodCIDR:       netip.MustParsePrefix("10.244.1.0/24"),
		PodSubnet:     netip.MustParsePrefix("10.244.0.0/16"),
		ServiceSubnet: netip.MustParsePrefix("10.96.0.0/12"),
		NodeAddresses: []netip.Addr{node2, node1},
		Namespaces: []*corev1.Namespace{
			namespace("app", map[string]string{"team": "a"}), namespace("other", map[string]string{"team": "b"}),
		},
		Pods: []*corev1.Pod{
			pod("app", "web", "node1", web.String(), map[string]string{"app": "web"},
				named("http", 8080, ""), named("dns", 53, udp)),
			pod("app", "client", "node1", client.String(), map[string]string{"app": "client"}, named("http", 9090, tcp)),
			pod("app", "remote", "node2", remote.String(), map[string]string{"app": "client"}, named("http", 7070, tcp)),
			pod("other", "other", "node2", other.String(), map[string]string{"app": "client"}),
		},
		Policies: policies,
	}
}

type expectation struct {
	name    string
	flow    flow
	allowed bool
}

func TestSemantics(t *testing.T) {
	everyone := &metav1.LabelSelector{}
	webPods := selector("app", "web")
	toWeb := func(source netip.Addr, protocol corev1.Protocol, port uint16) flow {
		return flow{source, web, protocol, port}
	}
	cases := []struct {
		name     string
		policies []*networkingv1.NetworkPolicy
		expected []expectation
	}{
		{"no policy allows everything", nil, []expectation{
			{"peer", toWeb(client, tcp, 80), true}, {"outside", toWeb(outside, udp, 1), true},
		}},
		{"default deny ingress", []*networkingv1.NetworkPolicy{ingress("app", "deny", everyone)}, []expectation{
			{"same node", toWeb(client, tcp, 80), false},
			{"other node", toWeb(remote, tcp, 80), false},
			{"host of another node", toWeb(node2, tcp, 80), false},
			{"itself", toWeb(web, tcp, 80), true},
			{"egress stays open", flow{web, outside, tcp, 80}, true},
			{"pod of another namespace is not isolated", flow{web, other, tcp, 80}, true},
		}},
		{"default deny egress", []*networkingv1.NetworkPolicy{egress("app", "deny", everyone)}, []expectation{
			{"to a peer", flow{web, remote, tcp, 80}, false},
			{"to the own node", flow{web, node1, tcp, 10250}, false},
			{"from outside stays open", toWeb(outside, tcp, 80), true},
		}},
		{"podSelector looks at the own namespace only", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, podPeer(selector("app", "client")))),
		}, []expectation{
			{"same namespace", toWeb(remote, tcp, 1), true}, {"same labels elsewhere", toWeb(other, tcp, 1), false},
		}},
		{"namespaceSelector takes all pods there", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, namespacePeer(selector("team", "b"), nil))),
		}, []expectation{
			{"chosen namespace", toWeb(other, tcp, 1), true}, {"own namespace", toWeb(client, tcp, 1), false},
		}},
		{"an empty namespaceSelector takes every namespace", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, namespacePeer(everyone, nil))),
		}, []expectation{{"own", toWeb(client, tcp, 1), true}, {"other", toWeb(other, tcp, 1), true}, {"outside", toWeb(outside, tcp, 1), false}}},
		{"both selectors must match", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, namespacePeer(selector("team", "b"), selector("app", "db")))),
		}, []expectation{{"namespace only", toWeb(other, tcp, 1), false}}},
		{"an entry of two peers is an or", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, podPeer(selector("app", "client")), namespacePeer(selector("team", "b"), nil))),
		}, []expectation{{"first", toWeb(client, tcp, 1), true}, {"second", toWeb(other, tcp, 1), true}}},
		{"ipBlock with except", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, blockPeer("10.77.0.0/24", "10.77.0.22/32"))),
		}, []expectation{
			{"inside", toWeb(node1, tcp, 1), true}, {"except", toWeb(node2, tcp, 1), false}, {"outside", toWeb(outside, tcp, 1), false},
		}},
		{"another rule may allow what one excepts", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, blockPeer("10.77.0.0/24", "10.77.0.22/32"), blockPeer("10.77.0.22/32"))),
		}, []expectation{{"except", toWeb(node2, tcp, 1), true}}},
		{"ports, ranges and protocols", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(ports(number(tcp, 80), number(tcp, 8000, 8010), number(udp, 53), whole(sctp)))),
		}, []expectation{
			{"port", toWeb(client, tcp, 80), true}, {"first of range", toWeb(client, tcp, 8000), true},
			{"last of range", toWeb(client, tcp, 8010), true}, {"behind range", toWeb(client, tcp, 8011), false},
			{"other protocol", toWeb(client, udp, 80), false}, {"udp", toWeb(client, udp, 53), true},
			{"whole protocol", toWeb(client, sctp, 9), true},
		}},
		{"named port of the isolated pod", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(ports(byName(tcp, "http")))),
		}, []expectation{
			{"its number", toWeb(client, tcp, 8080), true}, {"number of another pod", toWeb(client, tcp, 9090), false},
		}},
		{"named port of another protocol matches nothing", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(ports(byName(tcp, "dns")))),
		}, []expectation{{"number", toWeb(client, tcp, 53), false}, {"any", toWeb(client, tcp, 80), false}}},
		{"named port of each peer", []*networkingv1.NetworkPolicy{
			egress("app", "p", webPods, to(ports(byName(tcp, "http")), podPeer(selector("app", "client")))),
		}, []expectation{
			{"first peer", flow{web, client, tcp, 9090}, true}, {"second peer", flow{web, remote, tcp, 7070}, true},
			{"number of the other peer", flow{web, client, tcp, 7070}, false},
		}},
		{"named port without peers means every pod", []*networkingv1.NetworkPolicy{
			egress("app", "p", webPods, to(ports(byName(tcp, "http")))),
		}, []expectation{{"pod", flow{web, remote, tcp, 7070}, true}, {"outside", flow{web, outside, tcp, 7070}, false}}},
		{"named port in a block matches nothing", []*networkingv1.NetworkPolicy{
			egress("app", "p", webPods, to(ports(byName(tcp, "http")), blockPeer("10.244.0.0/16"))),
		}, []expectation{{"pod", flow{web, remote, tcp, 7070}, false}}},
		{"policies add up", []*networkingv1.NetworkPolicy{
			ingress("app", "deny", everyone), ingress("app", "p", webPods, from(ports(number(tcp, 80)))),
		}, []expectation{{"allowed", toWeb(remote, tcp, 80), true}, {"denied", toWeb(remote, tcp, 81), false}}},
		{"egress and ingress must both allow", []*networkingv1.NetworkPolicy{
			egress("app", "out", selector("app", "client"), to(ports(number(tcp, 80)))), ingress("app", "in", webPods, from(ports(number(tcp, 81)))),
		}, []expectation{
			{"egress only", toWeb(client, tcp, 80), false}, {"ingress only", toWeb(client, tcp, 81), false},
			{"egress of the other node's pod is decided there", toWeb(remote, tcp, 81), true},
		}},
		{"an empty rule allows all", []*networkingv1.NetworkPolicy{ingress("app", "p", webPods, from(nil))}, []expectation{
			{"outside", toWeb(outside, sctp, 5), true},
		}},
		{"a selector that matches nobody allows nobody", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, podPeer(selector("app", "gone")))),
		}, []expectation{{"peer", toWeb(client, tcp, 1), false}, {"outside", toWeb(outside, tcp, 1), false}}},
		{"an IPv6 block matches no IPv4 peer", []*networkingv1.NetworkPolicy{
			ingress("app", "p", webPods, from(nil, blockPeer("::/0"))),
		}, []expectation{{"outside", toWeb(outside, tcp, 1), false}}},
		{"a policy of another namespace does not select", []*networkingv1.NetworkPolicy{ingress("other", "deny", everyone)}, []expectation{
			{"web", toWeb(client, tcp, 1), true},
		}},
	}
	for _, test := range cases {
		plan, err := Compile(fixture(test.policies...))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		for _, want := range test.expected {
			if got := plan.allows(want.flow); got != want.allowed {
				t.Errorf("%s, %s: allowed %v, expected %v", test.name, want.name, got, want.allowed)
			}
		}
	}
}

func TestPolicyTypesDefault(t *testing.T) {
	ingressOnly := ingress("app", "p", &metav1.LabelSelector{})
	ingressOnly.Spec.PolicyTypes = nil
	both := egress("app", "p", &metav1.LabelSelector{}, to(nil))
	both.Spec.PolicyTypes = nil
	for _, test := range []struct {
		policy          *networkingv1.NetworkPolicy
		ingress, egress bool
	}{{ingressOnly, true, false}, {both, true, true}} {
		plan, err := Compile(fixture(test.policy))
		if err != nil {
			t.Fatal(err)
		}
		_, in := plan.Isolated[Ingress][web]
		_, out := plan.Isolated[Egress][web]
		if in != test.ingress || out != test.egress {
			t.Errorf("isolated ingress %v egress %v, expected %v %v", in, out, test.ingress, test.egress)
		}
	}
}

func TestPodsThatAreNotMembers(t *testing.T) {
	deny := ingress("app", "deny", &metav1.LabelSelector{})
	for name, change := range map[string]func(*corev1.Pod){
		"host network": func(pod *corev1.Pod) { pod.Spec.HostNetwork = true },
		"succeeded":    func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodSucceeded },
		"failed":       func(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed },
		"no address":   func(pod *corev1.Pod) { pod.Status.PodIP = "" },
		"IPv6 only":    func(pod *corev1.Pod) { pod.Status.PodIP = "2001:db8::1" },
	} {
		in := fixture(deny, ingress("other", "from-app", &metav1.LabelSelector{}, from(nil, namespacePeer(selector("team", "a"), nil))))
		in.Pods[3].Spec.NodeName = "node1"
		change(in.Pods[0])
		plan, err := Compile(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, isolated := plan.Isolated[Ingress][web]; isolated {
			t.Errorf("%s: pod is isolated", name)
		}
		if plan.allows(flow{web, other, tcp, 1}) {
			t.Errorf("%s: pod counts as a peer", name)
		}
	}
}

func TestAddressHolders(t *testing.T) {
	old := metav1.NewTime(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	young := metav1.NewTime(old.Add(time.Hour))
	build := func(change func(holder, taker *corev1.Pod), starting map[netip.Addr]types.UID) Input {
		in := fixture(ingress("app", "deny-web", selector("app", "web")))
		holder, taker := in.Pods[0], pod("app", "taker", "node1", web.String(), map[string]string{"app": "taker"})
		holder.CreationTimestamp, taker.CreationTimestamp = old, young
		change(holder, taker)
		in.Pods = append(in.Pods, taker)
		in.Starting = starting
		return in
	}
	for _, test := range []struct {
		name     string
		change   func(holder, taker *corev1.Pod)
		starting map[netip.Addr]types.UID
		isolated bool
	}{
		{"the younger holds it", func(_, _ *corev1.Pod) {}, nil, false},
		{"unless it is being deleted", func(_, taker *corev1.Pod) { taker.DeletionTimestamp = &young }, nil, true},
		{"the gate knows best", func(_, _ *corev1.Pod) {}, map[netip.Addr]types.UID{web: "app/web"}, true},
		{"the gate names one without address", func(_, taker *corev1.Pod) { taker.Status.PodIP = "" },
			map[netip.Addr]types.UID{web: "app/taker"}, false},
	} {
		in := build(test.change, test.starting)
		for range 2 {
			plan, err := Compile(in)
			if err != nil {
				t.Fatal(err)
			}
			if _, isolated := plan.Isolated[Ingress][web]; isolated != test.isolated {
				t.Errorf("%s: isolated %v, expected %v", test.name, isolated, test.isolated)
			}
			slices.Reverse(in.Pods)
		}
	}
}

func TestNamespaceWithoutLabels(t *testing.T) {
	in := fixture(ingress("app", "p", selector("app", "web"), from(nil, namespacePeer(&metav1.LabelSelector{}, nil))))
	in.Namespaces[1].Labels = nil
	plan, err := Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	if !plan.allows(flow{other, web, tcp, 1}) {
		t.Error("an empty namespaceSelector must match a namespace that has no labels")
	}
}

func TestSidecarPortsCount(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	in := fixture(ingress("app", "p", selector("app", "web"), from(ports(byName(tcp, "admin")))))
	in.Pods[0].Spec.InitContainers = []corev1.Container{
		{Ports: []corev1.ContainerPort{named("admin", 1111, tcp)}},
		{Ports: []corev1.ContainerPort{named("admin", 2222, tcp)}, RestartPolicy: &always},
	}
	plan, err := Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	if plan.allows(flow{client, web, tcp, 1111}) || !plan.allows(flow{client, web, tcp, 2222}) {
		t.Error("the port of a sidecar must count, the port of an init container that ends must not")
	}
}

func TestUnreadablePolicyIsAnError(t *testing.T) {
	broken := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}
	for name, policy := range map[string]*networkingv1.NetworkPolicy{
		"podSelector":            ingress("app", "broken", broken),
		"peer podSelector":       ingress("app", "broken", &metav1.LabelSelector{}, from(nil, podPeer(broken))),
		"peer namespaceSelector": egress("app", "broken", &metav1.LabelSelector{}, to(nil, namespacePeer(broken, nil))),
		"ipBlock.cidr":           ingress("app", "broken", &metav1.LabelSelector{}, from(nil, blockPeer("10.0.0.0"))),
		"ipBlock.except":         ingress("app", "broken", &metav1.LabelSelector{}, from(nil, blockPeer("10.0.0.0/8", "x"))),
	} {
		_, err := Compile(fixture(policy))
		if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "app/broken") {
			t.Errorf("%s: error %v, expected one that names the policy and the field", name, err)
		}
	}
}

func TestEqualPodsShareAChain(t *testing.T) {
	in := fixture(ingress("app", "p", &metav1.LabelSelector{}, from(ports(number(tcp, 80)))))
	plan, err := Compile(in)
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Chains) != 1 || plan.Isolated[Ingress][web] != plan.Isolated[Ingress][client] {
		t.Errorf("chains %v, isolated %v: expected one chain for both pods", plan.Chains, plan.Isolated)
	}
}

func TestWarningForIPv6Block(t *testing.T) {
	plan, err := Compile(fixture(ingress("app", "p", &metav1.LabelSelector{}, from(nil, blockPeer("2001:db8::/32")))))
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Warnings) != 1 || !strings.Contains(plan.Warnings[0], "2001:db8::/32") {
		t.Errorf("warnings %q, expected one that names the block", plan.Warnings)
	}
}
