// SPDX-License-Identifier: GPL-3.0-or-later

package routes

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var subnet = netip.MustParsePrefix("10.244.0.0/16")

func node(name, podCIDR string, addresses ...string) *corev1.Node {
	result := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.NodeSpec{PodCIDR: podCIDR}}
	result.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeHostName, Address: name}}
	for _, address := range addresses {
		result.Status.Addresses = append(result.Status.Addresses, corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: address})
	}
	return result
}

func route(destination, gateway string) Route {
	return Route{netip.MustParsePrefix(destination), netip.MustParseAddr(gateway)}
}

func TestWanted(t *testing.T) {
	for _, test := range []struct {
		name    string
		nodes   []*corev1.Node
		want    []Route
		problem string
	}{
		{"no node", nil, nil, ""},
		{"only the own node", []*corev1.Node{node("a", "10.244.0.0/24", "10.77.0.1")}, nil, ""},
		{"two others, sorted by name", []*corev1.Node{
			node("c", "10.244.2.0/24", "10.77.0.3"), node("a", "10.244.0.0/24", "10.77.0.1"), node("b", "10.244.1.0/24", "2001:db8::1", "10.77.0.2"),
		}, []Route{route("10.244.1.0/24", "10.77.0.2"), route("10.244.2.0/24", "10.77.0.3")}, ""},
		{"no range yet", []*corev1.Node{node("b", "", "10.77.0.2")}, nil, ""},
		{"no address", []*corev1.Node{node("b", "10.244.1.0/24")}, nil, "node b has no IPv4 InternalIP"},
		{"range outside the subnet", []*corev1.Node{node("b", "10.245.1.0/24", "10.77.0.2")}, nil, "outside --pod-subnet 10.244.0.0/16"},
		{"range wider than the subnet", []*corev1.Node{node("b", "10.244.0.0/15", "10.77.0.2")}, nil, "outside --pod-subnet"},
		{"IPv6", []*corev1.Node{node("b", "2001:db8::/64", "10.77.0.2")}, nil, "IPv4 only"},
		{"unreadable", []*corev1.Node{node("b", "10.244.1.0", "10.77.0.2")}, nil, `podCIDR "10.244.1.0"`},
		{"one range twice", []*corev1.Node{node("b", "10.244.1.0/24", "10.77.0.2"), node("c", "10.244.1.0/24", "10.77.0.3")},
			[]Route{route("10.244.1.0/24", "10.77.0.2")}, "nodes b and c both have podCIDR"},
		{"a bad node does not harm a good one", []*corev1.Node{node("b", "x", "10.77.0.2"), node("c", "10.244.2.0/24", "10.77.0.3")},
			[]Route{route("10.244.2.0/24", "10.77.0.3")}, "node b"},
	} {
		got, problems := Wanted("a", subnet, test.nodes)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %v, expected %v", test.name, got, test.want)
		}
		if text := strings.Join(problems, "; "); (test.problem == "") != (text == "") || !strings.Contains(text, test.problem) {
			t.Errorf("%s: problems %q, expected %q", test.name, text, test.problem)
		}
	}
}

func TestPlan(t *testing.T) {
	b, c := route("10.244.1.0/24", "10.77.0.2"), route("10.244.2.0/24", "10.77.0.3")
	moved := route("10.244.1.0/24", "10.77.0.9")
	for _, test := range []struct {
		name             string
		observed, wanted []Route
		changes          Changes
	}{
		{"nothing", nil, nil, Changes{}},
		{"equal", []Route{b, c}, []Route{c, b}, Changes{}},
		{"add", []Route{b}, []Route{b, c}, Changes{Add: []Route{c}}},
		{"delete", []Route{b, c}, []Route{c}, Changes{Delete: []Route{b}}},
		{"replace", []Route{b, c}, []Route{moved, c}, Changes{Replace: []Route{moved}}},
	} {
		if got := Plan(test.observed, test.wanted); !reflect.DeepEqual(got, test.changes) {
			t.Errorf("%s: %+v, expected %+v", test.name, got, test.changes)
		}
	}
}
