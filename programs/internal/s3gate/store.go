// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Store is the S3 store behind the gateway.
type Store struct {
	Address     *url.URL // scheme, host and port
	Region      string
	Credentials Credentials
	Transport   http.RoundTripper
}

// Transport connects to a store with TLS 1.2 or later. A nil pool means the
// system's authorities. There is no limit for a whole request: it ends with its
// context.
func Transport(authorities *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities},
		TLSHandshakeTimeout: 10 * time.Second,
		DisableCompression:  true,
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     60 * time.Second,
		// How long to wait for a store that does not know Expect.
		ExpectContinueTimeout: time.Second,
		ReadBufferSize:        64 << 10,
		WriteBufferSize:       64 << 10,
	}
}

// call is one request to the store.
type call struct {
	method string
	path   string
	query  url.Values
	header http.Header
}

// stream sends a body of a known length, without a sum of it: TLS protects it.
// The store may refuse before it gets the body.
func (s *Store) stream(ctx context.Context, c call, body io.Reader, length int64) (*http.Response, error) {
	c.header.Set("Expect", "100-continue")
	return s.send(ctx, c, body, length, unsignedPayload)
}

// do sends a body that is in memory; nil is none.
func (s *Store) do(ctx context.Context, c call, body []byte) (*http.Response, error) {
	hash := sha256.Sum256(body)
	return s.send(ctx, c, bytes.NewReader(body), int64(len(body)), hex.EncodeToString(hash[:]))
}

func (s *Store) send(ctx context.Context, c call, body io.Reader, length int64, hash string) (*http.Response, error) {
	target := url.URL{
		Scheme: s.Address.Scheme, Host: s.Address.Host,
		Path: c.path, RawPath: canonicalPath(c.path), RawQuery: canonicalQuery(c.query),
	}
	if length == 0 {
		body = http.NoBody
	}
	request, err := http.NewRequestWithContext(ctx, c.method, target.String(), body)
	if err != nil {
		return nil, err
	}
	request.Header, request.ContentLength = c.header, length
	sign(request, s.Credentials, s.Region, hash, time.Now())
	return s.Transport.RoundTrip(request)
}
