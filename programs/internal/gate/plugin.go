// SPDX-License-Identifier: GPL-3.0-or-later

// Package gate keeps a new pod from starting before its policies are in force.
//
// The plugin stands last in the CNI chain: it tells the agent of the node which
// address the pod got, and returns when the agent has applied the rules. Without
// an agent no pod starts, so that none ever runs unfiltered.
package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"
)

// pluginTimeout is longer than the agent's own deadline, whose answer says more.
const pluginTimeout = 20 * time.Second

// Error codes of the CNI specification 1.0.0, section "Error".
const (
	codeIncompatible = 1
	codeBadEnv       = 4
	codeBadConfig    = 6
	codeTryAgain     = 11
)

// Pod is what the plugin tells the agent.
type Pod struct {
	Namespace string     `json:"namespace"`
	Name      string     `json:"name"`
	UID       string     `json:"uid"`
	Address   netip.Addr `json:"address"`
}

type pluginConfig struct {
	CNIVersion string          `json:"cniVersion"`
	Socket     string          `json:"socket"`
	PrevResult json.RawMessage `json:"prevResult"`
}

type pluginError struct {
	CNIVersion string `json:"cniVersion"`
	Code       int    `json:"code"`
	Message    string `json:"msg"`
}

func (e *pluginError) Error() string { return e.Message }

func failure(code int, format string, args ...any) *pluginError {
	return &pluginError{"1.0.0", code, fmt.Sprintf(format, args...)}
}

// Plugin runs one CNI command and returns the exit status. getenv gives the
// CNI_* variables; results and errors go to stdout as the specification wants.
func Plugin(ctx context.Context, getenv func(string) string, stdin io.Reader, stdout io.Writer) int {
	output, err := run(ctx, getenv, stdin)
	status := 0
	if err != nil {
		status = 1
		output, _ = json.Marshal(err) // a struct of strings and one int cannot fail
	}
	if len(output) > 0 {
		if _, err := stdout.Write(append(bytes.TrimSpace(output), '\n')); err != nil {
			return 1
		}
	}
	return status
}

func run(ctx context.Context, getenv func(string) string, stdin io.Reader) ([]byte, *pluginError) {
	command := getenv("CNI_COMMAND")
	switch command {
	case "VERSION":
		return []byte(`{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0"]}`), nil
	case "DEL", "CHECK", "GC", "STATUS":
		return nil, nil // nothing to undo: the agent sees the pod leave the API
	case "ADD":
	default:
		return nil, failure(codeBadEnv, "CNI_COMMAND is %q: expected ADD, DEL, CHECK or VERSION", command)
	}
	var config pluginConfig
	if err := json.NewDecoder(stdin).Decode(&config); err != nil {
		return nil, failure(codeBadConfig, "read the plugin's configuration: %v", err)
	}
	pod, failed := describe(getenv("CNI_ARGS"), config)
	if failed != nil {
		return nil, failed
	}
	if err := announce(ctx, config.Socket, pod); err != nil {
		return nil, failure(codeTryAgain, "wait for the policies of pod %s/%s (%s): %v", pod.Namespace, pod.Name, pod.Address, err)
	}
	return config.PrevResult, nil
}

func describe(args string, config pluginConfig) (Pod, *pluginError) {
	if config.Socket == "" {
		return Pod{}, failure(codeBadConfig, "the configuration names no socket of the network agent")
	}
	var result struct {
		IPs []struct {
			Address netip.Prefix `json:"address"`
		} `json:"ips"`
	}
	if len(config.PrevResult) == 0 {
		return Pod{}, failure(codeIncompatible, "there is no prevResult: this plugin only works after one that gives addresses")
	}
	if err := json.Unmarshal(config.PrevResult, &result); err != nil {
		return Pod{}, failure(codeBadConfig, "read prevResult: %v", err)
	}
	pod := Pod{}
	for _, entry := range result.IPs {
		if entry.Address.Addr().Is4() {
			pod.Address = entry.Address.Addr()
		}
	}
	if !pod.Address.IsValid() {
		return Pod{}, failure(codeBadConfig, "prevResult holds no IPv4 address")
	}
	for _, pair := range strings.Split(args, ";") {
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "K8S_POD_NAMESPACE":
			pod.Namespace = value
		case "K8S_POD_NAME":
			pod.Name = value
		case "K8S_POD_UID":
			pod.UID = value
		}
	}
	if pod.Namespace == "" || pod.Name == "" || pod.UID == "" {
		return Pod{}, failure(codeBadEnv, "CNI_ARGS %q lacks K8S_POD_NAMESPACE, K8S_POD_NAME or K8S_POD_UID", args)
	}
	return pod, nil
}

// announce returns when the agent has put the pod's policies in force.
func announce(ctx context.Context, socket string, pod Pod) error {
	ctx, cancel := context.WithTimeout(ctx, pluginTimeout)
	defer cancel()
	body, err := json.Marshal(pod)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://agent/v1/pods", bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	dialer := net.Dialer{}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
	}}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask the network agent at %s (is the routed-network pod of this node running?): %w", socket, err)
	}
	defer response.Body.Close() // read to its end below; nothing is lost if closing fails
	text, err := io.ReadAll(io.LimitReader(response.Body, 4096))
	if err != nil {
		return fmt.Errorf("read the network agent's answer: %w", err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the network agent answered %s: %s", response.Status, bytes.TrimSpace(text))
	}
	return nil
}
