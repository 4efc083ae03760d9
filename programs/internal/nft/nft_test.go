// SPDX-License-Identifier: GPL-3.0-or-later

package nft

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// standIn puts a program named nft first in PATH.
func standIn(t *testing.T, script string) (directory string) {
	t.Helper()
	directory = t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "nft"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", directory+":"+os.Getenv("PATH"))
	return directory
}

func TestApplyHandsOverTheText(t *testing.T) {
	directory := standIn(t, `echo "$@" >"$(dirname "$0")/arguments"; cat >"$(dirname "$0")/rules"`)
	if err := Apply(t.Context(), "table inet x {}\n"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"arguments": "-f -\n", "rules": "table inet x {}\n"} {
		if got, err := os.ReadFile(filepath.Join(directory, name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v; expected %q", name, got, err, want)
		}
	}
}

func TestApplyReportsWhatNftSaid(t *testing.T) {
	standIn(t, "cat >/dev/null; printf 'Error: one\\ntwo\\nthree\\nfour\\nfive\\n' >&2; exit 1")
	err := Apply(t.Context(), "table")
	if err == nil || !strings.Contains(err.Error(), "5 bytes of rules: exit status 1: Error: one\ntwo\nthree\nfour\n…") {
		t.Errorf("error %v, expected the first lines of nft's message", err)
	}
}

func TestApplyReportsAMissingProgram(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if err := Apply(t.Context(), "table"); err == nil || !strings.Contains(err.Error(), "nft") {
		t.Errorf("error %v, expected one that names the program", err)
	}
}
