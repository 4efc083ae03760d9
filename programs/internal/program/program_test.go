// SPDX-License-Identifier: GPL-3.0-or-later

package program

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func get(t *testing.T, health *Health, path string) (int, string) {
	t.Helper()
	recorder := httptest.NewRecorder()
	health.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder.Code, strings.TrimSpace(recorder.Body.String())
}

func TestReadiness(t *testing.T) {
	health := NewHealth(time.Minute, "rules", "routes")
	if status, text := get(t, health, "/readyz"); status != 503 || text != "routes: not checked yet\nrules: not checked yet" {
		t.Errorf("at the start: %d %q", status, text)
	}
	health.Set("rules", nil)
	health.Set("routes", errors.New("no way"))
	if status, text := get(t, health, "/readyz"); status != 503 || text != "routes: no way" {
		t.Errorf("with a failure: %d %q", status, text)
	}
	health.Set("routes", nil)
	if status, text := get(t, health, "/readyz"); status != 200 || text != "ok" {
		t.Errorf("when all is well: %d %q", status, text)
	}
}

func TestLiveness(t *testing.T) {
	now := time.Now()
	health := NewHealth(time.Minute)
	health.now = func() time.Time { return now }
	health.Beat()
	now = now.Add(time.Minute)
	if status, _ := get(t, health, "/healthz"); status != 200 {
		t.Errorf("at the limit: %d, expected 200", status)
	}
	now = now.Add(time.Second)
	if status, text := get(t, health, "/healthz"); status != 503 || !strings.Contains(text, "1m1s") {
		t.Errorf("behind the limit: %d %q, expected 503 and the idle time", status, text)
	}
}

func TestServeLetsARunningRequestEnd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		cancel() // the program is told to stop while it answers
		<-ctx.Done()
		w.WriteHeader(http.StatusTeapot)
	})
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, listener, handler) }()
	response, err := http.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusTeapot {
		t.Errorf("status %d, expected 418", response.StatusCode)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

func TestServeReportsADeadListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), listener, http.NotFoundHandler()); err == nil || !strings.Contains(err.Error(), listener.Addr().String()) {
		t.Errorf("error %v, expected one that names the address", err)
	}
}

func TestTogetherStopsAllWhenOneFails(t *testing.T) {
	broken := errors.New("broken")
	err := Together(t.Context(),
		func(context.Context) error { return broken },
		func(ctx context.Context) error { <-ctx.Done(); return nil },
	)
	if !errors.Is(err, broken) {
		t.Errorf("error %v, expected %v", err, broken)
	}
}

func TestClientErrorsNameTheirSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Client(path, "test"); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, expected one that names %s", err, path)
	}
	if _, err := Client("", "test"); err == nil || !strings.Contains(err.Error(), "--kubeconfig") {
		t.Errorf("error %v, expected one that names the flag", err)
	}
}
