// SPDX-License-Identifier: GPL-3.0-or-later

// Package probe measures from one pod what the pod network promises: other
// nodes' pods, the own node, a service and DNS can be reached, and a port that a
// NetworkPolicy closes cannot.
package probe

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Check is the outcome of one measurement. Error is empty when it is ok.
type Check struct {
	Address string  `json:"address"`
	OK      bool    `json:"ok"`
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error"`
}

// Peer is the measurement of another node's probe pod.
type Peer struct {
	Pod string `json:"pod"`
	Check
}

// DNS is the measurement of name resolution through the cluster's DNS.
type DNS struct {
	Name    string   `json:"name"`
	Answers []string `json:"answers"`
	OK      bool     `json:"ok"`
	Seconds float64  `json:"seconds"`
	Error   string   `json:"error"`
}

// Verdict says what became of a flow that must not pass.
type Verdict string

// Unproven means that the port was not reached, but that the peer did not answer
// on its open port or has no listener on the closed one: silence proves nothing.
const (
	Refused   Verdict = "refused"
	Reachable Verdict = "reachable"
	Unproven  Verdict = "unproven"
)

// Results is one round. Its JSON form is an interface: fields are only added.
type Results struct {
	Node               string             `json:"node"`
	Pod                string             `json:"pod"`
	Address            string             `json:"address"`
	CheckedAt          time.Time          `json:"checked_at"`
	RoundSeconds       float64            `json:"round_seconds"`
	OK                 bool               `json:"ok"`
	Peers              map[string]Peer    `json:"peers"`
	OwnNode            Check              `json:"own_node"`
	DNS                DNS                `json:"dns"`
	Service            Check              `json:"service"`
	Forbidden          map[string]Verdict `json:"forbidden"`
	ForbiddenListening bool               `json:"forbidden_listening"`
	Problems           []string           `json:"problems"`
}

// verdict judges a connection attempt to a peer's closed port. listening is what
// the peer says of its own listener; known is false when it could not be asked.
func verdict(connected, known, listening bool) Verdict {
	switch {
	case connected:
		return Reachable
	case known && listening:
		return Refused
	}
	return Unproven
}

// conclude fills Problems and OK from the measurements. missing names what the
// round could not even start with.
func conclude(results *Results, missing []string) {
	problems := slices.Clone(missing)
	for _, node := range slices.Sorted(maps.Keys(results.Peers)) {
		if peer := results.Peers[node]; !peer.OK {
			problems = append(problems, fmt.Sprintf("pod %s on node %s (%s) does not answer: %s", peer.Pod, node, peer.Address, peer.Error))
		}
	}
	if !results.OwnNode.OK {
		problems = append(problems, fmt.Sprintf("own node %s does not answer: %s", results.OwnNode.Address, results.OwnNode.Error))
	}
	if !results.DNS.OK {
		problems = append(problems, fmt.Sprintf("DNS name %s does not resolve: %s", results.DNS.Name, results.DNS.Error))
	}
	if !results.Service.OK {
		problems = append(problems, fmt.Sprintf("service address %q does not answer: %s", results.Service.Address, results.Service.Error))
	}
	if !results.ForbiddenListening {
		problems = append(problems, "the own listener on the forbidden port does not answer on localhost")
	}
	for _, node := range slices.Sorted(maps.Keys(results.Forbidden)) {
		if found := results.Forbidden[node]; found != Refused {
			problems = append(problems, fmt.Sprintf("forbidden port of the pod on node %s is %s, expected %s", node, found, Refused))
		}
	}
	results.Problems = append([]string{}, problems...) // [] in JSON, never null
	results.OK = len(problems) == 0
}
