// SPDX-License-Identifier: GPL-3.0-or-later

package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Health collects the conditions of a program. It is ready when every declared
// condition was met at its last check, and alive while its loop still turns.
type Health struct {
	stall time.Duration
	now   func() time.Time

	mu         sync.Mutex
	conditions map[string]string
	beat       time.Time
}

// NewHealth declares the conditions that must be met; each starts as "not
// checked yet". The program counts as dead when Beat was not called for stall.
func NewHealth(stall time.Duration, conditions ...string) *Health {
	health := &Health{stall: stall, now: time.Now, conditions: map[string]string{}}
	for _, name := range conditions {
		health.conditions[name] = "not checked yet"
	}
	health.beat = health.now()
	return health
}

// Set records the outcome of a condition: nil means it is met.
func (h *Health) Set(condition string, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conditions[condition] = ""
	if err != nil {
		h.conditions[condition] = err.Error()
	}
}

// Beat says that the main loop has completed a turn.
func (h *Health) Beat() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.beat = h.now()
}

// Alive returns an error when the loop has not turned for too long.
func (h *Health) Alive() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if idle := h.now().Sub(h.beat); idle > h.stall {
		return fmt.Errorf("the main loop has not turned for %s (limit %s)", idle.Round(time.Second), h.stall)
	}
	return nil
}

// Ready returns an error that names every condition that is not met.
func (h *Health) Ready() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var missing []string
	for name, text := range h.conditions {
		if text != "" {
			missing = append(missing, name+": "+text)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	return errors.New(strings.Join(missing, "\n"))
}

// Handler answers /healthz and /readyz with 200 "ok" or 503 and the reason.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, h.Alive()) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, h.Ready()) })
	return mux
}

func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	text := "ok"
	if err != nil {
		text = err.Error()
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if _, err := fmt.Fprintln(w, text); err != nil {
		slog.Debug("health answer not delivered", "error", err.Error())
	}
}

// Serve answers HTTP requests on the listener until the context ends, then
// gives running requests three seconds to finish.
func Serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 60 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return fmt.Errorf("stop serving on %s: %w", listener.Addr(), err)
	}
	return nil
}
