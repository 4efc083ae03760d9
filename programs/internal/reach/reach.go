// SPDX-License-Identifier: GPL-3.0-or-later

// Package reach tries connections and says which were answered.
package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Result is what one attempt showed.
type Result struct {
	Target string `json:"target"` // as it was given
	Open   bool   `json:"open"`
	Error  string `json:"error,omitempty"`
}

// Try attempts all targets at once and returns the results in their order.
// A target is tcp:ADDRESS:PORT (a connection is made and closed) or dns:NAME
// (the resolver of the system is asked).
func Try(ctx context.Context, targets []string, timeout time.Duration) []Result {
	results := make([]Result, len(targets))
	var group sync.WaitGroup
	for position, target := range targets {
		group.Go(func() {
			attempt, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			results[position] = Result{Target: target, Open: true}
			if err := try(attempt, target); err != nil {
				results[position] = Result{Target: target, Error: err.Error()}
			}
		})
	}
	group.Wait()
	return results
}

func try(ctx context.Context, target string) error {
	kind, rest, _ := strings.Cut(target, ":")
	switch kind {
	case "tcp":
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", rest)
		if err != nil {
			return err
		}
		return connection.Close()
	case "dns":
		_, err := net.DefaultResolver.LookupHost(ctx, rest)
		return err
	}
	return fmt.Errorf("%q is neither tcp:ADDRESS:PORT nor dns:NAME", target)
}

// Listen accepts and closes connections on every port until the context ends.
// It returns at once when a port cannot be had.
func Listen(ctx context.Context, ports []int) error {
	var listeners []net.Listener
	defer func() {
		for _, listener := range listeners {
			_ = listener.Close()
		}
	}()
	for _, port := range ports {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+strconv.Itoa(port))
		if err != nil {
			return err
		}
		listeners = append(listeners, listener)
	}
	failed := make(chan error, len(listeners))
	for _, listener := range listeners {
		go func() { failed <- accept(listener) }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return err
	}
}

func accept(listener net.Listener) error {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		_ = connection.Close()
	}
}

// Ports reads a comma-separated list of port numbers.
func Ports(text string) ([]int, error) {
	var ports []int
	for field := range strings.SplitSeq(text, ",") {
		port, err := strconv.ParseUint(strings.TrimSpace(field), 10, 16)
		if err != nil || port == 0 {
			return nil, errors.New("ports: " + strconv.Quote(field) + " is no port")
		}
		ports = append(ports, int(port))
	}
	return ports, nil
}
