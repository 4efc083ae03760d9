// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// checkTimeout bounds each measurement. It is longer than one retransmission of
// a lost TCP connection request (1 s).
const checkTimeout = 2 * time.Second

// Target is a probe pod on another node.
type Target struct{ Node, Pod, Address string }

// Targets is what a round measures, as the API shows it now.
type Targets struct {
	Peers   []Target
	Service string // address and port of the Service, empty if unknown
	Missing []string
}

// Prober measures from one pod.
type Prober struct {
	Node, Pod      string
	Address        string // of this pod
	KubeletAddress string // address and port of the own node's kubelet
	DNSName        string
	OpenPort       int
	ForbiddenPort  int
	Targets        func() Targets
	LookupHost     func(ctx context.Context, name string) ([]string, error)
}

// okAnswer is what /ok says: who answers, and whether its listener on the
// forbidden port is alive.
type okAnswer struct {
	Node               string `json:"node"`
	Pod                string `json:"pod"`
	ForbiddenListening bool   `json:"forbidden_listening"`
}

// Round runs all measurements side by side.
func (p *Prober) Round(ctx context.Context) Results {
	began := time.Now()
	targets := p.Targets()
	results := Results{
		Node: p.Node, Pod: p.Pod, Address: p.Address, CheckedAt: began.UTC(),
		Peers: map[string]Peer{}, Forbidden: map[string]Verdict{},
	}
	var lock sync.Mutex
	var group sync.WaitGroup
	for _, target := range targets.Peers {
		group.Go(func() {
			peer, found := p.peer(ctx, target)
			lock.Lock()
			defer lock.Unlock()
			results.Peers[target.Node], results.Forbidden[target.Node] = peer, found
		})
	}
	group.Go(func() { results.OwnNode = p.connect(ctx, p.KubeletAddress) })
	group.Go(func() { results.DNS = p.dns(ctx) })
	group.Go(func() { results.Service = p.service(ctx, targets.Service) })
	group.Go(func() { results.ForbiddenListening = p.Listening(ctx) })
	group.Wait()
	results.RoundSeconds = time.Since(began).Seconds()
	conclude(&results, targets.Missing)
	return results
}

// peer asks a pod on its open port, and then tries its closed one.
func (p *Prober) peer(ctx context.Context, target Target) (Peer, Verdict) {
	check, answer := p.get(ctx, net.JoinHostPort(target.Address, strconv.Itoa(p.OpenPort)))
	if check.OK && answer.Node != target.Node {
		check.OK, check.Error = false, fmt.Sprintf("answered by node %s", answer.Node)
	}
	closed := p.connect(ctx, net.JoinHostPort(target.Address, strconv.Itoa(p.ForbiddenPort)))
	return Peer{target.Pod, check}, verdict(closed.OK, check.OK, answer.ForbiddenListening)
}

// Listening connects to the own forbidden port through localhost, where no
// policy applies.
func (p *Prober) Listening(ctx context.Context) bool {
	return p.connect(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(p.ForbiddenPort))).OK
}

func (p *Prober) connect(ctx context.Context, address string) (check Check) {
	return measure(ctx, address, func(ctx context.Context) error {
		var dialer net.Dialer
		connection, err := dialer.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return connection.Close()
	})
}

func (p *Prober) service(ctx context.Context, address string) Check {
	if address == "" {
		return Check{Error: "the Service is not known yet"}
	}
	check, _ := p.get(ctx, address)
	return check
}

// get asks for /ok over a connection of its own: a kept one would not notice
// that new connections fail.
func (p *Prober) get(ctx context.Context, address string) (check Check, answer okAnswer) {
	check = measure(ctx, address, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/ok", nil)
		if err != nil {
			return err
		}
		request.Close = true
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close() // read below; nothing is lost if closing fails
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("answered %s", response.Status)
		}
		return json.NewDecoder(io.LimitReader(response.Body, 4096)).Decode(&answer)
	})
	return check, answer
}

func (p *Prober) dns(ctx context.Context) DNS {
	result := DNS{Name: p.DNSName, Answers: []string{}}
	check := measure(ctx, p.DNSName, func(ctx context.Context) error {
		// The dot at the end keeps the search list of the pod out.
		answers, err := p.LookupHost(ctx, p.DNSName+".")
		if err != nil {
			return err
		}
		slices.Sort(answers)
		result.Answers = append(result.Answers, answers...)
		return nil
	})
	result.OK, result.Seconds, result.Error = check.OK, check.Seconds, check.Error
	return result
}

func measure(ctx context.Context, address string, action func(context.Context) error) Check {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	began := time.Now()
	err := action(ctx)
	check := Check{Address: address, OK: err == nil, Seconds: time.Since(began).Seconds()}
	if err != nil {
		check.Error = err.Error()
	}
	return check
}
