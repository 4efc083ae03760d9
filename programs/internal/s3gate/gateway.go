// SPDX-License-Identifier: GPL-3.0-or-later

// Package s3gate is an S3 gateway that encrypts what clients store. It keeps
// nothing itself and no whole object in memory.
package s3gate

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/biomax-ai/platform/programs/internal/sealed"
)

// escrowPrefix begins the names of the escrowed keys, which are not encrypted again.
const escrowPrefix = "escrow/"

// Gateway answers S3 requests, path style only, and GET /healthz.
type Gateway struct {
	Keys   *sealed.Keys
	Client Credentials // what clients sign with
	Store  *Store
	Log    *slog.Logger
}

// exchange is one request of a client that was found to be its own.
type exchange struct {
	*http.Request
	w           *answer
	bucket, key string
	query       url.Values
	payload     *payload
}

// call is this request as the store shall see it.
func (e *exchange) call() call {
	return call{method: e.Method, path: e.URL.Path, query: e.query, header: forStore(e.Header)}
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/healthz" {
		_, _ = io.WriteString(w, "ok\n")
		return
	}
	began := time.Now()
	e := &exchange{Request: r, w: &answer{ResponseWriter: w}}
	err := g.serve(e)
	broken := err != nil && e.w.status != 0
	if err != nil && !broken {
		var own *failure
		if !errors.As(err, &own) {
			own = refuse(http.StatusInternalServerError, "InternalError", "%v", err)
		}
		if written := own.write(e.w, r.Method); written != nil {
			err = errors.Join(err, written)
		}
	}
	line := []any{"method", r.Method, "object", strings.TrimPrefix(r.URL.Path, "/"), "status", e.w.status,
		"announced", max(r.ContentLength, 0), "sent", e.w.sent, "seconds", time.Since(began).Seconds()}
	if err != nil {
		line = append(line, "error", err.Error())
	}
	g.Log.Info("request", line...)
	if broken {
		panic(http.ErrAbortHandler) // the client must not take what it has for the whole
	}
}

func (g *Gateway) serve(e *exchange) error {
	query, err := url.ParseQuery(e.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidURI", "the query does not parse: %v", err)
	}
	if failed := verify(e.Request, query, g.Client, time.Now()); failed != nil {
		return failed
	}
	body, failed := newPayload(e.Request)
	if failed != nil {
		return failed
	}
	e.query, e.payload = query, body
	e.bucket, e.key, _ = strings.Cut(strings.TrimPrefix(e.URL.Path, "/"), "/")
	if e.bucket == "" && e.key != "" {
		return refuse(http.StatusBadRequest, "InvalidBucketName", "the path names no bucket")
	}
	if slices.ContainsFunc(strings.Split(e.key, "/"), func(part string) bool { return part == "." || part == ".." }) {
		return refuse(http.StatusBadRequest, "InvalidArgument", "stores take . and .. out of a name, and what is encrypted is bound to its name")
	}
	if e.Header.Get("X-Amz-Copy-Source") != "" {
		return notImplemented("copies are not supported: what is encrypted is bound to its name. Read the object and write it anew")
	}
	return g.route(e)
}

// route forwards only what is known to carry no object: in doubt a body is
// encrypted or refused.
func (g *Gateway) route(e *exchange) error {
	object := e.key != ""
	escrow := strings.HasPrefix(e.key, escrowPrefix)
	switch e.Method {
	case http.MethodGet:
		if !object || escrow || e.has("uploadId", "tagging", "acl") {
			return g.forward(e)
		}
		return g.get(e)
	case http.MethodHead:
		if !object || escrow {
			return g.forward(e)
		}
		return g.head(e)
	case http.MethodPut:
		if !object || e.has("tagging") && e.only("tagging", "versionId", "x-id") {
			return g.forward(e)
		}
		if escrow {
			return refuse(http.StatusForbidden, "AccessDenied", "names under %s are the gateway's own", escrowPrefix)
		}
		return g.put(e)
	case http.MethodPost:
		if e.has("uploads", "uploadId", "delete") {
			return g.forward(e)
		}
	case http.MethodDelete:
		return g.forward(e)
	}
	return notImplemented("%s is supported for no such request", e.Method)
}

func (e *exchange) has(names ...string) bool { return slices.ContainsFunc(names, e.query.Has) }

// only says whether nothing but these names is in the query.
func (e *exchange) only(names ...string) bool {
	for name := range e.query {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// answer remembers what was sent.
type answer struct {
	http.ResponseWriter
	status int
	sent   int64
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	n, err := a.ResponseWriter.Write(p)
	a.sent += int64(n)
	return n, err
}
