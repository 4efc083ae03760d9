// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is the one that clients see. It is re-read when its file changes,
// as the mounted Secret does when it is renewed.
type certificate struct {
	certificate, key string // paths
	log              *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	since  time.Time // when the loaded file was written
}

// get keeps the old pair while the new one cannot be read: a volume may be seen
// in the middle of its change.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.reload()
	if err != nil && c.loaded == nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	if err != nil {
		c.log.Warn("the certificate was not read again", "error", err.Error())
	}
	return c.loaded, nil
}

func (c *certificate) reload() error {
	info, err := os.Stat(c.certificate)
	if err != nil || c.loaded != nil && info.ModTime().Equal(c.since) {
		return err
	}
	pair, err := tls.LoadX509KeyPair(c.certificate, c.key)
	if err != nil {
		return err
	}
	c.loaded, c.since = &pair, info.ModTime()
	return nil
}
