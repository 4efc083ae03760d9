// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"net/http"
	"slices"
	"strings"
)

// hops are headers between two neighbours (RFC 9110), and those that the
// transport writes itself.
var hops = []string{
	"Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
	"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// signing are headers that the gateway replaces with its own.
var signing = []string{"Authorization", "Date", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token"}

// withoutHops copies headers for the other side.
func withoutHops(headers http.Header) http.Header {
	copied := headers.Clone()
	for _, name := range hops {
		copied.Del(name)
	}
	return copied
}

// forStore copies what the store may see of a client's headers.
func forStore(headers http.Header) http.Header {
	copied := withoutHops(headers)
	for _, name := range signing {
		copied.Del(name)
	}
	return copied
}

// ofObject removes from an object's headers what is true of the plaintext and not
// of what is stored, or the other way round: sums, ranges and encodings on the way.
func ofObject(headers http.Header) http.Header {
	for name := range headers {
		if strings.HasPrefix(name, "X-Amz-Checksum-") || slices.Contains([]string{
			"Accept-Encoding", "Accept-Ranges", "Content-Md5", "Range", "X-Amz-Decoded-Content-Length", "X-Amz-Mp-Parts-Count",
			"X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Trailer",
		}, name) {
			headers.Del(name)
		}
	}
	return headers
}
