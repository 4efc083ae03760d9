// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func endpoint(node, pod, address string, terminating bool) discoveryv1.Endpoint {
	return discoveryv1.Endpoint{
		NodeName: &node, Addresses: []string{address}, TargetRef: &corev1.ObjectReference{Name: pod},
		Conditions: discoveryv1.EndpointConditions{Terminating: &terminating},
	}
}

func service(clusterIP string, ports ...int32) *corev1.Service {
	result := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "network-probe"}, Spec: corev1.ServiceSpec{ClusterIP: clusterIP}}
	for _, port := range ports {
		result.Spec.Ports = append(result.Spec.Ports, corev1.ServicePort{Port: port})
	}
	return result
}

func TestPlan(t *testing.T) {
	own := endpoint("a", "pod-a", "10.244.0.2", false)
	for _, test := range []struct {
		name      string
		service   *corev1.Service
		endpoints []discoveryv1.Endpoint
		peers     []Target
		address   string
		missing   string
	}{
		{"alone", service("10.96.0.5", 80), []discoveryv1.Endpoint{own}, nil, "10.96.0.5:80", ""},
		{"sorted", service("10.96.0.5", 80),
			[]discoveryv1.Endpoint{endpoint("c", "pod-c", "10.244.2.2", false), own, endpoint("b", "pod-b", "10.244.1.2", false)},
			[]Target{{"b", "pod-b", "10.244.1.2"}, {"c", "pod-c", "10.244.2.2"}}, "10.96.0.5:80", ""},
		{"a pod that ends gives way", service("10.96.0.5", 80),
			[]discoveryv1.Endpoint{endpoint("b", "old", "10.244.1.2", true), endpoint("b", "new", "10.244.1.3", false), own},
			[]Target{{"b", "new", "10.244.1.3"}}, "10.96.0.5:80", ""},
		{"in either order", service("10.96.0.5", 80),
			[]discoveryv1.Endpoint{endpoint("b", "new", "10.244.1.3", false), endpoint("b", "old", "10.244.1.2", true), own},
			[]Target{{"b", "new", "10.244.1.3"}}, "10.96.0.5:80", ""},
		{"no endpoint", service("10.96.0.5", 80), nil, nil, "10.96.0.5:80", "has no endpoints"},
		{"no node name", service("10.96.0.5", 80), []discoveryv1.Endpoint{{Addresses: []string{"10.244.1.2"}}}, nil, "10.96.0.5:80", "has no endpoints"},
		{"headless", service("None", 80), []discoveryv1.Endpoint{own}, nil, "", `clusterIP "None"`},
		{"no port", service("10.96.0.5"), []discoveryv1.Endpoint{own}, nil, "", "0 ports"},
	} {
		got := plan("a", test.service, []*discoveryv1.EndpointSlice{{Endpoints: test.endpoints}})
		if !reflect.DeepEqual(got.Peers, test.peers) || got.Service != test.address {
			t.Errorf("%s: %+v, expected peers %v and service %s", test.name, got, test.peers, test.address)
		}
		if text := strings.Join(got.Missing, "; "); (text == "") != (test.missing == "") || !strings.Contains(text, test.missing) {
			t.Errorf("%s: missing %q, expected %q", test.name, text, test.missing)
		}
	}
}

func TestDiscovery(t *testing.T) {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "network-probe-x", Labels: map[string]string{discoveryv1.LabelServiceName: "network-probe"}},
		Endpoints:  []discoveryv1.Endpoint{endpoint("b", "pod-b", "10.244.1.2", false)},
	}
	discovery := Discover(t.Context(), fake.NewClientset(service("10.96.0.5", 80), slice), "a", "ns", "network-probe")
	deadline := time.Now().Add(20 * time.Second)
	for len(discovery.Targets().Missing) > 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if got := discovery.Targets(); len(got.Peers) != 1 || got.Service != "10.96.0.5:80" {
		t.Errorf("%+v, expected one peer and the service", got)
	}
	absent := Discover(t.Context(), fake.NewClientset(), "a", "ns", "network-probe")
	for time.Now().Before(deadline) && !strings.Contains(strings.Join(absent.Targets().Missing, ""), "find Service") {
		time.Sleep(5 * time.Millisecond)
	}
	if text := strings.Join(absent.Targets().Missing, ""); !strings.Contains(text, "find Service ns/network-probe") {
		t.Errorf("missing %q, expected the Service's name", text)
	}
}

func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		connected, known, listening bool
		want                        Verdict
	}{
		{false, true, true, Refused},
		{false, true, false, Unproven}, // a dead listener refuses too
		{false, false, false, Unproven},
		{true, true, true, Reachable},
		{true, false, false, Reachable},
	} {
		if got := verdict(test.connected, test.known, test.listening); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

// pretend is a peer: it answers /ok as told, and its closed port is open or not.
func pretend(t *testing.T, answer okAnswer, closedPortOpen bool) (address string, open, closed int) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ok" {
			w.WriteHeader(http.StatusNotFound)
		}
		reply(w, http.StatusOK, answer)
	}))
	t.Cleanup(server.Close)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // may be closed already
	if !closedPortOpen {
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return "127.0.0.1", server.Listener.Addr().(*net.TCPAddr).Port, listener.Addr().(*net.TCPAddr).Port
}

func TestRound(t *testing.T) {
	resolves := func(context.Context, string) ([]string, error) { return []string{"10.96.0.1"}, nil }
	for _, test := range []struct {
		name     string
		answer   okAnswer
		open     bool
		lookup   func(context.Context, string) ([]string, error)
		verdict  Verdict
		problems []string
	}{
		{"forbidden port is reachable", okAnswer{"b", "pod-b", true}, true, resolves, Reachable, []string{"node b is reachable"}},
		{"its listener is dead", okAnswer{"b", "pod-b", false}, false, resolves, Unproven,
			[]string{"node b is unproven", "own listener"}},
		{"another node answers", okAnswer{"c", "pod-c", true}, true, resolves, Reachable,
			[]string{"pod pod-b on node b", "answered by node c"}},
		{"DNS fails", okAnswer{"b", "pod-b", true}, true, func(context.Context, string) ([]string, error) { return nil, errors.New("no such host") }, Reachable,
			[]string{"DNS name kubernetes.example does not resolve: no such host"}},
	} {
		address, open, closed := pretend(t, test.answer, test.open)
		prober := &Prober{
			Node: "a", Pod: "pod-a", DNSName: "kubernetes.example", OpenPort: open, ForbiddenPort: closed,
			KubeletAddress: net.JoinHostPort(address, strconv.Itoa(open)), LookupHost: test.lookup,
			Targets: func() Targets {
				return Targets{Peers: []Target{{"b", "pod-b", address}}, Service: net.JoinHostPort(address, strconv.Itoa(open))}
			},
		}
		results := prober.Round(t.Context())
		if results.Forbidden["b"] != test.verdict || results.OK || !results.OwnNode.OK || !results.Service.OK {
			t.Errorf("%s: %+v, expected verdict %s", test.name, results, test.verdict)
		}
		text := strings.Join(results.Problems, "\n")
		for _, problem := range test.problems {
			if !strings.Contains(text, problem) {
				t.Errorf("%s: problems %q, expected %q", test.name, text, problem)
			}
		}
	}
}

// On one machine no policy separates the peer from the prober: a peer that says
// it listens while its port is closed stands for one behind a policy.
func TestRoundIsOKBehindAPolicy(t *testing.T) {
	address, open, closed := pretend(t, okAnswer{"b", "pod-b", true}, false)
	prober := &Prober{
		Node: "a", DNSName: "x", OpenPort: open, ForbiddenPort: closed, KubeletAddress: net.JoinHostPort(address, strconv.Itoa(open)),
		LookupHost: func(_ context.Context, name string) ([]string, error) {
			if name != "x." {
				return nil, errors.New("the search list was used")
			}
			return []string{"10.96.0.1"}, nil
		},
		Targets: func() Targets { return Targets{Peers: []Target{{"b", "pod-b", address}}} },
	}
	results := prober.Round(t.Context())
	if results.Forbidden["b"] != Refused || !results.Peers["b"].OK || !results.DNS.OK {
		t.Errorf("%+v, expected a refusal and a peer that answers", results)
	}
	if results.OK || !strings.Contains(strings.Join(results.Problems, "\n"), "the Service is not known yet") {
		t.Errorf("problems %q, expected the missing service", results.Problems)
	}
}

func TestConclude(t *testing.T) {
	healthy := Results{OwnNode: Check{OK: true}, DNS: DNS{OK: true}, Service: Check{OK: true}, ForbiddenListening: true}
	conclude(&healthy, nil)
	if !healthy.OK {
		t.Errorf("problems %q, expected none", healthy.Problems)
	}
	conclude(&healthy, []string{"no API"})
	if healthy.OK || len(healthy.Problems) != 1 {
		t.Errorf("problems %q, expected what was missing", healthy.Problems)
	}
}

func TestJSONIsStable(t *testing.T) {
	results := Results{Node: "a", CheckedAt: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Peers: map[string]Peer{"b": {Pod: "p"}},
		Forbidden: map[string]Verdict{}, DNS: DNS{Answers: []string{}}, OwnNode: Check{OK: true}, Service: Check{OK: true}, ForbiddenListening: true}
	conclude(&results, nil)
	text, err := json.Marshal(results)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"node":"a","pod":"","address":"","checked_at":"2026-01-01T00:00:00Z","round_seconds":0,"ok":false,` +
		`"peers":{"b":{"pod":"p","address":"","ok":false,"seconds":0,"error":""}},` +
		`"own_node":{"address":"","ok":true,"seconds":0,"error":""},` +
		`"dns":{"name":"","answers":[],"ok":false,"seconds":0,"error":""},` +
		`"service":{"address":"","ok":true,"seconds":0,"error":""},"forbidden":{},"forbidden_listening":true,` +
		`"problems":["pod p on node b () does not answer: ","DNS name  does not resolve: "]}`
	if string(text) != want {
		t.Errorf("%s\nexpected\n%s", text, want)
	}
}

func TestHandler(t *testing.T) {
	rounds := make(chan Results)
	loop := NewLoop(time.Hour, func(context.Context) Results { return <-rounds }, slog.New(slog.DiscardHandler))
	handler := Handler(&Prober{Node: "a", Pod: "pod-a", ForbiddenPort: 1}, loop)
	ask := func(path string) (int, string) {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
		return recorder.Code, strings.TrimSpace(recorder.Body.String())
	}
	if status, text := ask("/results"); status != 503 || !strings.Contains(text, "first round") {
		t.Errorf("before a round: %d %s", status, text)
	}
	if status, text := ask("/ok"); status != 200 || text != `{"node":"a","pod":"pod-a","forbidden_listening":false}` {
		t.Errorf("/ok: %d %s", status, text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx) }()
	rounds <- Results{Node: "first"}
	go func() { rounds <- Results{Node: "second"} }()
	if status, text := ask("/results?fresh=1"); status != 200 || !strings.Contains(text, `"node":"second"`) {
		t.Errorf("fresh: %d %s, expected a round that began after the question", status, text)
	}
	if status, text := ask("/results"); status != 200 || !strings.Contains(text, `"node":"second"`) {
		t.Errorf("last: %d %s", status, text)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := loop.Fresh(stopped); err == nil {
		t.Error("a round on demand without a running loop was no error")
	}
}

func TestOneRoundAnswersAllWhoWait(t *testing.T) {
	release, rounds := make(chan struct{}), 0
	loop := NewLoop(time.Hour, func(context.Context) Results { <-release; rounds++; return Results{} }, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- loop.Run(ctx) }()
	answers := make(chan error, 5)
	for range 5 {
		go func() { _, err := loop.Fresh(ctx); answers <- err }()
	}
	time.Sleep(50 * time.Millisecond) // all five wait behind the first round
	close(release)
	for range 5 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if rounds > 3 {
		t.Errorf("%d rounds for five questions at once, expected the running one and one more", rounds)
	}
}
