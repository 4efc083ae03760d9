// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// freshTimeout bounds a round on demand: the running one may have to end first.
const freshTimeout = 8 * time.Second

// Handler serves /ok, which peers ask for, and /results.
func Handler(prober *Prober, loop *Loop) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ok", func(w http.ResponseWriter, r *http.Request) {
		reply(w, http.StatusOK, okAnswer{prober.Node, prober.Pod, prober.Listening(r.Context())})
	})
	mux.HandleFunc("GET /results", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("fresh") != "1" {
			if results, ran := loop.Last(); ran {
				reply(w, http.StatusOK, results)
				return
			}
			reply(w, http.StatusServiceUnavailable, problem("the first round has not ended yet: ask again in a few seconds"))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), freshTimeout)
		defer cancel()
		results, err := loop.Fresh(ctx)
		if err != nil {
			reply(w, http.StatusServiceUnavailable, problem(fmt.Sprintf("run a round within %s: %v", freshTimeout, err)))
			return
		}
		reply(w, http.StatusOK, results)
	})
	return mux
}

func problem(text string) map[string]string { return map[string]string{"error": text} }

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(value); err != nil {
		slog.Debug("answer not delivered", "error", err.Error())
	}
}

// ForbiddenHandler answers on the port that no peer may reach.
func ForbiddenHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /forbidden", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, problem("a network policy should have refused this connection"))
	})
	return mux
}
