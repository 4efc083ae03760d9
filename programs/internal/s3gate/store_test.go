// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var storeKeys = Credentials{AccessKey: "store-access", SecretKey: "store-secret"}

// memory is a small S3 store that holds raw bytes. It accepts only requests that
// the gateway signed.
type memory struct {
	t *testing.T

	mu      sync.Mutex
	objects map[string][]byte         // by /bucket/key
	headers map[string]http.Header    // of the last PUT of it
	uploads map[string]map[int][]byte // by /bucket/key
	seen    []string                  // method and address of each request
	last    http.Header
	broken  int    // how many requests to answer with 500
	cut     int    // break the connection after so many bytes of a GET, 0 is never
	refuse  string // code to refuse a PUT with before its body was read
	early   bool   // confirm a PUT before its body was read
}

func newMemory(t *testing.T) *memory {
	return &memory{t: t, objects: map[string][]byte{}, headers: map[string]http.Header{}, uploads: map[string]map[int][]byte{}}
}

func (m *memory) raw(path string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.objects[path]
}

func (m *memory) set(path string, content []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[path] = content
}

func (m *memory) change(do func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	do()
}

func (m *memory) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if failed := verify(r, r.URL.Query(), storeKeys, time.Now()); failed != nil {
		m.t.Errorf("%s %s reached the store: %v", r.Method, r.URL, failed)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	m.mu.Lock()
	refuse, early := m.refuse, m.early
	m.mu.Unlock()
	if r.Method == http.MethodPut && refuse != "" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", refuse)
		return
	}
	if r.Method == http.MethodPut && early {
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		return // an upload that broke off is not stored
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen = append(m.seen, r.Method+" "+r.URL.RequestURI())
	m.last = r.Header
	if m.broken > 0 {
		m.broken--
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	sum := md5.Sum(body)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	w.Header().Set("X-Amz-Checksum-Crc32", "of what is stored")
	query, path := r.URL.Query(), r.URL.Path
	switch {
	case r.Method == http.MethodPut && query.Has("uploadId"):
		number, _ := strconv.Atoi(query.Get("partNumber"))
		m.uploads[path][number] = body
	case r.Method == http.MethodPut && !query.Has("tagging"):
		m.objects[path], m.headers[path] = body, r.Header
	case r.Method == http.MethodPost && query.Has("uploads"):
		m.uploads[path] = map[int][]byte{}
		_, _ = io.WriteString(w, "<InitiateMultipartUploadResult><UploadId>id-1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPost && query.Has("uploadId"):
		parts := m.uploads[path]
		var whole []byte
		for _, number := range slices.Sorted(maps.Keys(parts)) {
			whole = append(whole, parts[number]...)
		}
		m.objects[path] = whole
		_, _ = io.WriteString(w, "<CompleteMultipartUploadResult/>")
	case r.Method == http.MethodPost && query.Has("delete"):
		sum := md5.Sum(body)
		if r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(sum[:]) {
			m.t.Error("the Content-MD5 of a list of names did not reach the store")
		}
		for object := range m.objects {
			if strings.Contains(string(body), "<Key>"+strings.SplitN(object, "/", 3)[2]+"</Key>") {
				delete(m.objects, object)
			}
		}
		_, _ = io.WriteString(w, "<DeleteResult/>")
	case r.Method == http.MethodDelete:
		delete(m.objects, path)
		w.WriteHeader(http.StatusNoContent)
	case strings.Count(path, "/") == 1 || query.Has("tagging") || query.Has("uploadId"):
		_, _ = io.WriteString(w, "<List>"+strings.Join(slices.Sorted(maps.Keys(m.objects)), " ")+"</List>")
	default:
		m.give(w, r, path)
	}
}

func (m *memory) give(w http.ResponseWriter, r *http.Request, path string) {
	content, found := m.objects[path]
	if !found {
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, "<Error><Code>NoSuchKey</Code></Error>")
		return
	}
	w.Header().Set("Content-Type", m.headers[path].Get("Content-Type"))
	sum := md5.Sum(content)
	w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
	if r.Header.Get("Accept-Encoding") == "gzip" && !strings.Contains(path, "/escrow/") {
		m.t.Error("the store may compress what it sends")
	}
	if m.cut == 0 {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content[:m.cut])
	panic(http.ErrAbortHandler)
}
