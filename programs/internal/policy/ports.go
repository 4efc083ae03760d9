// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"cmp"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// protocols in the order in which rules are written.
var protocols = []corev1.Protocol{corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP}

// resolver finds what a port name stands for: numbers of the isolated pod
// (ingress), or endpoints of the peers (egress).
type resolver func(name string, protocol corev1.Protocol) ([]uint16, []Endpoint)

// compilePorts merges the ports of one policy rule per protocol. No ports means
// "everything". Names that resolve to nothing allow nothing: an empty result is
// a rule that matches no flow.
func compilePorts(ports []networkingv1.NetworkPolicyPort, resolve resolver) []Ports {
	if len(ports) == 0 {
		return []Ports{{}}
	}
	var result []Ports
	for _, protocol := range protocols {
		ranges, endpoints, all := protocolPorts(ports, protocol, resolve)
		if all {
			result = append(result, Ports{Protocol: protocol})
			continue
		}
		if len(ranges) > 0 {
			result = append(result, Ports{Protocol: protocol, Ranges: mergeRanges(ranges)})
		}
		if len(endpoints) > 0 {
			result = append(result, Ports{Protocol: protocol, Endpoints: sortEndpoints(endpoints)})
		}
	}
	return result
}

func protocolPorts(
	ports []networkingv1.NetworkPolicyPort, protocol corev1.Protocol, resolve resolver,
) (ranges []PortRange, endpoints []Endpoint, all bool) {
	for _, port := range ports {
		switch {
		case protocolOf(port.Protocol) != protocol:
		case port.Port == nil:
			return nil, nil, true
		case port.Port.Type == intstr.String:
			numbers, found := resolve(port.Port.StrVal, protocol)
			endpoints = append(endpoints, found...)
			for _, number := range numbers {
				ranges = append(ranges, PortRange{number, number})
			}
		default:
			first := uint16(port.Port.IntVal) // the API allows 1..65535
			last := first
			if port.EndPort != nil {
				last = uint16(*port.EndPort)
			}
			ranges = append(ranges, PortRange{first, last})
		}
	}
	return ranges, endpoints, false
}

// mergeRanges sorts ranges and joins those that overlap or touch: nft refuses
// overlapping elements in one set.
func mergeRanges(ranges []PortRange) []PortRange {
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b PortRange) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
	})
	merged := sorted[:1]
	for _, next := range sorted[1:] {
		last := &merged[len(merged)-1]
		if uint32(next.First) <= uint32(last.Last)+1 {
			last.Last = max(last.Last, next.Last)
			continue
		}
		merged = append(merged, next)
	}
	return merged
}

func sortEndpoints(endpoints []Endpoint) []Endpoint {
	slices.SortFunc(endpoints, func(a, b Endpoint) int {
		return cmp.Or(a.Address.Compare(b.Address), cmp.Compare(a.Port, b.Port))
	})
	return slices.Compact(endpoints)
}

// mergePrefixes sorts prefixes and drops those inside another one.
func mergePrefixes(prefixes []netip.Prefix) []netip.Prefix {
	sorted := slices.SortedFunc(slices.Values(prefixes), func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	var merged []netip.Prefix
	for _, next := range sorted {
		if len(merged) > 0 && merged[len(merged)-1].Overlaps(next) {
			continue // sorted by address, wide first: an overlap is containment
		}
		merged = append(merged, next)
	}
	return merged
}
