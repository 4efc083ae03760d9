// SPDX-License-Identifier: GPL-3.0-or-later

// Command reachability proves what network policies let pass.
//
//	reachability --listen 5432,9093      accepts connections on these ports
//	reachability TARGET ...              tries tcp:ADDRESS:PORT and dns:NAME, prints one JSON line for each
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/biomax-ai/platform/programs/internal/reach"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "reachability:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	listen := flag.String("listen", "", "ports to accept connections on, separated by commas")
	timeout := flag.Duration("timeout", 3*time.Second, "how long one attempt may take")
	flag.Parse()
	if *listen != "" {
		ports, err := reach.Ports(*listen)
		if err != nil {
			return err
		}
		return reach.Listen(ctx, ports)
	}
	output := json.NewEncoder(os.Stdout)
	for _, result := range reach.Try(ctx, flag.Args(), *timeout) {
		if err := output.Encode(result); err != nil {
			return err
		}
	}
	return nil
}
