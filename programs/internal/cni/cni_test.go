// SPDX-License-Identifier: GPL-3.0-or-later

package cni

import (
	"encoding/json"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConflist(t *testing.T) {
	for mtu, want := range map[int]any{0: nil, 1400: float64(1400)} {
		content, err := Conflist(netip.MustParsePrefix("10.244.3.0/24"), mtu, "/run/gate.sock")
		if err != nil {
			t.Fatal(err)
		}
		var list struct {
			CNIVersion, Name string
			Plugins          []map[string]any
		}
		if err := json.Unmarshal(content, &list); err != nil {
			t.Fatal(err)
		}
		var types []string
		for _, plugin := range list.Plugins {
			types = append(types, plugin["type"].(string))
		}
		if got := strings.Join(types, " "); got != "ptp portmap "+GatePlugin {
			t.Errorf("plugins %q: the gate must come last, after every address is known", got)
		}
		if list.Plugins[0]["mtu"] != want {
			t.Errorf("mtu %v, expected %v", list.Plugins[0]["mtu"], want)
		}
		if !strings.Contains(string(content), `"subnet": "10.244.3.0/24"`) || list.Plugins[2]["socket"] != "/run/gate.sock" {
			t.Errorf("range or socket missing:\n%s", content)
		}
	}
}

func TestWriteFile(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "file")
	for _, step := range []struct {
		content string
		changed bool
	}{{"one", true}, {"one", false}, {"two", true}} {
		changed, err := WriteFile(path, []byte(step.content), 0o755)
		if err != nil || changed != step.changed {
			t.Fatalf("write %q: changed %v, %v; expected %v", step.content, changed, err, step.changed)
		}
		content, err := os.ReadFile(path)
		if err != nil || string(content) != step.content {
			t.Fatalf("file holds %q, %v; expected %q", content, err, step.content)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != fs.FileMode(0o755) {
		t.Errorf("mode %v, %v; expected 0755", info.Mode(), err)
	}
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files left, %v; expected only the written one", len(entries), err)
	}
}

func TestWriteFileKeepsTheOldOneOnFailure(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "file")
	if err := os.Mkdir(path, 0o755); err != nil { // a directory cannot be replaced by a file
		t.Fatal(err)
	}
	if _, err := WriteFile(path, []byte("x"), 0o644); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, expected one that names %s", err, path)
	}
	if _, err := WriteFile(filepath.Join(directory, "missing", "file"), []byte("x"), 0o644); err == nil {
		t.Error("a missing directory was no error")
	}
	entries, err := os.ReadDir(directory)
	if err != nil || len(entries) != 1 {
		t.Errorf("%d entries left, %v; expected only the directory", len(entries), err)
	}
}

func TestInstallSelf(t *testing.T) {
	directory := t.TempDir()
	for _, want := range []bool{true, false} {
		if changed, err := InstallSelf(directory); err != nil || changed != want {
			t.Errorf("changed %v, %v; expected %v", changed, err, want)
		}
	}
	if info, err := os.Stat(filepath.Join(directory, GatePlugin)); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("plugin: %v, %v; expected a program", info, err)
	}
}
