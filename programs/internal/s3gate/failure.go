// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"github.com/biomax-ai/platform/programs/internal/sealed"
)

// failure is an answer of the gateway's own, in the words of S3.
type failure struct {
	status  int
	code    string
	message string
}

func (f *failure) Error() string { return f.code + ": " + f.message }

func refuse(status int, code, format string, values ...any) *failure {
	return &failure{status: status, code: code, message: fmt.Sprintf(format, values...)}
}

func notImplemented(format string, values ...any) *failure {
	return refuse(http.StatusNotImplemented, "NotImplemented", format, values...)
}

// unreachable has a status that S3 clients try again.
func unreachable(err error) *failure {
	return refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "the store does not answer: %v", err)
}

// undecryptable tells a stored object that does not open from a store that stopped.
func undecryptable(object string, err error) *failure {
	for _, cause := range []error{sealed.ErrNotSealed, sealed.ErrUnknownKey, sealed.ErrTruncated, sealed.ErrDamaged} {
		if errors.Is(err, cause) {
			return refuse(http.StatusInternalServerError, "DecryptionFailed", "%s: %v", object, err)
		}
	}
	return unreachable(err)
}

// write answers a request with the failure. The answer to HEAD has no body.
func (f *failure) write(w http.ResponseWriter, method string) error {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(f.status)
	if method == http.MethodHead {
		return nil
	}
	return xml.NewEncoder(w).Encode(struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
		Message string
	}{Code: f.code, Message: f.message})
}
