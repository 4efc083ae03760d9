// SPDX-License-Identifier: GPL-3.0-or-later

package csr

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"
)

func good(t *testing.T, name string) *certificatesv1.CertificateSigningRequest {
	created := request(t, func(*x509.CertificateRequest, *certificatesv1.CertificateSigningRequestSpec) {})
	created.Name = name
	return created
}

// decide runs passes over the requests with one list per pass, and returns the
// API and the events.
func decide(t *testing.T, lists []func() (Allowed, error), requests ...*certificatesv1.CertificateSigningRequest) (*fake.Clientset, *record.FakeRecorder) {
	t.Helper()
	client := fake.NewClientset()
	for _, created := range requests {
		if _, err := client.CertificatesV1().CertificateSigningRequests().Create(t.Context(), created, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	recorder := record.NewFakeRecorder(100)
	controller := &Controller{
		Client: client, Domain: "lab.example", Recorder: recorder, Log: slog.New(slog.DiscardHandler), Beat: func() {}, told: map[string]string{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	changed := make(chan struct{}, 1)
	lister, err := controller.watch(ctx, changed)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		controller.Allowed = list
		controller.pass(ctx, lister)
	}
	return client, recorder
}

func conditions(t *testing.T, client *fake.Clientset, name string) (types []string) {
	t.Helper()
	found, err := client.CertificatesV1().CertificateSigningRequests().Get(t.Context(), name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, condition := range found.Status.Conditions {
		types = append(types, string(condition.Type)+"/"+condition.Reason)
	}
	return types
}

func known() (Allowed, error) { return inventory, nil }

func TestApprovesWhatMatches(t *testing.T) {
	client, recorder := decide(t, []func() (Allowed, error){known}, good(t, "a"))
	if got := strings.Join(conditions(t, client, "a"), " "); got != "Approved/MatchesInventory" {
		t.Errorf("conditions %q, expected approval", got)
	}
	if len(recorder.Events) != 0 {
		t.Errorf("event %q, expected none", <-recorder.Events)
	}
}

func TestLeavesTheRestPending(t *testing.T) {
	bad := good(t, "bad")
	bad.Spec.Username = "system:node:cp2"
	client, recorder := decide(t, []func() (Allowed, error){known, known, known}, bad)
	if got := conditions(t, client, "bad"); len(got) != 0 {
		t.Errorf("conditions %q, expected none: a denial would be final", got)
	}
	if len(recorder.Events) != 1 {
		t.Fatalf("%d events in three passes, expected one", len(recorder.Events))
	}
	if event := <-recorder.Events; !strings.Contains(event, "Warning NotApproved common name") {
		t.Errorf("event %q, expected the reason", event)
	}
}

func TestApprovesWhenTheListHasTheNode(t *testing.T) {
	earlier := func() (Allowed, error) { return Allowed{Nodes: map[string][]string{"cp2": {"10.77.0.22"}}}, nil }
	client, recorder := decide(t, []func() (Allowed, error){earlier, known}, good(t, "a"))
	if got := strings.Join(conditions(t, client, "a"), " "); got != "Approved/MatchesInventory" || len(recorder.Events) != 1 {
		t.Errorf("conditions %q and %d events, expected a warning and then approval", got, len(recorder.Events))
	}
}

func TestApprovesNothingWithoutAList(t *testing.T) {
	broken := func() (Allowed, error) { return Allowed{}, errors.New("no file") }
	client, _ := decide(t, []func() (Allowed, error){broken}, good(t, "a"))
	if got := conditions(t, client, "a"); len(got) != 0 {
		t.Errorf("conditions %q, expected none", got)
	}
}

func TestDecidedRequestsAreLeftAlone(t *testing.T) {
	var requests []*certificatesv1.CertificateSigningRequest
	for _, kind := range []certificatesv1.RequestConditionType{
		certificatesv1.CertificateApproved, certificatesv1.CertificateDenied, certificatesv1.CertificateFailed,
	} {
		decided := good(t, strings.ToLower(string(kind)))
		decided.Status.Conditions = []certificatesv1.CertificateSigningRequestCondition{{Type: kind, Reason: "Somebody"}}
		requests = append(requests, decided)
	}
	client, _ := decide(t, []func() (Allowed, error){known}, requests...)
	for _, action := range client.Actions() {
		if action.GetVerb() == "update" {
			t.Errorf("a decided request was updated: %v", action)
		}
	}
}

func TestRunActsOnEventsAndReadsTheListAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allowed.json")
	if err := os.WriteFile(path, []byte(`{"nodes": {"cp1": ["10.77.0.21"]}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset()
	beats := make(chan struct{}, 100)
	controller := &Controller{
		Client: client, Domain: "lab.example", Recorder: record.NewFakeRecorder(100), Log: slog.New(slog.DiscardHandler),
		Allowed: func() (Allowed, error) { return ReadAllowed(path) }, Beat: func() { beats <- struct{}{} },
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- controller.Run(ctx) }()
	<-beats
	if _, err := client.CertificatesV1().CertificateSigningRequests().Create(ctx, good(t, "late"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	for len(conditions(t, client, "late")) == 0 && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond)
	}
	if got := strings.Join(conditions(t, client, "late"), " "); got != "Approved/MatchesInventory" {
		t.Errorf("conditions %q, expected approval", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestReadAllowedNamesTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "allowed.json")
	if _, err := ReadAllowed(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, expected one that names the file", err)
	}
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAllowed(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, expected one that names the file", err)
	}
}
