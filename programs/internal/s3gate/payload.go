// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
)

// payload is the body of a client's request. It ends with io.EOF only when it
// has the sums that the headers announce. The store's client may read on for a
// moment after it has answered, so the outcome is kept atomically.
type payload struct {
	body   io.Reader
	sums   []sum
	failed atomic.Pointer[failure]
	whole  atomic.Bool // it was read to its end and has its sums
}

type sum struct {
	hash.Hash
	want []byte
	code string
}

// newPayload refuses sums that are no sums, and bodies in chunks that are signed
// one by one or followed by a sum.
func newPayload(r *http.Request) (*payload, *failure) {
	p := &payload{body: r.Body}
	switch text := r.Header.Get("X-Amz-Content-Sha256"); {
	case text == unsignedPayload:
	case strings.HasPrefix(text, "STREAMING-"):
		return nil, notImplemented("bodies in signed chunks or with trailing checksums (%s) are not supported: "+
			"set request_checksum_calculation = when_required (AWS_REQUEST_CHECKSUM_CALCULATION), "+
			"or switch chunked encoding off in the client", text)
	default:
		want, err := hex.DecodeString(text)
		if err != nil || len(want) != sha256.Size {
			return nil, refuse(http.StatusBadRequest, "InvalidArgument", "X-Amz-Content-Sha256 is neither %s nor a SHA-256", unsignedPayload)
		}
		p.sums = append(p.sums, sum{sha256.New(), want, "XAmzContentSHA256Mismatch"})
	}
	if text := r.Header.Get("Content-Md5"); text != "" {
		want, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(want) != md5.Size {
			return nil, refuse(http.StatusBadRequest, "InvalidDigest", "Content-MD5 is no MD5 in base64")
		}
		p.sums = append(p.sums, sum{md5.New(), want, "BadDigest"})
	}
	return p, nil
}

// Read implements io.Reader. Its errors are of type *failure, and stay.
func (p *payload) Read(buffer []byte) (int, error) {
	if failed := p.failed.Load(); failed != nil {
		return 0, failed
	}
	n, err := p.body.Read(buffer)
	for _, sum := range p.sums {
		sum.Write(buffer[:n])
	}
	switch {
	case err == io.EOF:
		for _, sum := range p.sums {
			if !bytes.Equal(sum.Sum(nil), sum.want) {
				return 0, p.fail(refuse(http.StatusBadRequest, sum.code, "the body does not have the sum that its header tells"))
			}
		}
		p.whole.Store(true)
	case err != nil:
		return 0, p.fail(refuse(http.StatusBadRequest, "IncompleteBody", "the client's body broke off: %v", err))
	}
	return n, err
}

func (p *payload) fail(failed *failure) error {
	p.failed.Store(failed)
	return failed
}
