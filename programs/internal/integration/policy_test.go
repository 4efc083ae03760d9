// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"github.com/biomax-ai/platform/programs/internal/policy"
	"github.com/biomax-ai/platform/programs/internal/routes"
)

// cluster is what the API would show for the topology.
func cluster(t *testing.T, node, manifests string) policy.Input {
	t.Helper()
	in := policy.Input{
		Node:          node,
		PodCIDR:       netip.MustParsePrefix(map[string]string{node1: "10.244.1.0/24", node2: "10.244.2.0/24"}[node]),
		PodSubnet:     netip.MustParsePrefix("10.244.0.0/16"),
		ServiceSubnet: netip.MustParsePrefix("10.96.0.0/12"),
		NodeAddresses: []netip.Addr{netip.MustParseAddr(hostAddress[node1]), netip.MustParseAddr(hostAddress[node2])},
		Namespaces: []*corev1.Namespace{
			{ObjectMeta: metav1.ObjectMeta{Name: "app", Labels: map[string]string{"team": "a"}}},
			{ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"team": "b"}}},
		},
	}
	for name, place := range podPlaces {
		space := "app"
		if name == lonely {
			space = "other"
		}
		in.Pods = append(in.Pods, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: space, Name: name, UID: types.UID(name), Labels: map[string]string{"app": name}},
			Spec: corev1.PodSpec{NodeName: place.node, Containers: []corev1.Container{{
				Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: corev1.ProtocolTCP}},
			}}},
			Status: corev1.PodStatus{Phase: corev1.PodRunning, PodIP: place.address},
		})
	}
	for _, document := range strings.Split(manifests, "\n---\n") {
		object := &networkingv1.NetworkPolicy{}
		if err := yaml.UnmarshalStrict([]byte(document), object); err != nil {
			t.Fatalf("%v in:\n%s", err, document)
		}
		if object.Name != "" {
			in.Policies = append(in.Policies, object)
		}
	}
	return in
}

func (top *topology) enforce(manifests string) {
	top.t.Helper()
	for _, node := range []string{node1, node2} {
		plan, err := policy.Compile(cluster(top.t, node, manifests))
		if err != nil {
			top.t.Fatal(err)
		}
		if err := top.load(node, policy.Render(plan)); err != nil {
			top.t.Fatal(err)
		}
	}
}

func (top *topology) route() {
	top.t.Helper()
	for node, peer := range map[string]podPlace{node1: podPlaces[remote], node2: podPlaces[web]} {
		prefix := netip.MustParsePrefix(peer.address + "/24").Masked()
		top.wantRoutes(node, routes.Route{Destination: prefix, Gateway: netip.MustParseAddr(hostAddress[peer.node])})
	}
}

// wantRoutes converges the routes of a node and returns the numbers of routes
// added, replaced and deleted.
func (top *topology) wantRoutes(node string, wanted ...routes.Route) string {
	top.t.Helper()
	text, err := json.Marshal(wanted)
	if err != nil {
		top.t.Fatal(err)
	}
	output, err := top.helper(node, "routes", string(text)).CombinedOutput()
	if err != nil {
		top.t.Fatalf("routes of %s: %v: %s", node, err, output)
	}
	return strings.TrimSpace(string(output))
}

func address(name string) string {
	if place, isPod := podPlaces[name]; isPod {
		return place.address
	}
	return hostAddress[name]
}

func object(name, spec string) string {
	return fmt.Sprintf("apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {namespace: app, name: %s}\nspec: %s\n", name, spec)
}

const (
	denyIngress = "{podSelector: {}, policyTypes: [Ingress]}"
	denyEgress  = "{podSelector: {}, policyTypes: [Egress]}"
)

type attempt struct {
	from, network, to string
	port              int
	outcome           string
}

func TestPolicies(t *testing.T) {
	top := newTopology(t)
	top.route()
	toWeb := func(spec string) string {
		return object("web", "{podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: ["+spec+"]}")
	}
	cases := []struct {
		name, manifests string
		attempts        []attempt
	}{
		{"without policies", "", []attempt{
			{client, "tcp", web, 80, "ok " + address(client)},
			{client, "tcp", remote, 80, "ok " + address(client)},
			{client, "udp", remote, 80, "ok " + address(client)},
			{client, "tcp", node2, 80, "ok " + address(client)},
			{client, "tcp", outside, 80, "ok " + address(node1)}, // masqueraded: nobody there knows the way back
			{outside, "tcp", node1, 80, "ok " + address(outside)},
		}},
		{"default deny ingress", object("deny", denyIngress), []attempt{
			{client, "tcp", web, 80, "refused"},
			{client, "udp", web, 80, "refused"},
			{remote, "tcp", web, 80, "refused"},
			{node2, "tcp", web, 80, "refused"},
			{node1, "tcp", web, 80, "ok 10.244.1.1"}, // probes of the own node
			{node1, "udp", web, 80, "ok 10.244.1.1"},
			{web, "tcp", node1, 80, "ok " + address(web)},
			{web, "tcp", lonely, 80, "ok " + address(web)}, // another namespace
			{web, "tcp", outside, 80, "ok " + address(node1)},
		}},
		{"default deny egress", object("deny", denyEgress), []attempt{
			{web, "tcp", client, 80, "refused"},
			{web, "tcp", remote, 80, "refused"},
			{web, "tcp", node1, 10250, "refused"}, // the input hook
			{web, "tcp", node2, 10250, "refused"},
			{web, "udp", outside, 80, "refused"},
			{lonely, "tcp", web, 80, "ok " + address(lonely)},
			{node1, "tcp", web, 80, "ok 10.244.1.1"},
		}},
		{"peers by selector", object("deny", denyIngress) + "---\n" +
			toWeb("{from: [{podSelector: {matchLabels: {app: client}}}, {namespaceSelector: {matchLabels: {team: b}}}]}"), []attempt{
			{client, "tcp", web, 80, "ok " + address(client)},
			{remote, "tcp", web, 80, "refused"},
			{lonely, "tcp", web, 80, "ok " + address(lonely)},
			{lonely, "tcp", client, 80, "refused"},
		}},
		{"block with except", toWeb("{from: [{ipBlock: {cidr: 10.244.0.0/16, except: [10.244.1.0/24]}}]}"), []attempt{
			{client, "tcp", web, 80, "refused"},
			{remote, "tcp", web, 80, "ok " + address(remote)},
			{node2, "tcp", web, 80, "refused"},
		}},
		{"block of hosts", toWeb("{from: [{ipBlock: {cidr: 10.77.0.0/24}}]}"), []attempt{
			{node2, "tcp", web, 80, "ok " + address(node2)}, {client, "tcp", web, 80, "refused"},
		}},
		{"ports", toWeb("{ports: [{port: http}, {port: 8000, endPort: 8010}, {port: 80, protocol: UDP}, {port: 1, protocol: SCTP}]}"), []attempt{
			{client, "tcp", web, 8080, "ok " + address(client)},
			{remote, "tcp", web, 8005, "ok " + address(remote)},
			{client, "tcp", web, 80, "refused"},
			{client, "udp", web, 80, "ok " + address(client)},
			{remote, "udp", web, 8080, "refused"},
		}},
		{"named port of the peer", object("out",
			"{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: remote}}}], ports: [{port: http}]}]}"), []attempt{
			{web, "tcp", remote, 8080, "ok " + address(web)},
			{web, "tcp", remote, 80, "refused"},
			{web, "tcp", client, 8080, "refused"},
		}},
	}
	for _, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			top.enforce(test.manifests)
			for _, try := range test.attempts {
				top.expect(t, try)
			}
		})
	}
}

func (top *topology) expect(t *testing.T, try attempt) {
	t.Helper()
	got := top.flow(try.from, try.network, fmt.Sprintf("%s:%d", address(try.to), try.port), "")
	if got != try.outcome {
		t.Errorf("%s %s -> %s:%d: %q, expected %q\n%s", try.network, try.from, try.to, try.port, got, try.outcome,
			top.in(node1, "nft", "list", "table", "inet", policy.Table))
	}
}

// services stands for kube-proxy in nftables mode: its own table translates
// service addresses before the policy sees the packet.
const services = `table ip test_services {
	chain prerouting {
		type nat hook prerouting priority dstnat;
		ip daddr 10.96.0.9 tcp dport 80 dnat to 10.244.2.2:8080
		ip daddr 10.96.0.10 tcp dport 80 dnat to 10.244.1.2:8080
	}
	chain output {
		type nat hook output priority -100;
		ip daddr 10.96.0.9 tcp dport 80 dnat to 10.244.2.2:8080
	}
	chain postrouting {
		type nat hook postrouting priority srcnat;
		ip saddr 10.244.1.2 ip daddr 10.244.1.2 masquerade
	}
}
`

func TestServices(t *testing.T) {
	top := newTopology(t)
	top.route()
	if err := top.load(node1, services); err != nil {
		t.Fatal(err)
	}
	try := func(from, target, want string) {
		t.Helper()
		if got := top.flow(from, "tcp", target+":80", ""); !strings.HasPrefix(got, want) {
			t.Errorf("%s -> service %s: %q, expected %q", from, target, got, want)
		}
	}
	top.enforce("")
	try(client, "10.96.0.9", "ok "+address(client))
	top.enforce(object("deny", "{podSelector: {}, policyTypes: [Ingress, Egress]}"))
	try(client, "10.96.0.9", "refused")
	try(client, "10.96.0.10", "refused")
	try(web, "10.96.0.10", "ok ") // a pod cannot be kept from itself
	try(node1, "10.96.0.9", "refused")
	if rules := top.in(node1, "nft", "list", "table", "ip", "test_services"); !strings.Contains(rules, "10.96.0.10") {
		t.Errorf("the table of another program was touched:\n%s", rules)
	}
}

func TestSpoofedSourceIsDropped(t *testing.T) {
	top := newTopology(t)
	top.route()
	top.enforce(object("web", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: remote}}}]}]}"))
	if got := top.flow(remote, "udp", address(web)+":80", ""); !strings.HasPrefix(got, "ok") {
		t.Fatalf("the real peer: %q, expected ok", got)
	}
	before := top.counter(node1, "guard")
	top.in(client, "ip", "address", "add", address(remote)+"/32", "dev", "lo")
	for _, target := range []string{address(web), address(node1)} {
		if got := top.flow(client, "udp", target+":80", address(remote)); got != "silent" {
			t.Errorf("spoofed flow to %s: %q, expected silent", target, got)
		}
	}
	if after := top.counter(node1, "guard"); after < before+2 {
		t.Errorf("the guard dropped %d packets, expected 2 or more", after-before)
	}
}

// counter adds up the packets that the last rule of a chain has counted.
func (top *topology) counter(node, chain string) (packets int) {
	top.t.Helper()
	lines := strings.Split(top.in(node, "nft", "list", "chain", "inet", policy.Table, chain), "\n")
	index := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "fib saddr") })
	if index < 0 {
		top.t.Fatalf("chain %s has no rule on the source address:\n%s", chain, strings.Join(lines, "\n"))
	}
	_, rest, _ := strings.Cut(lines[index], "packets ")
	if _, err := fmt.Sscan(rest, &packets); err != nil {
		top.t.Fatalf("read the counter in %q: %v", lines[index], err)
	}
	return packets
}

func TestReplacementIsAtomic(t *testing.T) {
	top := newTopology(t)
	top.route()
	deny := object("deny", denyIngress)
	top.enforce("")
	kept := top.start(client, "stream", address(web)+":80")
	top.enforce(deny)
	if got := kept.ask("hello"); got != "alive" {
		t.Errorf("an established connection answered %q after a policy came, expected alive", got)
	}
	plan, err := policy.Compile(cluster(t, node1, deny))
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			if err := top.load(node1, policy.Render(plan)); err != nil {
				stopped <- err
				return
			}
		}
	}()
	for range 60 {
		if got := top.flow(client, "tcp", address(web)+":80", ""); got != "refused" {
			t.Errorf("flow while rules are replaced: %q, expected refused", got)
		}
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := top.load(node1, policy.Render(plan)+"add rule inet nowhere nothing accept\n"); err == nil {
		t.Error("a broken transaction was accepted")
	}
	if got := top.flow(client, "tcp", address(web)+":80", ""); got != "refused" {
		t.Errorf("flow after a broken transaction: %q, expected the old rules to refuse it", got)
	}
}

func TestRoutes(t *testing.T) {
	top := newTopology(t)
	first := routes.Route{Destination: netip.MustParsePrefix("10.244.2.0/24"), Gateway: netip.MustParseAddr(hostAddress[node2])}
	moved := routes.Route{Destination: first.Destination, Gateway: netip.MustParseAddr(hostAddress[outside])}
	top.in(node1, "ip", "route", "add", "10.99.0.0/24", "via", hostAddress[node2])
	for _, step := range []struct {
		name, want string
		wanted     []routes.Route
	}{
		{"add", "1 0 0", []routes.Route{first}},
		{"again", "0 0 0", []routes.Route{first}},
		{"another gateway", "0 1 0", []routes.Route{moved}},
		{"remove", "0 0 1", nil},
	} {
		if got := top.wantRoutes(node1, step.wanted...); got != step.want {
			t.Errorf("%s: added, replaced, deleted %s, expected %s", step.name, got, step.want)
		}
		shown := top.in(node1, "ip", "-4", "route", "show", "proto", fmt.Sprint(routes.Protocol))
		if count := strings.Count(shown, "via"); count != len(step.wanted) {
			t.Errorf("%s: routes of our protocol:\n%s\nexpected %d", step.name, shown, len(step.wanted))
		}
	}
	if kept := top.in(node1, "ip", "route", "show", "10.99.0.0/24"); !strings.Contains(kept, "via") {
		t.Error("a route of another owner was removed")
	}
	foreign, err := json.Marshal([]routes.Route{{Destination: netip.MustParsePrefix("10.99.0.0/24"), Gateway: first.Gateway}})
	if err != nil {
		t.Fatal(err)
	}
	output, err := top.helper(node1, "routes", string(foreign)).CombinedOutput()
	if err == nil || !strings.Contains(string(output), "not ours") {
		t.Errorf("a foreign route to our destination: %v, %s; expected an error that says so", err, output)
	}
}
