// SPDX-License-Identifier: GPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/biomax-ai/platform/programs/internal/gate"
	"github.com/biomax-ai/platform/programs/internal/program"
	"github.com/biomax-ai/platform/programs/internal/routes"
)

// host records what the agent does to the node, and fails on demand.
type host struct {
	mu        sync.Mutex
	actions   []string
	rules     string
	routes    []routes.Route
	ruleError error
}

func (h *host) did(action string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.actions = append(h.actions, action)
}

func (h *host) snapshot() (actions []string, rules string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.actions), h.rules
}

func (h *host) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ruleError = err
}

func (h *host) act() Actions {
	return Actions{
		ApplyRules: func(_ context.Context, text string) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.ruleError != nil {
				return h.ruleError
			}
			h.actions, h.rules = append(h.actions, "rules"), text
			return nil
		},
		ObserveRoutes: func() ([]routes.Route, error) { return h.routes, nil },
		ApplyRoutes: func(changes routes.Changes) error {
			h.did("routes")
			h.routes = append(h.routes, changes.Add...)
			return nil
		},
		WriteConflist: func(_ string, _ []byte) (bool, error) { h.did("conflist"); return true, nil },
		CheckKernel:   func() error { return nil },
	}
}

func node(name, podCIDR, address string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.NodeSpec{PodCIDR: podCIDR},
		Status:     corev1.NodeStatus{Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}},
	}
}

func pod(name, address string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "app", Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{NodeName: "cp1"},
		Status:     corev1.PodStatus{Phase: corev1.PodPending, PodIP: address},
	}
}

func deny() *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "app", Name: "deny"},
		Spec:       networkingv1.NetworkPolicySpec{PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}},
	}
}

// start runs an agent on a fake API until the test ends.
func start(t *testing.T, host *host, objects ...runtime.Object) (*Agent, *fake.Clientset, *program.Health) {
	t.Helper()
	client, health := fake.NewClientset(objects...), Health()
	agent, err := New(client, Options{
		Node: "cp1", PodSubnet: netip.MustParsePrefix("10.244.0.0/16"), ServiceSubnet: netip.MustParsePrefix("10.96.0.0/12"),
		ConfDir: "/conf", Socket: "/run/gate.sock",
	}, host.act(), health, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- agent.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return agent, client, health
}

// eventually waits for a condition that the agent's loop brings about.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if condition() {
			return
		}
	}
	t.Fatalf("not within 20 s: %s", what)
}

func TestFirstTurnProtectsBeforeItOpens(t *testing.T) {
	host := &host{}
	_, _, health := start(t, host, node("cp1", "10.244.0.0/24", "10.77.0.21"), node("cp2", "10.244.1.0/24", "10.77.0.22"))
	eventually(t, "ready", func() bool { return health.Ready() == nil })
	actions, _ := host.snapshot()
	if got := strings.Join(actions[:3], " "); got != "rules routes conflist" {
		t.Errorf("first actions %q: the CNI configuration lets pods start, so it comes last", got)
	}
	if len(host.routes) != 1 || host.routes[0].Gateway.String() != "10.77.0.22" {
		t.Errorf("routes %v, expected one by way of cp2", host.routes)
	}
}

func TestNoConflistWhileRulesCannotBeApplied(t *testing.T) {
	host := &host{ruleError: errors.New("no nft")}
	_, _, health := start(t, host, node("cp1", "10.244.0.0/24", "10.77.0.21"))
	eventually(t, "the failure shows", func() bool {
		err := health.Ready()
		return err != nil && strings.Contains(err.Error(), "policy: apply network policies: no nft")
	})
	if actions, _ := host.snapshot(); slices.Contains(actions, "conflist") {
		t.Errorf("actions %q: pods may start though nothing protects them", actions)
	}
	host.fail(nil)
	eventually(t, "ready by a retry", func() bool { return health.Ready() == nil })
}

func TestWaitsForThePodRange(t *testing.T) {
	host := &host{}
	_, client, health := start(t, host, node("cp1", "", "10.77.0.21"))
	eventually(t, "the missing range shows", func() bool {
		return strings.Contains(health.Ready().Error(), "node cp1 has no podCIDR yet")
	})
	if _, err := client.CoreV1().Nodes().Update(t.Context(), node("cp1", "10.244.0.0/24", "10.77.0.21"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ready", func() bool { return health.Ready() == nil })
}

func TestPolicyChangeIsApplied(t *testing.T) {
	host := &host{}
	_, client, health := start(t, host, node("cp1", "10.244.0.0/24", "10.77.0.21"), pod("web", "10.244.0.2"))
	eventually(t, "ready", func() bool { return health.Ready() == nil })
	if _, rules := host.snapshot(); strings.Contains(rules, "10.244.0.2 : jump") {
		t.Fatal("isolated without a policy")
	}
	if _, err := client.NetworkingV1().NetworkPolicies("app").Create(t.Context(), deny(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the pod is isolated", func() bool {
		_, rules := host.snapshot()
		return strings.Contains(rules, "10.244.0.2 : jump ingress_")
	})
}

func TestAdmitIsolatesBeforeTheAPIShowsTheAddress(t *testing.T) {
	host := &host{}
	agent, client, health := start(t, host, node("cp1", "10.244.0.0/24", "10.77.0.21"), pod("web", ""), deny())
	eventually(t, "ready", func() bool { return health.Ready() == nil })
	request := gate.Pod{Namespace: "app", Name: "web", UID: "uid-web", Address: netip.MustParseAddr("10.244.0.7")}
	if err := agent.Admit(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	if _, rules := host.snapshot(); !strings.Contains(rules, "10.244.0.7 : jump ingress_") {
		t.Error("the pod was admitted without rules")
	}
	if _, err := client.CoreV1().Pods("app").Update(t.Context(), pod("web", "10.244.0.7"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the announcement is forgotten", func() bool {
		agent.starting.mu.Lock()
		defer agent.starting.mu.Unlock()
		return len(agent.starting.pods) == 0
	})
	if _, rules := host.snapshot(); !strings.Contains(rules, "10.244.0.7 : jump ingress_") {
		t.Error("the pod lost its rules when the API showed its address")
	}
}

func TestAdmitFailsWithoutRules(t *testing.T) {
	host := &host{}
	agent, _, health := start(t, host, node("cp1", "10.244.0.0/24", "10.77.0.21"), pod("web", ""), deny())
	eventually(t, "ready", func() bool { return health.Ready() == nil })
	host.fail(errors.New("no nft"))
	request := gate.Pod{Namespace: "app", Name: "web", UID: "uid-web", Address: netip.MustParseAddr("10.244.0.7")}
	if err := agent.Admit(t.Context(), request); err == nil || !strings.Contains(err.Error(), "no nft") {
		t.Errorf("error %v, expected the reason", err)
	}
}

func TestAdmitRefusesAnUnknownPod(t *testing.T) {
	static := pod("static", "")
	static.Annotations = map[string]string{staticPodHash: "hash"}
	host := &host{}
	agent, _, health := start(t, host, node("cp1", "10.244.0.0/24", "10.77.0.21"), pod("web", ""), static)
	eventually(t, "ready", func() bool { return health.Ready() == nil })
	for name, test := range map[string]struct {
		pod, uid string
		admitted bool
	}{
		"another pod of that name": {"web", "uid-earlier", false},
		"no such pod":              {"gone", "uid-gone", false},
		"static pod by its hash":   {"static", "hash", true},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		err := agent.Admit(ctx, gate.Pod{Namespace: "app", Name: test.pod, UID: test.uid, Address: netip.MustParseAddr("10.244.0.7")})
		cancel()
		if (err == nil) != test.admitted {
			t.Errorf("%s: error %v, expected admitted %v", name, err, test.admitted)
		}
	}
}

func TestTurnRepairsOnlyWhenAsked(t *testing.T) {
	host := &host{}
	agent, err := New(fake.NewClientset(node("cp1", "10.244.0.0/24", "10.77.0.21")),
		Options{Node: "cp1", PodSubnet: netip.MustParsePrefix("10.244.0.0/16"), ServiceSubnet: netip.MustParsePrefix("10.96.0.0/12")},
		host.act(), Health(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.state.start(t.Context(), agent.waiting); err != nil {
		t.Fatal(err)
	}
	for index, step := range []struct {
		repair bool
		total  int
	}{{false, 1}, {false, 1}, {true, 2}, {false, 2}} {
		if err := agent.turn(t.Context(), step.repair); err != nil {
			t.Fatal(err)
		}
		actions, _ := host.snapshot()
		applied := len(slices.DeleteFunc(actions, func(action string) bool { return action != "rules" }))
		if applied != step.total {
			t.Errorf("turn %d: rules applied %d times so far, expected %d", index, applied, step.total)
		}
	}
}

func TestWaitingForTheAPIIsTold(t *testing.T) {
	agent, err := New(fake.NewClientset(), Options{}, (&host{}).act(), Health(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	agent.waiting(errors.New("no way to the API"))
	if got := agent.health.Ready().Error(); !strings.Contains(got, "state: no way to the API") {
		t.Errorf("readiness %q, expected the reason", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := agent.Run(ctx); err != nil {
		t.Errorf("told to stop while it waits: %v, expected no error", err)
	}
}

func TestStartingForgets(t *testing.T) {
	now := time.Now()
	s := newStarting(func() time.Time { return now })
	first, second := netip.MustParseAddr("10.244.0.2"), netip.MustParseAddr("10.244.0.3")
	s.add(first, "a")
	s.add(second, "a")
	if got := s.current(nil); len(got) != 1 || got[second] != "a" {
		t.Errorf("%v, expected only the latest address of a pod", got)
	}
	now = now.Add(forgetAfter + time.Second)
	if got := s.current(nil); len(got) != 0 {
		t.Errorf("%v, expected a pod that never appeared to be forgotten", got)
	}
}
