// SPDX-License-Identifier: GPL-3.0-or-later

package policy

import (
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestRenderGolden(t *testing.T) {
	plan, err := Compile(fixture(
		ingress("app", "web", selector("app", "web"),
			from(ports(byName(tcp, "http"), number(tcp, 8000, 8010), number(udp, 53), whole(sctp)),
				podPeer(selector("app", "client")), blockPeer("10.77.0.0/24", "10.77.0.22/32", "10.77.0.128/25", "10.77.0.192/26")),
			from(nil, namespacePeer(selector("team", "b"), nil))),
		egress("app", "client", selector("app", "client"), to(ports(byName(tcp, "http")), podPeer(selector("app", "client"))))))
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/rules.nft"
	text := Render(plan)
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("rules differ from %s (go test -update writes it anew):\n%s", golden, text)
	}
}

func TestRenderTouchesOnlyItsTable(t *testing.T) {
	plan, err := Compile(fixture())
	if err != nil {
		t.Fatal(err)
	}
	text := Render(plan)
	if !strings.HasPrefix(text, "add table inet biomax_policy\ndelete table inet biomax_policy\ntable inet biomax_policy {\n") {
		t.Errorf("the transaction does not begin by replacing the table:\n%s", text)
	}
	if strings.Contains(text, "flush") || strings.Count(text, "table ") != 3 {
		t.Errorf("the transaction reaches beyond its table:\n%s", text)
	}
}

func TestLongOriginFitsAComment(t *testing.T) {
	text := comment(strings.Repeat("n", 63) + "/" + strings.Repeat("p", 253) + " ingress 0")
	if quoted := len(text) - len(`comment ""`); quoted > 128 {
		t.Errorf("comment of %d bytes, nft takes 128", quoted)
	}
}

func TestMergePrefixes(t *testing.T) {
	prefix := netip.MustParsePrefix
	for name, test := range map[string]struct{ in, want []netip.Prefix }{
		"empty":     {nil, nil},
		"inside":    {[]netip.Prefix{prefix("10.0.1.0/24"), prefix("10.0.0.0/8")}, []netip.Prefix{prefix("10.0.0.0/8")}},
		"duplicate": {[]netip.Prefix{prefix("10.0.0.0/8"), prefix("10.0.0.0/8")}, []netip.Prefix{prefix("10.0.0.0/8")}},
		"apart":     {[]netip.Prefix{prefix("10.2.0.0/16"), prefix("10.0.0.0/16")}, []netip.Prefix{prefix("10.0.0.0/16"), prefix("10.2.0.0/16")}},
	} {
		if got := mergePrefixes(test.in); strings.Join(prefixTexts(got), " ") != strings.Join(prefixTexts(test.want), " ") {
			t.Errorf("%s: %v, expected %v", name, got, test.want)
		}
	}
}

func TestMergeRanges(t *testing.T) {
	for name, test := range map[string]struct{ in, want []PortRange }{
		"one":      {[]PortRange{{5, 5}}, []PortRange{{5, 5}}},
		"overlap":  {[]PortRange{{5, 9}, {1, 6}}, []PortRange{{1, 9}}},
		"touching": {[]PortRange{{1, 4}, {5, 9}}, []PortRange{{1, 9}}},
		"inside":   {[]PortRange{{1, 9}, {2, 3}}, []PortRange{{1, 9}}},
		"apart":    {[]PortRange{{7, 7}, {1, 4}}, []PortRange{{1, 4}, {7, 7}}},
		"top":      {[]PortRange{{65535, 65535}, {65535, 65535}}, []PortRange{{65535, 65535}}},
	} {
		got := mergeRanges(test.in)
		if len(got) != len(test.want) {
			t.Errorf("%s: %v, expected %v", name, got, test.want)
			continue
		}
		for index := range got {
			if got[index] != test.want[index] {
				t.Errorf("%s: %v, expected %v", name, got, test.want)
			}
		}
	}
}

func TestPortsDefaultToTCP(t *testing.T) {
	port := number(tcp, 80)
	port.Protocol = nil
	got := compilePorts([]networkingv1.NetworkPolicyPort{port}, nil)
	if len(got) != 1 || got[0].Protocol != tcp {
		t.Errorf("%v, expected one TCP port", got)
	}
}
