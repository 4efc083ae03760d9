// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"fmt"
	"io"
	"maps"
	"net/http"
)

// maxForwarded is the largest body that is passed on, in bytes. The largest
// that S3 knows, a list of 10 000 parts, is below.
const maxForwarded = 4 << 20

// forward passes a request on and its answer back.
func (g *Gateway) forward(e *exchange) error {
	body, err := io.ReadAll(io.LimitReader(e.payload, maxForwarded+1))
	if err != nil {
		return err
	}
	if len(body) > maxForwarded {
		return refuse(http.StatusRequestEntityTooLarge, "EntityTooLarge", "the body has more than %d bytes", maxForwarded)
	}
	c := e.call()
	if e.has("uploads", "uploadId") {
		ofObject(c.header) // they would bind parts that are not sent as they came
	}
	response, err := g.Store.do(e.Context(), c, body)
	if err != nil {
		return unreachable(err)
	}
	return relay(e.w, response)
}

// relay gives the store's answer to the client as it is.
func relay(w http.ResponseWriter, response *http.Response) error {
	defer func() { _ = response.Body.Close() }()
	maps.Copy(w.Header(), withoutHops(response.Header))
	if length := response.Header.Get("Content-Length"); length != "" {
		w.Header().Set("Content-Length", length)
	}
	w.WriteHeader(response.StatusCode)
	if _, err := io.Copy(w, response.Body); err != nil {
		return fmt.Errorf("pass the store's answer on: %w", err)
	}
	return nil
}
