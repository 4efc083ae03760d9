// SPDX-License-Identifier: GPL-3.0-or-later

// Package cni writes the node's CNI configuration and puts the gate plugin in
// place.
package cni

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// FileName sorts before what other providers usually leave behind: the runtime
// takes the first file of the directory.
const FileName = "10-biomax.conflist"

// GatePlugin is the name under which this program is installed as a CNI plugin.
const GatePlugin = "biomax-policy-gate"

// ipamDir is where host-local notes which addresses are in use. It is on a
// temporary file system, so that a reboot frees the addresses of pods that ended
// with it.
const ipamDir = "/run/biomax-platform/ipam"

type object map[string]any

// Conflist renders the configuration of the pod network of one node. With ptp
// every packet of a pod is routed, so that it passes the forward hook even
// between pods of one node. mtu 0 leaves the kernel's default.
func Conflist(podCIDR netip.Prefix, mtu int, gateSocket string) ([]byte, error) {
	ptp := object{
		"type":   "ptp",
		"ipMasq": false,
		"ipam": object{
			"type":    "host-local",
			"dataDir": ipamDir,
			"ranges":  [][]object{{{"subnet": podCIDR.String()}}},
			"routes":  []object{{"dst": "0.0.0.0/0"}},
		},
	}
	if mtu > 0 {
		ptp["mtu"] = mtu
	}
	list := object{
		"cniVersion": "1.0.0",
		"name":       "biomax",
		"plugins": []object{
			ptp,
			{"type": "portmap", "backend": "nftables", "capabilities": object{"portMappings": true}},
			{"type": GatePlugin, "socket": gateSocket},
		},
	}
	content, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", FileName, err)
	}
	return append(content, '\n'), nil
}
