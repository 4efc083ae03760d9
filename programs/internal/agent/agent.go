// SPDX-License-Identifier: GPL-3.0-or-later

// Package agent is the main loop of routed-network: it watches the API and keeps
// the node's routes, packet rules and CNI configuration as they should be.
package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/biomax-ai/platform/programs/internal/cni"
	"github.com/biomax-ai/platform/programs/internal/gate"
	"github.com/biomax-ai/platform/programs/internal/policy"
	"github.com/biomax-ai/platform/programs/internal/program"
	"github.com/biomax-ai/platform/programs/internal/routes"
)

// Conditions of the agent's readiness.
const (
	conditionState  = "state"
	conditionRoutes = "routes"
	conditionPolicy = "policy"
	conditionCNI    = "cni"
	conditionKernel = "kernel"
)

const (
	debounce     = 100 * time.Millisecond // gathers the events of one change
	fullResync   = 60 * time.Second       // repairs what somebody changed by hand
	retryFirst   = time.Second
	retryLongest = 30 * time.Second
)

// Options are the agent's settings.
type Options struct {
	Node                     string
	PodSubnet, ServiceSubnet netip.Prefix
	MTU                      int
	ConfDir, BinDir, Socket  string
}

// Actions are the agent's hands; tests replace them.
type Actions struct {
	ApplyRules    func(ctx context.Context, text string) error
	ObserveRoutes func() ([]routes.Route, error)
	ApplyRoutes   func(routes.Changes) error
	WriteConflist func(path string, content []byte) (bool, error)
	CheckKernel   func() error
}

// Agent keeps one node's pod network.
type Agent struct {
	options  Options
	actions  Actions
	log      *slog.Logger
	health   *program.Health
	state    *state
	starting *starting
	events   chan struct{}
	admits   chan chan error
	applied  string
}

// Health declares the readiness conditions of an agent.
func Health() *program.Health {
	return program.NewHealth(3*fullResync, conditionState, conditionRoutes, conditionPolicy, conditionCNI, conditionKernel)
}

// New prepares an agent. Run starts it.
func New(client kubernetes.Interface, options Options, actions Actions, health *program.Health, log *slog.Logger) (*Agent, error) {
	agent := &Agent{
		options: options, actions: actions, log: log, health: health,
		starting: newStarting(time.Now),
		events:   make(chan struct{}, 1),
		admits:   make(chan chan error, 64),
	}
	var err error
	agent.state, err = newState(client, agent.changed)
	return agent, err
}

// changed asks for a turn of the loop; further events before it are one.
func (a *Agent) changed() {
	select {
	case a.events <- struct{}{}:
	default:
	}
}

// Run keeps the node until the context ends. Rules, routes and configuration
// stay in place then: a restart of the agent interrupts nothing.
func (a *Agent) Run(ctx context.Context) error {
	if err := a.state.start(ctx, a.waiting); err != nil {
		if ctx.Err() != nil {
			return nil // told to stop while the API was out of reach
		}
		return err
	}
	resync := time.NewTicker(fullResync)
	defer resync.Stop()
	retry, delay := time.NewTimer(0), retryFirst
	defer retry.Stop()
	for {
		var waiting []chan error
		repair := false
		select {
		case <-ctx.Done():
			return nil
		case <-a.events:
			pause(ctx, debounce)
		case answer := <-a.admits:
			waiting = append(waiting, answer)
		case <-resync.C:
			repair = true
		case <-retry.C:
		}
		waiting = append(waiting, a.drain()...)
		err := a.turn(ctx, repair)
		for _, answer := range waiting {
			answer <- err
		}
		retry.Stop()
		if err == nil {
			delay = retryFirst
			continue
		}
		a.log.Error("turn failed", "error", err.Error(), "retry_seconds", delay.Seconds())
		retry.Reset(delay)
		delay = min(2*delay, retryLongest)
	}
}

// waiting says why nothing happens yet. It counts as a turn: ending the program
// would not bring the API closer.
func (a *Agent) waiting(reason error) {
	a.log.Warn("waiting", "reason", reason.Error())
	a.health.Set(conditionState, reason)
	a.health.Beat()
}

// drain takes the requests and events that this turn will answer too.
func (a *Agent) drain() (waiting []chan error) {
	for {
		select {
		case answer := <-a.admits:
			waiting = append(waiting, answer)
		case <-a.events:
		default:
			return waiting
		}
	}
}

func pause(ctx context.Context, duration time.Duration) {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// turn brings the node to what the API says now. repair applies the rules even
// if they have not changed. The order matters on a fresh node: rules and routes
// come before the CNI configuration, which lets the first pod start.
func (a *Agent) turn(ctx context.Context, repair bool) error {
	defer a.health.Beat()
	kernel := a.actions.CheckKernel()
	a.health.Set(conditionKernel, kernel)
	in, nodes, err := a.state.snapshot(a.options)
	a.health.Set(conditionState, err)
	if err != nil {
		return err
	}
	in.Starting = a.starting.current(in.Pods)
	rules := a.applyPolicy(ctx, in, repair)
	a.health.Set(conditionPolicy, rules)
	wanted, problems := routes.Wanted(a.options.Node, a.options.PodSubnet, nodes)
	paths := errors.Join(a.applyRoutes(wanted), joinProblems(problems))
	a.health.Set(conditionRoutes, paths)
	if rules != nil {
		return errors.Join(kernel, rules, paths)
	}
	conflist := a.applyConflist(in.PodCIDR)
	a.health.Set(conditionCNI, conflist)
	return errors.Join(kernel, paths, conflist)
}

func joinProblems(problems []string) error {
	if len(problems) == 0 {
		return nil
	}
	return errors.New(strings.Join(problems, "; "))
}

func (a *Agent) applyPolicy(ctx context.Context, in policy.Input, repair bool) error {
	plan, err := policy.Compile(in)
	if err != nil {
		return fmt.Errorf("compile network policies (the last good rules stay in force): %w", err)
	}
	text := policy.Render(plan)
	if text == a.applied && !repair {
		return nil
	}
	began := time.Now()
	if err := a.actions.ApplyRules(ctx, text); err != nil {
		return fmt.Errorf("apply network policies: %w", err)
	}
	if text != a.applied {
		a.log.Info("rules applied", "chains", len(plan.Chains), "bytes", len(text),
			"isolated_ingress", len(plan.Isolated[policy.Ingress]), "isolated_egress", len(plan.Isolated[policy.Egress]),
			"seconds", time.Since(began).Seconds())
		for _, warning := range plan.Warnings {
			a.log.Warn("policy cannot be honoured as written", "detail", warning)
		}
	}
	a.applied = text
	return nil
}

func (a *Agent) applyRoutes(wanted []routes.Route) error {
	observed, err := a.actions.ObserveRoutes()
	if err != nil {
		return err
	}
	changes := routes.Plan(observed, wanted)
	if changes.Empty() {
		return nil
	}
	a.log.Info("routes change", "add", changes.Add, "replace", changes.Replace, "delete", changes.Delete)
	return a.actions.ApplyRoutes(changes)
}

func (a *Agent) applyConflist(podCIDR netip.Prefix) error {
	content, err := cni.Conflist(podCIDR, a.options.MTU, a.options.Socket)
	if err != nil {
		return err
	}
	path := filepath.Join(a.options.ConfDir, cni.FileName)
	changed, err := a.actions.WriteConflist(path, content)
	if changed {
		a.log.Info("CNI configuration written", "file", path, "pod_cidr", podCIDR)
	}
	return err
}

// Admit returns nil when the policies of a starting pod are in force. It is
// called by the gate, in goroutines of its own.
func (a *Agent) Admit(ctx context.Context, pod gate.Pod) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	uid, err := a.awaitPod(ctx, pod)
	if err != nil {
		return err
	}
	a.starting.add(pod.Address, uid)
	answer := make(chan error, 1)
	select {
	case a.admits <- answer:
	case <-ctx.Done():
		return fmt.Errorf("hand the pod to the agent's loop: %w", ctx.Err())
	}
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the agent's loop: %w", ctx.Err())
	}
}

// awaitPod waits until the watch has brought the pod, since the kubelet may be
// ahead of it, and returns the UID that the API knows it by.
func (a *Agent) awaitPod(ctx context.Context, pod gate.Pod) (types.UID, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		known, err := a.state.pods.Pods(pod.Namespace).Get(pod.Name)
		if err == nil && (string(known.UID) == pod.UID || known.Annotations[staticPodHash] == pod.UID) {
			return known.UID, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return "", fmt.Errorf("pod %s/%s with uid %s is not among the pods that the API shows: %w",
				pod.Namespace, pod.Name, pod.UID, ctx.Err())
		}
	}
}
