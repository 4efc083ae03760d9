// SPDX-License-Identifier: GPL-3.0-or-later

// Command kubelet-csr-approver approves serving certificates of kubelets whose
// name and addresses are those of the inventory. One replica acts, chosen by a
// Lease; the others wait.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"

	"github.com/biomax-ai/platform/programs/internal/csr"
	"github.com/biomax-ai/platform/programs/internal/program"
)

const name = "kubelet-csr-approver"

func main() { program.Run(name, run) }

type settings struct {
	allowedFile, domain, leaseNamespace, leaseName string
	identity, kubeconfig, healthAddress            string
}

func parse() (settings, error) {
	var s settings
	flag.StringVar(&s.allowedFile, "allowed-file", "", `JSON file {"nodes": {"<name>": ["<address>", …]}}`)
	flag.StringVar(&s.domain, "domain", "", "site domain: a node may also ask for <name>.<domain>")
	flag.StringVar(&s.leaseNamespace, "lease-namespace", "", "namespace of the leader's Lease")
	flag.StringVar(&s.leaseName, "lease-name", name, "name of the leader's Lease")
	flag.StringVar(&s.identity, "identity", os.Getenv("POD_NAME"), "this replica's name in the Lease (default $POD_NAME)")
	flag.StringVar(&s.healthAddress, "health-address", "127.0.0.1:9912", "address of /healthz and /readyz")
	flag.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig file instead of the pod's service account")
	flag.Parse()
	for flagName, value := range map[string]string{
		"allowed-file": s.allowedFile, "lease-namespace": s.leaseNamespace, "identity": s.identity,
	} {
		if value == "" {
			return s, fmt.Errorf("--%s: empty", flagName)
		}
	}
	return s, nil
}

func run(ctx context.Context, log *slog.Logger) error {
	s, err := parse()
	if err != nil {
		return err
	}
	client, err := program.Client(s.kubeconfig, name)
	if err != nil {
		return err
	}
	health := program.NewHealth(2*time.Minute, "allowed")
	listener, err := net.Listen("tcp", s.healthAddress)
	if err != nil {
		return fmt.Errorf("listen for health checks: %w", err)
	}
	var leading atomic.Bool
	allowed := func() (csr.Allowed, error) {
		list, err := csr.ReadAllowed(s.allowedFile)
		health.Set("allowed", err)
		return list, err
	}
	return program.Together(ctx,
		func(ctx context.Context) error { return program.Serve(ctx, listener, health.Handler()) },
		func(ctx context.Context) error { return standBy(ctx, health, &leading, allowed) },
		func(ctx context.Context) error { return elect(ctx, client, s, health, &leading, allowed, log) },
	)
}

// standBy checks the list in every replica: one that could not act as the leader
// must show it before it is one. The leader's own loop says that it is alive.
func standBy(
	ctx context.Context, health *program.Health, leading *atomic.Bool, allowed func() (csr.Allowed, error),
) error {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		if _, err := allowed(); err != nil {
			slog.Warn("the list cannot be used", "error", err.Error())
		}
		if !leading.Load() {
			health.Beat()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// elect runs the controller while this replica holds the Lease. Losing it ends
// the program, so that no second copy of the controller can go on.
func elect(
	ctx context.Context, client kubernetes.Interface, s settings, health *program.Health, leading *atomic.Bool,
	allowed func() (csr.Allowed, error), log *slog.Logger,
) error {
	term, cancel := context.WithCancel(ctx)
	defer cancel()
	broadcaster := record.NewBroadcaster()
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	controller := &csr.Controller{
		Client: client, Allowed: allowed, Domain: s.domain, Log: log, Beat: health.Beat,
		Recorder: broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: name}),
	}
	failed := make(chan error, 1)
	elector, err := newElector(client, s, leaderelection.LeaderCallbacks{
		OnStartedLeading: func(ctx context.Context) {
			log.Info("leading", "identity", s.identity)
			leading.Store(true)
			defer cancel()
			failed <- controller.Run(ctx)
		},
		OnStoppedLeading: func() { log.Info("not leading", "identity", s.identity) },
	})
	if err != nil {
		return fmt.Errorf("set up the election: %w", err)
	}
	elector.Run(term)
	if ctx.Err() != nil {
		return nil
	}
	select {
	case err = <-failed:
	default:
	}
	return errors.Join(fmt.Errorf("the term as holder of Lease %s/%s has ended", s.leaseNamespace, s.leaseName), err)
}

func newElector(
	client kubernetes.Interface, s settings, callbacks leaderelection.LeaderCallbacks,
) (*leaderelection.LeaderElector, error) {
	return leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: s.leaseName, ReleaseOnCancel: true, Callbacks: callbacks,
		LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: s.leaseNamespace, Name: s.leaseName},
			Client:     client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: s.identity},
		},
	})
}
