// SPDX-License-Identifier: GPL-3.0-or-later

package csr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
)

// Allowed lists the nodes of the inventory with their addresses.
type Allowed struct {
	Nodes map[string][]string `json:"nodes"`
}

// ReadAllowed reads the list. It is read for every decision: a mounted
// ConfigMap changes under a running pod.
func ReadAllowed(path string) (Allowed, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Allowed{}, fmt.Errorf("read the list of allowed nodes: %w", err)
	}
	allowed, err := ParseAllowed(content)
	if err != nil {
		return Allowed{}, fmt.Errorf("read the list of allowed nodes %s: %w", path, err)
	}
	return allowed, nil
}

// ParseAllowed reads {"nodes": {"<name>": ["<address>", …]}} and refuses unknown
// keys, an empty list and texts that are no addresses. Addresses come out in
// their canonical form.
func ParseAllowed(content []byte) (Allowed, error) {
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	var allowed Allowed
	if err := decoder.Decode(&allowed); err != nil {
		return Allowed{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Allowed{}, errors.New("there is more than one JSON value")
	}
	if len(allowed.Nodes) == 0 {
		return Allowed{}, errors.New(`"nodes" is empty: no certificate could ever be approved`)
	}
	for node, addresses := range allowed.Nodes {
		for index, text := range addresses {
			address, err := netip.ParseAddr(text)
			if err != nil {
				return Allowed{}, fmt.Errorf("node %q: %w", node, err)
			}
			addresses[index] = address.String()
		}
	}
	return allowed, nil
}
