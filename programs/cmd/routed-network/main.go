// SPDX-License-Identifier: GPL-3.0-or-later

// Command routed-network is the pod network of one node: CNI configuration,
// routes to the other nodes' pods and NetworkPolicy rules. Called by a container
// runtime (CNI_COMMAND is set) it is the CNI plugin biomax-policy-gate.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"github.com/biomax-ai/platform/programs/internal/agent"
	"github.com/biomax-ai/platform/programs/internal/cni"
	"github.com/biomax-ai/platform/programs/internal/gate"
	"github.com/biomax-ai/platform/programs/internal/nft"
	"github.com/biomax-ai/platform/programs/internal/program"
	"github.com/biomax-ai/platform/programs/internal/routes"
)

func main() {
	if os.Getenv("CNI_COMMAND") != "" {
		os.Exit(gate.Plugin(context.Background(), os.Getenv, os.Stdin, os.Stdout))
	}
	program.Run("routed-network", run)
}

type settings struct {
	agent.Options
	kubeconfig, healthAddress string
}

func parse() (settings, error) {
	var s settings
	var runDir, pods, services string
	flag.StringVar(&s.Node, "node-name", os.Getenv("NODE_NAME"), "name of this node's Node object (default $NODE_NAME)")
	flag.StringVar(&pods, "pod-subnet", "", "IPv4 range of all pods")
	flag.StringVar(&services, "service-subnet", "", "IPv4 range of all services")
	flag.StringVar(&s.ConfDir, "cni-conf-dir", "/etc/cni/net.d", "directory of CNI configurations")
	flag.StringVar(&s.BinDir, "cni-bin-dir", "/opt/cni/bin", "directory of CNI plugins")
	flag.StringVar(&runDir, "run-dir", "/run/biomax-platform/network", "directory of the gate's socket, same path on the host")
	flag.IntVar(&s.MTU, "mtu", 0, "MTU of pod links in bytes, 0 for the kernel's default")
	flag.StringVar(&s.healthAddress, "health-address", "127.0.0.1:9911", "address of /healthz and /readyz")
	flag.StringVar(&s.kubeconfig, "kubeconfig", "", "kubeconfig file instead of the pod's service account")
	flag.Parse()
	s.Socket = filepath.Join(runDir, "gate.sock")
	var podErr, serviceErr error
	s.PodSubnet, podErr = ipv4Prefix("pod-subnet", pods)
	s.ServiceSubnet, serviceErr = ipv4Prefix("service-subnet", services)
	if s.Node == "" {
		return s, errors.Join(errors.New("--node-name: empty, and NODE_NAME is not set"), podErr, serviceErr)
	}
	return s, errors.Join(podErr, serviceErr)
}

func ipv4Prefix(name, text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("--%s: %w", name, err)
	}
	if !prefix.Addr().Is4() {
		return netip.Prefix{}, fmt.Errorf("--%s: %s is IPv6: this network provider carries IPv4 only", name, prefix)
	}
	return prefix.Masked(), nil
}

func run(ctx context.Context, log *slog.Logger) error {
	s, err := parse()
	if err != nil {
		return err
	}
	client, err := program.Client(s.kubeconfig, "routed-network")
	if err != nil {
		return err
	}
	if _, err := cni.InstallSelf(s.BinDir); err != nil {
		return err
	}
	health := agent.Health()
	keeper, err := agent.New(client, s.Options, actions(), health, log.With("node", s.Node))
	if err != nil {
		return err
	}
	healthListener, err := net.Listen("tcp", s.healthAddress)
	if err != nil {
		return fmt.Errorf("listen for health checks: %w", err)
	}
	gateListener, err := gate.Listen(s.Socket)
	if err != nil {
		return errors.Join(err, healthListener.Close())
	}
	return program.Together(ctx,
		func(ctx context.Context) error { return program.Serve(ctx, healthListener, health.Handler()) },
		func(ctx context.Context) error {
			return program.Serve(ctx, gateListener, gate.Handler(log, keeper.Admit))
		},
		keeper.Run,
	)
}

func actions() agent.Actions {
	return agent.Actions{
		ApplyRules:    nft.Apply,
		ObserveRoutes: routes.Observe,
		ApplyRoutes:   routes.Apply,
		WriteConflist: func(path string, content []byte) (bool, error) { return cni.WriteFile(path, content, 0o644) },
		CheckKernel:   checkForwarding,
	}
}

// checkForwarding reports a host that drops what it should route; the host's own
// configuration sets the value, this program does not.
func checkForwarding() error {
	const path = "/proc/sys/net/ipv4/ip_forward"
	content, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if value := strings.TrimSpace(string(content)); value != "1" {
		return fmt.Errorf("net.ipv4.ip_forward is %s: set it to 1 on the host, or no pod reaches another", value)
	}
	return nil
}
