// SPDX-License-Identifier: GPL-3.0-or-later

package gate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	goodArgs = "IgnoreUnknown=1;K8S_POD_NAMESPACE=app;K8S_POD_NAME=web;K8S_POD_UID=u1;K8S_POD_INFRA_CONTAINER_ID=c"
	result   = `{"cniVersion":"1.0.0","ips":[{"address":"2001:db8::2/64"},{"address":"10.244.1.2/24"}]}`
)

func environment(command, args string) func(string) string {
	return func(name string) string { return map[string]string{"CNI_COMMAND": command, "CNI_ARGS": args}[name] }
}

// serve runs a gate whose agent answers with the given error.
func serve(t *testing.T, answer error) (socket string, asked *[]Pod) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "gate.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil { // what a killed agent leaves
		t.Fatal(err)
	}
	listener, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	asked = &[]Pod{}
	server := &http.Server{Handler: Handler(slog.New(slog.DiscardHandler), func(_ context.Context, pod Pod) error {
		*asked = append(*asked, pod)
		return answer
	})}
	go func() { _ = server.Serve(listener) }() // ends with the listener
	t.Cleanup(func() { _ = server.Close() })
	return socket, asked
}

func TestAdd(t *testing.T) {
	socket, asked := serve(t, nil)
	config := fmt.Sprintf(`{"cniVersion":"1.0.0","socket":%q,"prevResult":%s}`, socket, result)
	var out bytes.Buffer
	if status := Plugin(t.Context(), environment("ADD", goodArgs), strings.NewReader(config), &out); status != 0 {
		t.Fatalf("status %d: %s", status, out.String())
	}
	if strings.TrimSpace(out.String()) != result {
		t.Errorf("result %s, expected the previous one untouched", out.String())
	}
	if len(*asked) != 1 || (*asked)[0].Name != "web" || (*asked)[0].UID != "u1" || (*asked)[0].Address.String() != "10.244.1.2" {
		t.Errorf("agent was asked %+v", *asked)
	}
}

func TestAddFails(t *testing.T) {
	open, _ := serve(t, nil)
	closed, _ := serve(t, errors.New("rules not applied"))
	with := func(socket, previous string) string {
		return fmt.Sprintf(`{"cniVersion":"1.0.0","socket":%q,"prevResult":%s}`, socket, previous)
	}
	for _, test := range []struct {
		name, args, config, message string
		code                        int
	}{
		{"agent says no", goodArgs, with(closed, result), "rules not applied", codeTryAgain},
		{"no agent", goodArgs, with(filepath.Join(t.TempDir(), "none"), result), "routed-network pod of this node running?", codeTryAgain},
		{"no configuration", goodArgs, "", "read the plugin's configuration", codeBadConfig},
		{"no socket", goodArgs, with("", result), "names no socket", codeBadConfig},
		{"first in the chain", goodArgs, fmt.Sprintf(`{"socket":%q}`, open), "no prevResult", codeIncompatible},
		{"no IPv4 address", goodArgs, with(open, `{"ips":[{"address":"2001:db8::2/64"}]}`), "no IPv4 address", codeBadConfig},
		{"bad address", goodArgs, with(open, `{"ips":[{"address":"10.0.0.1"}]}`), "read prevResult", codeBadConfig},
		{"no pod", "K8S_POD_NAMESPACE=app", with(open, result), "lacks K8S_POD_NAMESPACE, K8S_POD_NAME or K8S_POD_UID", codeBadEnv},
	} {
		var out bytes.Buffer
		status := Plugin(t.Context(), environment("ADD", test.args), strings.NewReader(test.config), &out)
		var failed pluginError
		if err := json.Unmarshal(out.Bytes(), &failed); err != nil {
			t.Fatalf("%s: %v in %s", test.name, err, out.String())
		}
		if status != 1 || failed.Code != test.code || !strings.Contains(failed.Message, test.message) {
			t.Errorf("%s: status %d, %+v; expected code %d, %q", test.name, status, failed, test.code, test.message)
		}
	}
}

// Removal must work without an agent, or a node could not be cleaned up.
func TestOtherCommands(t *testing.T) {
	for command, want := range map[string]string{"DEL": "", "CHECK": "", "GC": "", "STATUS": "", "VERSION": `"supportedVersions"`} {
		var out bytes.Buffer
		if status := Plugin(t.Context(), environment(command, ""), strings.NewReader(""), &out); status != 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%s: status %d, %q; expected success with %q", command, status, out.String(), want)
		}
	}
	var out bytes.Buffer
	if status := Plugin(t.Context(), environment("BUILD", ""), strings.NewReader(""), &out); status != 1 || !strings.Contains(out.String(), "BUILD") {
		t.Errorf("unknown command: status %d, %q", status, out.String())
	}
}

func TestBadRequestIsRefused(t *testing.T) {
	socket, asked := serve(t, nil)
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v, %v; expected mode 0600", info, err)
	}
	recorder := httptest.NewRecorder()
	request, err := http.NewRequest(http.MethodPost, "http://agent/v1/pods", strings.NewReader("{"))
	if err != nil {
		t.Fatal(err)
	}
	Handler(slog.New(slog.DiscardHandler), nil).ServeHTTP(recorder, request)
	if recorder.Code != http.StatusBadRequest || len(*asked) != 0 {
		t.Errorf("status %d, expected 400", recorder.Code)
	}
}
