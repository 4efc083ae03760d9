// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"

	"github.com/biomax-ai/platform/programs/internal/sealed"
)

const maxPart = 10000 // of S3

// put stores an object, or a part of one, encrypted.
func (g *Gateway) put(e *exchange) error {
	if e.ContentLength < 0 {
		return refuse(http.StatusLengthRequired, "MissingContentLength", "the length of the body must be told")
	}
	if !e.only("partNumber", "uploadId", "x-id") {
		return notImplemented("PUT of an object with the query %s is not supported", e.URL.RawQuery)
	}
	part := sealed.Part{}
	if e.has("partNumber", "uploadId") {
		number, err := strconv.ParseUint(e.query.Get("partNumber"), 10, 32)
		if err != nil || number < 1 || number > maxPart || e.query.Get("uploadId") == "" {
			return refuse(http.StatusBadRequest, "InvalidArgument", "a part has a partNumber from 1 to %d and an uploadId", maxPart)
		}
		part = sealed.Part{Number: uint32(number), Upload: sealed.Upload(e.query.Get("uploadId"))}
	}
	size, err := sealed.StoredSize(e.ContentLength)
	if err != nil {
		return refuse(http.StatusBadRequest, "EntityTooLarge", "%v", err)
	}
	body, err := sealed.Seal(g.Keys, e.key, part, e.ContentLength, e.payload)
	if err != nil {
		return err
	}
	c := e.call()
	ofObject(c.header)
	response, err := g.Store.stream(e.Context(), c, body, size)
	if failed := e.payload.failed.Load(); failed != nil {
		if err == nil {
			_ = response.Body.Close()
		}
		return failed
	}
	if err != nil {
		return unreachable(err)
	}
	if response.StatusCode < http.StatusMultipleChoices && !e.payload.whole.Load() {
		_ = response.Body.Close()
		return errors.New("the store confirmed an upload before it had all of it")
	}
	ofObject(response.Header)
	return relay(e.w, response)
}

// get gives an object decrypted. The first bytes are opened before the status is
// sent.
func (g *Gateway) get(e *exchange) error {
	if text := e.Header.Get("Range"); text != "" && text != "bytes=0-" {
		return notImplemented("ranges of encrypted objects are not supported: read the whole object")
	}
	if e.has("partNumber") {
		return notImplemented("single parts of encrypted objects are not supported: read the whole object")
	}
	c := e.call()
	ofObject(c.header)
	response, err := g.Store.do(e.Context(), c, nil)
	if err != nil {
		return unreachable(err)
	}
	if response.StatusCode != http.StatusOK {
		return relay(e.w, response)
	}
	defer func() { _ = response.Body.Close() }()
	if response.ContentLength < 0 {
		return errors.New("the store does not tell the length of what it sends, so its end would prove nothing")
	}
	opened := sealed.Open(g.Keys, e.key, response.Body)
	plain := bufio.NewReaderSize(opened, 64<<10)
	if _, err := plain.Peek(1); err != nil && err != io.EOF {
		return undecryptable(e.key, err)
	}
	maps.Copy(e.w.Header(), ofObject(withoutHops(response.Header)))
	if first := opened.First(); first.Stored() == response.ContentLength {
		e.w.Header().Set("Content-Length", strconv.FormatInt(first.Length, 10))
	}
	e.w.WriteHeader(http.StatusOK)
	if _, err := io.Copy(e.w, plain); err != nil {
		return fmt.Errorf("%s broke off: %w", e.key, err)
	}
	return nil
}

// head tells the length of the plaintext, from the headers of all segments. They
// are not proven: that takes reading the object.
func (g *Gateway) head(e *exchange) error {
	if e.has("partNumber") {
		return notImplemented("single parts of encrypted objects are not supported")
	}
	c := e.call()
	ofObject(c.header)
	response, err := g.Store.do(e.Context(), c, nil)
	if err != nil {
		return unreachable(err)
	}
	if response.StatusCode != http.StatusOK {
		return relay(e.w, response)
	}
	_ = response.Body.Close()
	if response.ContentLength < sealed.HeaderSize {
		return undecryptable(e.key, sealed.ErrNotSealed)
	}
	length, at := int64(0), int64(0)
	for at < response.ContentLength {
		header, err := g.header(e, at)
		if err != nil {
			return undecryptable(e.key, err)
		}
		length, at = length+header.Length, at+header.Stored()
	}
	if at > response.ContentLength {
		return undecryptable(e.key, sealed.ErrTruncated)
	}
	maps.Copy(e.w.Header(), ofObject(withoutHops(response.Header)))
	e.w.Header().Set("Content-Length", strconv.FormatInt(length, 10))
	e.w.WriteHeader(http.StatusOK)
	return nil
}

// header reads the header of the segment that begins at a place of a stored object.
func (g *Gateway) header(e *exchange, at int64) (sealed.Header, error) {
	c := e.call()
	c.method = http.MethodGet
	ofObject(c.header)
	c.header.Set("Range", fmt.Sprintf("bytes=%d-%d", at, at+sealed.HeaderSize-1))
	response, err := g.Store.do(e.Context(), c, nil)
	if err != nil {
		return sealed.Header{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusPartialContent {
		return sealed.Header{}, fmt.Errorf("it answers a range with status %d", response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, sealed.HeaderSize))
	if err != nil {
		return sealed.Header{}, err
	}
	return sealed.ParseHeader(raw)
}
