// SPDX-License-Identifier: GPL-3.0-or-later

// Package csr decides which serving certificates kubelets may have.
package csr

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"

	certificatesv1 "k8s.io/api/certificates/v1"
)

// Names that the API server gives to kubelets (kubernetes.io, "Node
// Authorization").
const (
	userPrefix = "system:node:"
	nodesGroup = "system:nodes"
)

// Check returns nil when the request is for exactly what the inventory says of
// the node, and else the reason for leaving it pending. The rules are those of
// the signer kubernetes.io/kubelet-serving (kubernetes.io, "Certificate Signing
// Requests"), and that names and addresses are the requesting node's own.
func Check(request *certificatesv1.CertificateSigningRequest, allowed Allowed, domain string) error {
	spec := request.Spec
	if spec.SignerName != certificatesv1.KubeletServingSignerName {
		return fmt.Errorf("signer is %q: expected %q", spec.SignerName, certificatesv1.KubeletServingSignerName)
	}
	node, isNode := strings.CutPrefix(spec.Username, userPrefix)
	if !isNode || node == "" {
		return fmt.Errorf("requester is %q: expected a node, %s<name>", spec.Username, userPrefix)
	}
	if !slices.Contains(spec.Groups, nodesGroup) {
		return fmt.Errorf("requester %s is not in group %s", spec.Username, nodesGroup)
	}
	addresses, known := allowed.Nodes[node]
	if !known {
		return fmt.Errorf("node %q is not in the list of allowed nodes: add it to the inventory", node)
	}
	if err := checkUsages(spec.Usages); err != nil {
		return err
	}
	parsed, err := parse(spec.Request)
	if err != nil {
		return err
	}
	if err := checkSubject(parsed, spec.Username); err != nil {
		return err
	}
	return checkNames(parsed, node, addresses, domain)
}

// checkUsages: a key for ECDSA or Ed25519 has no use for key encipherment, so
// the kubelet asks for it with RSA only.
func checkUsages(usages []certificatesv1.KeyUsage) error {
	required := []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth}
	for _, usage := range required {
		if !slices.Contains(usages, usage) {
			return fmt.Errorf("usages %q lack %q", usages, usage)
		}
	}
	for _, usage := range usages {
		if !slices.Contains(required, usage) && usage != certificatesv1.UsageKeyEncipherment {
			return fmt.Errorf("usage %q is not for a serving certificate", usage)
		}
	}
	return nil
}

func parse(request []byte) (*x509.CertificateRequest, error) {
	block, rest := pem.Decode(request)
	if block == nil || block.Type != "CERTIFICATE REQUEST" {
		return nil, fmt.Errorf("the request is no PEM block of type CERTIFICATE REQUEST")
	}
	if len(strings.TrimSpace(string(rest))) > 0 {
		return nil, fmt.Errorf("the request holds %d bytes behind the PEM block", len(rest))
	}
	parsed, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse the request: %w", err)
	}
	if err := parsed.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the request is not signed by its own key: %w", err)
	}
	return parsed, nil
}

func checkSubject(parsed *x509.CertificateRequest, username string) error {
	subject := parsed.Subject
	if subject.CommonName != username {
		return fmt.Errorf("common name is %q: expected the requester %q", subject.CommonName, username)
	}
	if !slices.Equal(subject.Organization, []string{nodesGroup}) {
		return fmt.Errorf("organization is %q: expected [%q]", subject.Organization, nodesGroup)
	}
	if len(subject.Names) != 2 {
		return fmt.Errorf("subject %q holds more than a common name and an organization", subject)
	}
	return nil
}

func checkNames(parsed *x509.CertificateRequest, node string, addresses []string, domain string) error {
	if len(parsed.EmailAddresses) > 0 || len(parsed.URIs) > 0 {
		return fmt.Errorf("the request asks for e-mail addresses %q and URIs %q: expected none", parsed.EmailAddresses, parsed.URIs)
	}
	if len(parsed.DNSNames)+len(parsed.IPAddresses) == 0 {
		return fmt.Errorf("the request asks for no DNS name and no address")
	}
	names := []string{node}
	if domain != "" {
		names = append(names, node+"."+domain)
	}
	for _, name := range parsed.DNSNames {
		if !slices.Contains(names, name) {
			return fmt.Errorf("DNS name %q is not the node's: allowed are %q", name, names)
		}
	}
	for _, address := range parsed.IPAddresses {
		if !slices.Contains(addresses, address.String()) {
			return fmt.Errorf("address %s is not the node's: allowed are %q", address, addresses)
		}
	}
	return nil
}
