// SPDX-License-Identifier: GPL-3.0-or-later

// Package integration proves the packet rules and routes with real packets:
// network namespaces stand for nodes, pods and a host outside the cluster, and
// rules are loaded by the real nft.
package integration

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Names and addresses of the topology: two nodes and a host outside on one
// network, pods behind the nodes as the CNI plugin ptp would attach them.
const (
	node1, node2, outside = "node1", "node2", "outside"
	lan                   = "lan"
	web, client, remote   = "web", "client", "remote"
	lonely                = "lonely"
)

var hostAddress = map[string]string{node1: "10.77.0.21", node2: "10.77.0.22", outside: "10.77.0.10"}

type podPlace struct{ node, address, gateway string }

var podPlaces = map[string]podPlace{
	web:    {node1, "10.244.1.2", "10.244.1.1"},
	client: {node1, "10.244.1.3", "10.244.1.1"},
	remote: {node2, "10.244.2.2", "10.244.2.1"},
	lonely: {node2, "10.244.2.3", "10.244.2.1"},
}

// ports on which every pod and host serves.
var served = []string{"80", "81", "8080", "8005", "10250"}

type topology struct {
	t      *testing.T
	prefix string
}

// newTopology builds the namespaces and removes them when the test ends.
func newTopology(t *testing.T) *topology {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root: network namespaces and packet rules belong to it")
	}
	top := &topology{t, fmt.Sprintf("pp%d-", os.Getpid())}
	for _, name := range []string{lan, node1, node2, outside, web, client, remote, lonely} {
		top.run("ip", "netns", "add", top.space(name))
		t.Cleanup(func() { top.run("ip", "netns", "delete", top.space(name)) })
		top.in(name, "ip", "link", "set", "lo", "up")
	}
	top.in(lan, "ip", "link", "add", "bridge0", "type", "bridge")
	top.in(lan, "ip", "link", "set", "bridge0", "up")
	for index, name := range []string{node1, node2, outside} {
		top.attachHost(index, name)
	}
	for _, name := range []string{web, client, remote, lonely} {
		top.attachPod(name)
	}
	for _, name := range []string{node1, node2, outside, web, client, remote, lonely} {
		top.start(name, "serve", served...)
	}
	return top
}

func (top *topology) space(name string) string { return top.prefix + name }

func (top *topology) attachHost(index int, name string) {
	port := fmt.Sprintf("port%d", index)
	top.in(lan, "ip", "link", "add", port, "type", "veth", "peer", "name", "host0", "netns", top.space(name))
	top.in(lan, "ip", "link", "set", port, "up", "master", "bridge0")
	top.in(name, "ip", "address", "add", hostAddress[name]+"/24", "dev", "host0")
	top.in(name, "ip", "link", "set", "host0", "up")
	if name != outside {
		top.in(name, "ip", "route", "add", "default", "via", hostAddress[outside])
		top.in(name, "sysctl", "-qw", "net.ipv4.ip_forward=1")
	}
}

// attachPod does what ptp does: the host's end of the link holds the gateway's
// address, and the pod reaches even its own range through it.
func (top *topology) attachPod(name string) {
	place := podPlaces[name]
	link := "veth" + name
	top.in(place.node, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", top.space(name))
	top.in(place.node, "ip", "address", "add", place.gateway+"/32", "dev", link)
	top.in(place.node, "ip", "link", "set", link, "up")
	top.in(place.node, "ip", "route", "add", place.address+"/32", "dev", link, "scope", "host")
	top.in(name, "ip", "address", "add", place.address+"/32", "dev", "eth0")
	top.in(name, "ip", "link", "set", "eth0", "up")
	top.in(name, "ip", "route", "add", place.gateway+"/32", "dev", "eth0", "scope", "link")
	top.in(name, "ip", "route", "add", "default", "via", place.gateway)
}

// run executes a command and returns its output; a failure ends the test.
func (top *topology) run(arguments ...string) string {
	top.t.Helper()
	output, err := exec.Command(arguments[0], arguments[1:]...).CombinedOutput()
	if err != nil {
		top.t.Fatalf("%s: %v: %s", strings.Join(arguments, " "), err, output)
	}
	return strings.TrimSpace(string(output))
}

func (top *topology) in(name string, arguments ...string) string {
	top.t.Helper()
	return top.run(append([]string{"ip", "netns", "exec", top.space(name)}, arguments...)...)
}

func (top *topology) helper(name, role string, arguments ...string) *exec.Cmd {
	top.t.Helper()
	self, err := os.Executable()
	if err != nil {
		top.t.Fatal(err)
	}
	command := exec.Command("ip", append([]string{"netns", "exec", top.space(name), self}, arguments...)...)
	command.Env = append(os.Environ(), helperVariable+"="+role)
	return command
}

// process is a helper that runs beside the test; lines are what it printed.
type process struct {
	stdin io.WriteCloser
	lines *bufio.Scanner
}

// start runs a helper until the test ends and waits for its first line.
func (top *topology) start(name, role string, arguments ...string) *process {
	top.t.Helper()
	command := top.helper(name, role, arguments...)
	command.Stderr = os.Stderr
	stdin, inErr := command.StdinPipe()
	stdout, outErr := command.StdoutPipe()
	if inErr != nil || outErr != nil {
		top.t.Fatal(inErr, outErr)
	}
	if err := command.Start(); err != nil {
		top.t.Fatal(err)
	}
	top.t.Cleanup(func() {
		_ = stdin.Close()  // the helper ends by itself then
		_ = command.Wait() // its status was of interest only while it was used
	})
	running := &process{stdin, bufio.NewScanner(stdout)}
	if running.next() == "" {
		top.t.Fatalf("helper %s in %s printed nothing", role, name)
	}
	return running
}

func (p *process) next() string {
	p.lines.Scan()
	return p.lines.Text()
}

// ask sends a line and returns the helper's next one, empty if it has ended.
func (p *process) ask(line string) string {
	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		return ""
	}
	return p.next()
}

// flow tries a flow and returns its outcome. "refused" means at once: the client
// gives up after one second, before a lost packet is sent again.
func (top *topology) flow(from, network, target, source string) string {
	top.t.Helper()
	command := top.helper(from, "connect", network+"4", target, source)
	output, err := command.CombinedOutput()
	if err != nil {
		top.t.Fatalf("flow from %s to %s: %v: %s", from, target, err, output)
	}
	return strings.TrimSpace(string(output))
}

// load gives rules to nft inside a namespace.
func (top *topology) load(name, rules string) error {
	command := exec.Command("ip", "netns", "exec", top.space(name), "nft", "-f", "-")
	command.Stdin = strings.NewReader(rules)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("nft in %s: %w: %s\n%s", name, err, output, rules)
	}
	return nil
}
