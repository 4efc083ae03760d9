// SPDX-License-Identifier: GPL-3.0-or-later

package csr

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"net/url"
	"strings"
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var inventory = Allowed{Nodes: map[string][]string{
	"cp1": {"10.77.0.21", "2001:db8::21"}, "cp2": {"10.77.0.22"},
}}

// request is what a kubelet on cp1 sends; change spoils it.
func request(t *testing.T, change func(*x509.CertificateRequest, *certificatesv1.CertificateSigningRequestSpec)) *certificatesv1.CertificateSigningRequest {
	t.Helper()
	template := &x509.CertificateRequest{
		Subject:     pkix.Name{CommonName: "system:node:cp1", Organization: []string{"system:nodes"}},
		DNSNames:    []string{"cp1"},
		IPAddresses: []net.IP{net.ParseIP("10.77.0.21")},
	}
	spec := certificatesv1.CertificateSigningRequestSpec{
		SignerName: certificatesv1.KubeletServingSignerName,
		Username:   "system:node:cp1",
		Groups:     []string{"system:nodes", "system:authenticated"},
		Usages:     []certificatesv1.KeyUsage{certificatesv1.UsageDigitalSignature, certificatesv1.UsageServerAuth},
	}
	change(template, &spec)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	if spec.Request == nil {
		spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	} else if string(spec.Request) == "tampered" {
		der[len(der)-1] ^= 1 // the last byte belongs to the signature
		spec.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
	} else if string(spec.Request) == "twice" {
		one := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
		spec.Request = append(one, one...)
	}
	return &certificatesv1.CertificateSigningRequest{ObjectMeta: metav1.ObjectMeta{Name: "csr-1"}, Spec: spec}
}

func TestCheck(t *testing.T) {
	type template = x509.CertificateRequest
	type spec = certificatesv1.CertificateSigningRequestSpec
	for _, test := range []struct {
		name   string
		change func(*template, *spec)
		reason string
	}{
		{"as the kubelet asks", func(*template, *spec) {}, ""},
		{"with an RSA key's usage", func(_ *template, s *spec) { s.Usages = append(s.Usages, certificatesv1.UsageKeyEncipherment) }, ""},
		{"full name and IPv6", func(r *template, _ *spec) {
			r.DNSNames = []string{"cp1", "cp1.lab.example"}
			r.IPAddresses = append(r.IPAddresses, net.ParseIP("2001:db8::21"))
		}, ""},
		{"name only", func(r *template, _ *spec) { r.IPAddresses = nil }, ""},
		{"another signer", func(_ *template, s *spec) { s.SignerName = certificatesv1.KubeAPIServerClientSignerName }, "signer is"},
		{"a user", func(_ *template, s *spec) { s.Username = "mallory" }, `requester is "mallory"`},
		{"no node name", func(_ *template, s *spec) { s.Username = "system:node:" }, "requester is"},
		{"not in the group", func(_ *template, s *spec) { s.Groups = []string{"system:authenticated"} }, "not in group system:nodes"},
		{"unknown node", func(_ *template, s *spec) { s.Username = "system:node:cp9" }, `node "cp9" is not in the list`},
		{"another node's subject", func(r *template, _ *spec) { r.Subject.CommonName = "system:node:cp2" }, "common name"},
		{"requester of another node", func(_ *template, s *spec) { s.Username = "system:node:cp2" }, "common name"},
		{"organization", func(r *template, _ *spec) { r.Subject.Organization = []string{"system:masters"} }, "organization"},
		{"two organizations", func(r *template, _ *spec) { r.Subject.Organization = append(r.Subject.Organization, "system:masters") }, "organization"},
		{"more in the subject", func(r *template, _ *spec) { r.Subject.Country = []string{"RU"} }, "more than a common name"},
		{"client certificate", func(_ *template, s *spec) { s.Usages = append(s.Usages, certificatesv1.UsageClientAuth) }, `usage "client auth"`},
		{"not for servers", func(_ *template, s *spec) { s.Usages = s.Usages[:1] }, `lack "server auth"`},
		{"another node's name", func(r *template, _ *spec) { r.DNSNames = append(r.DNSNames, "cp2") }, `DNS name "cp2"`},
		{"the API's name", func(r *template, _ *spec) { r.DNSNames = append(r.DNSNames, "kubernetes") }, `DNS name "kubernetes"`},
		{"another node's address", func(r *template, _ *spec) { r.IPAddresses = append(r.IPAddresses, net.ParseIP("10.77.0.22")) }, "address 10.77.0.22"},
		{"no name at all", func(r *template, _ *spec) { r.DNSNames, r.IPAddresses = nil, nil }, "no DNS name and no address"},
		{"e-mail", func(r *template, _ *spec) { r.EmailAddresses = []string{"a@example.org"} }, "e-mail"},
		{"URI", func(r *template, _ *spec) { r.URIs = []*url.URL{{Scheme: "spiffe", Host: "x"}} }, "URIs"},
		{"no PEM", func(_ *template, s *spec) { s.Request = []byte("x") }, "no PEM block"},
		{"another PEM", func(_ *template, s *spec) {
			s.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
		}, "no PEM block"},
		{"no request inside", func(_ *template, s *spec) {
			s.Request = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte("x")})
		}, "parse the request"},
		{"two requests", func(_ *template, s *spec) { s.Request = []byte("twice") }, "behind the PEM block"},
		{"tampered", func(_ *template, s *spec) { s.Request = []byte("tampered") }, "not signed by its own key"},
	} {
		err := Check(request(t, test.change), inventory, "lab.example")
		if test.reason == "" {
			if err != nil {
				t.Errorf("%s: %v, expected approval", test.name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v, expected a reason with %q", test.name, err, test.reason)
		}
	}
}

func TestFullNameNeedsADomain(t *testing.T) {
	full := request(t, func(r *x509.CertificateRequest, _ *certificatesv1.CertificateSigningRequestSpec) {
		r.DNSNames = []string{"cp1."}
	})
	if err := Check(full, inventory, ""); err == nil {
		t.Error("a name with an empty domain was approved")
	}
}

func TestParseAllowed(t *testing.T) {
	for text, reason := range map[string]string{
		`{"nodes": {"cp1": ["10.77.0.21"], "cp2": []}}`:  "",
		`{"nodes": {"cp1": ["2001:db8:0::21"]}}`:         "",
		`{"nodes": {}}`:                                  "empty",
		`{}`:                                             "empty",
		`{"nodes": {"cp1": ["10.77.0"]}}`:                `node "cp1"`,
		`{"nodes": {"cp1": ["10.77.0.21"]}, "more": 1}`:  "unknown field",
		`{"nodes": {"cp1": ["10.77.0.21"]}} {"nodes":1}`: "more than one JSON value",
		`{"nodes": {"cp1": "10.77.0.21"}}`:               "cannot unmarshal",
		``:                                               "EOF",
	} {
		allowed, err := ParseAllowed([]byte(text))
		if reason == "" && err != nil || reason != "" && (err == nil || !strings.Contains(err.Error(), reason)) {
			t.Errorf("%s: %v, expected %q", text, err, reason)
		}
		if strings.Contains(text, "2001") && allowed.Nodes["cp1"][0] != "2001:db8::21" {
			t.Errorf("%v, expected the canonical form", allowed)
		}
	}
}
