// SPDX-License-Identifier: GPL-3.0-or-later

// Command network-probe runs on every node and measures, every few seconds, what
// the pod network promises. GET /results tells the last round.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"time"

	"github.com/biomax-ai/platform/programs/internal/probe"
	"github.com/biomax-ai/platform/programs/internal/program"
)

const (
	openPort      = 8080
	forbiddenPort = 8081
	kubeletPort   = 10250
)

func main() { program.Run("network-probe", run) }

type settings struct {
	node, pod, podAddress, nodeAddress, namespace string
	service, dnsName, kubeconfig                  string
	interval                                      time.Duration
}

func parse() (settings, error) {
	var s settings
	flag.StringVar(&s.node, "node-name", "", "name of the node")
	flag.StringVar(&s.pod, "pod-name", "", "name of this pod")
	flag.StringVar(&s.podAddress, "pod-address", "", "address of this pod, shown in the results")
	flag.StringVar(&s.nodeAddress, "node-address", "", "address of the node")
	flag.StringVar(&s.namespace, "namespace", "", "namespace of this pod")
	flag.StringVar(&s.service, "service", "network-probe", "name of the Service in front of all probe pods")
	flag.StringVar(&s.dnsName, "dns-name", "kubernetes.default.svc.cluster.local", "name to resolve, complete")
	flag.DurationVar(&s.interval, "interval", 5*time.Second, "time between rounds")
	flag.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig file instead of the pod's service account")
	flag.Parse()
	for name, value := range map[string]string{
		"node-name": s.node, "pod-name": s.pod, "node-address": s.nodeAddress, "namespace": s.namespace,
	} {
		if value == "" {
			return s, fmt.Errorf("--%s: empty", name)
		}
	}
	if s.interval < time.Second {
		return s, fmt.Errorf("--interval: %s is below one second", s.interval)
	}
	return s, nil
}

func run(ctx context.Context, log *slog.Logger) error {
	s, err := parse()
	if err != nil {
		return err
	}
	client, err := program.Client(s.kubeconfig, "network-probe")
	if err != nil {
		return err
	}
	open, err := net.Listen("tcp", fmt.Sprintf(":%d", openPort))
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	forbidden, err := net.Listen("tcp", fmt.Sprintf(":%d", forbiddenPort))
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), open.Close())
	}
	discovery := probe.Discover(ctx, client, s.node, s.namespace, s.service)
	prober := &probe.Prober{
		Node: s.node, Pod: s.pod, Address: s.podAddress, DNSName: s.dnsName,
		KubeletAddress: net.JoinHostPort(s.nodeAddress, strconv.Itoa(kubeletPort)),
		OpenPort:       openPort, ForbiddenPort: forbiddenPort,
		Targets: discovery.Targets, LookupHost: net.DefaultResolver.LookupHost,
	}
	loop := probe.NewLoop(s.interval, prober.Round, log.With("node", s.node))
	return program.Together(ctx,
		func(ctx context.Context) error { return program.Serve(ctx, open, probe.Handler(prober, loop)) },
		func(ctx context.Context) error { return program.Serve(ctx, forbidden, probe.ForbiddenHandler()) },
		loop.Run,
	)
}
