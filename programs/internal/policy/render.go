// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Table is the only nft table that this program creates, replaces or removes.
const Table = "biomax_policy"

// PodInterfaces matches the host's ends of the pods' links: the CNI plugin ptp
// names them "veth" and eight hexadecimal digits.
const PodInterfaces = "veth*"

// commentLimit is below nft's limit of 128 bytes for a comment.
const commentLimit = 120

// Render writes the plan as one nft transaction that replaces the table. The
// first two lines make the removal work whether or not the table exists.
func Render(plan Plan) string {
	r := &renderer{sets: map[string]string{}}
	chains := r.isolationChains(plan)
	var out strings.Builder
	fmt.Fprintf(&out, "add table inet %[1]s\ndelete table inet %[1]s\ntable inet %[1]s {\n", Table)
	for _, name := range slices.Sorted(maps.Keys(r.sets)) {
		out.WriteString(r.sets[name])
	}
	out.WriteString(set("nodes", "ipv4_addr", addressTexts(plan.Input.NodeAddresses)))
	out.WriteString(set("self", "ipv4_addr . ipv4_addr", selfPairs(plan)))
	for _, direction := range []Direction{Egress, Ingress} {
		out.WriteString(verdictMap(string(direction), plan.Isolated[direction]))
	}
	out.WriteString(refuseChain)
	out.WriteString(guardChain)
	out.WriteString(chains)
	out.WriteString(hooks)
	out.WriteString(translation(plan.Input))
	out.WriteString("}\n")
	return out.String()
}

// A refused TCP flow is reset, so that a client learns of it at once; anything
// else gets "administratively prohibited". A packet that conntrack cannot place
// is dropped instead: a reset for it could end a healthy connection.
const refuseChain = `	chain refuse {
		ct state invalid counter drop
		meta l4proto tcp counter reject with tcp reset
		counter reject with icmpx admin-prohibited
	}
`

// The pod network is IPv4, so a pod has only a link-local IPv6 address, which
// would pass by every policy. Policies go by source address, so a pod must not
// send from one that is not its own: the way back has to be the same link.
const guardChain = `	chain guard {
		meta nfproto ipv6 counter drop
		fib saddr . iif oif missing counter drop
	}
`

// Service addresses are translated at prerouting and output with priority
// dstnat, before these chains: they see the addresses of pods. The flow of a pod
// to itself through a service cannot be blocked. What the node itself sends to
// its pods (probes of the kubelet, programs of the host network) is allowed
// always; the counter shows that it passed here and nowhere else.
var hooks = fmt.Sprintf(`	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname %[1]q jump guard
		ct state established,related accept
		ip saddr . ip daddr @self accept
		ip saddr vmap @egress
		ip daddr vmap @ingress
	}
	chain input {
		type filter hook input priority filter; policy accept;
		iifname %[1]q jump guard
		ct state established,related accept
		ip saddr vmap @egress
	}
	chain output {
		type filter hook output priority filter; policy accept;
		oifname %[1]q counter accept
	}
`, PodInterfaces)

// translation hides pods behind the node only where nobody knows the way back:
// outside the pods, the services and the nodes of the cluster.
func translation(scope Scope) string {
	return fmt.Sprintf(`	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr %s ip daddr != { %s } ip daddr != @nodes counter masquerade
	}
`, scope.PodCIDR, strings.Join(prefixTexts(mergePrefixes([]netip.Prefix{scope.PodSubnet, scope.ServiceSubnet})), ", "))
}

// renderer collects the sets that rules refer to; sets with equal content share
// a name.
type renderer struct{ sets map[string]string }

func (r *renderer) isolationChains(plan Plan) string {
	var out strings.Builder
	for _, chain := range plan.Chains {
		fmt.Fprintf(&out, "\tchain %s {\n", chain.Name)
		for _, rule := range chain.Rules {
			fmt.Fprintf(&out, "\t\t%s\n", r.rule(chain.Direction, rule))
		}
		out.WriteString("\t\tgoto refuse\n\t}\n")
	}
	return out.String()
}

// rule ends in return: the flow then goes on to the check of the other pod.
func (r *renderer) rule(direction Direction, rule Rule) string {
	field := "ip saddr"
	if direction == Egress {
		field = "ip daddr"
	}
	var parts []string
	switch {
	case rule.Peer.Block.IsValid():
		parts = append(parts, field+" "+rule.Peer.Block.String())
		if len(rule.Peer.Except) > 0 {
			parts = append(parts, fmt.Sprintf("%s != { %s }", field, strings.Join(prefixTexts(rule.Peer.Except), ", ")))
		}
	case rule.Peer.Addresses != nil && rule.Ports.Endpoints == nil:
		parts = append(parts, field+" @"+r.set("peers", "ipv4_addr", addressTexts(rule.Peer.Addresses)))
	}
	parts = append(parts, r.ports(rule.Ports)...)
	return strings.Join(append(parts, "counter return", comment(rule.Origin)), " ")
}

func (r *renderer) ports(ports Ports) []string {
	protocol := strings.ToLower(string(ports.Protocol))
	switch {
	case protocol == "":
		return nil
	case ports.Endpoints != nil:
		var elements []string
		for _, endpoint := range ports.Endpoints {
			elements = append(elements, fmt.Sprintf("%s . %d", endpoint.Address, endpoint.Port))
		}
		name := r.set("endpoints", "ipv4_addr . inet_service", elements)
		return []string{fmt.Sprintf("ip daddr . %s dport @%s", protocol, name)}
	case ports.Ranges != nil:
		var elements []string
		for _, item := range ports.Ranges {
			text := fmt.Sprintf("%d-%d", item.First, item.Last)
			if item.First == item.Last {
				text = fmt.Sprint(item.First)
			}
			elements = append(elements, text)
		}
		return []string{fmt.Sprintf("%s dport { %s }", protocol, strings.Join(elements, ", "))}
	}
	return []string{"meta l4proto " + protocol}
}

func (r *renderer) set(prefix, kind string, elements []string) string {
	sum := sha256.Sum256([]byte(strings.Join(elements, ",")))
	name := prefix + "_" + hex.EncodeToString(sum[:6])
	r.sets[name] = set(name, kind, elements)
	return name
}

func set(name, kind string, elements []string) string {
	return block("set", name, "type "+kind, elements)
}

func verdictMap(name string, chains map[netip.Addr]string) string {
	var elements []string
	for _, address := range slices.SortedFunc(maps.Keys(chains), netip.Addr.Compare) {
		elements = append(elements, fmt.Sprintf("%s : jump %s", address, chains[address]))
	}
	return block("map", name, "type ipv4_addr : verdict", elements)
}

// block writes a set or map. nft refuses an empty list of elements.
func block(keyword, name, kind string, elements []string) string {
	text := fmt.Sprintf("\t%s %s {\n\t\t%s\n", keyword, name, kind)
	if len(elements) > 0 {
		text += "\t\telements = {\n\t\t\t" + strings.Join(elements, ",\n\t\t\t") + "\n\t\t}\n"
	}
	return text + "\t}\n"
}

// selfPairs lists isolated pods as source and destination of one packet.
func selfPairs(plan Plan) []string {
	seen := map[netip.Addr]bool{}
	for _, addresses := range plan.Isolated {
		for address := range addresses {
			seen[address] = true
		}
	}
	var pairs []string
	for _, address := range slices.SortedFunc(maps.Keys(seen), netip.Addr.Compare) {
		pairs = append(pairs, fmt.Sprintf("%[1]s . %[1]s", address))
	}
	return pairs
}

func addressTexts(addresses []netip.Addr) []string {
	sorted := slices.SortedFunc(slices.Values(addresses), netip.Addr.Compare)
	texts := make([]string, 0, len(sorted))
	for _, address := range slices.Compact(sorted) {
		texts = append(texts, address.String())
	}
	return texts
}

func prefixTexts(prefixes []netip.Prefix) []string {
	texts := make([]string, 0, len(prefixes))
	for _, prefix := range slices.SortedFunc(slices.Values(prefixes), func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	}) {
		texts = append(texts, prefix.String())
	}
	return texts
}

// comment quotes the origin of a rule; names in Kubernetes hold no quotes.
func comment(origin string) string {
	if len(origin) > commentLimit {
		origin = origin[:commentLimit-3] + "..."
	}
	return fmt.Sprintf("comment %q", origin)
}
