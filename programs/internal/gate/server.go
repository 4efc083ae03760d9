// SPDX-License-Identifier: GPL-3.0-or-later

package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
)

// Listen opens the gate's socket, readable by root only. A socket that a killed
// agent left is replaced.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the old socket %s: %w", path, err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("protect %s: %w", path, err), listener.Close())
	}
	return listener, nil
}

// Handler answers the plugin. admit returns nil when the pod's policies are in
// force.
func Handler(log *slog.Logger, admit func(ctx context.Context, pod Pod) error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/pods", func(w http.ResponseWriter, r *http.Request) {
		var pod Pod
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&pod); err != nil {
			http.Error(w, fmt.Sprintf("read the request: %v", err), http.StatusBadRequest)
			return
		}
		if err := admit(r.Context(), pod); err != nil {
			log.Warn("pod held back", "namespace", pod.Namespace, "pod", pod.Name, "address", pod.Address, "error", err.Error())
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusOK)
	})
	return mux
}
