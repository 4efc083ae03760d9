// SPDX-License-Identifier: GPL-3.0-or-later

// Package nft hands rule text to the nft program.
package nft

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// timeout bounds one transaction: it takes milliseconds unless the kernel's
// netlink lock is held by another program.
const timeout = 30 * time.Second

// Apply runs `nft -f -` on the text: the kernel takes all of it or nothing.
func Apply(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	command := exec.CommandContext(ctx, "nft", "-f", "-")
	command.Stdin = strings.NewReader(text)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("run nft -f - on %d bytes of rules: %w: %s", len(text), err, firstLines(stderr.String(), 4))
	}
	return nil
}

func firstLines(text string, count int) string {
	lines := strings.SplitN(strings.TrimSpace(text), "\n", count+1)
	if len(lines) > count {
		lines = append(lines[:count], "…")
	}
	return strings.Join(lines, "\n")
}
