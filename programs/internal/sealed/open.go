// SPDX-License-Identifier: GPL-3.0-or-later

package sealed

import (
	"errors"
	"fmt"
	"io"

	"github.com/minio/sio"
)

// Reader gives the plaintext of a stored object. Every byte it gives is proven to
// be what was written under this name at this place of its part; the object is
// proven complete (but see the package) only when it ends with io.EOF. An error
// stays.
type Reader struct {
	keys   *Keys
	object string
	stored *source

	first, current Header
	begun          bool
	body           *io.LimitedReader // what is stored of the current segment
	plain          io.Reader         // nil between segments
	failed         error
}

// Open reads a stored object to its end. The object's key is the one it was
// sealed under.
func Open(keys *Keys, object string, stored io.Reader) *Reader {
	return &Reader{keys: keys, object: object, stored: &source{reader: stored}}
}

// First is the header of the first segment. It is proven once Read has given a
// byte, or io.EOF.
func (r *Reader) First() Header { return r.first }

// Read implements io.Reader. The error wraps ErrNotSealed, ErrUnknownKey,
// ErrTruncated or ErrDamaged, or is the one that the stored object's reader gave.
func (r *Reader) Read(p []byte) (int, error) {
	for r.failed == nil && len(p) > 0 {
		if r.plain == nil {
			r.failed = r.next()
			continue
		}
		n, err := r.plain.Read(p)
		if err == io.EOF {
			r.plain = nil
		} else if err != nil {
			r.failed = r.explain(err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, r.failed
}

// next begins a segment. It returns io.EOF when there is none.
func (r *Reader) next() error {
	raw := make([]byte, HeaderSize)
	n, err := io.ReadFull(r.stored, raw)
	if err != nil && r.stored.failed != io.EOF {
		return fmt.Errorf("read the stored object: %w", r.stored.failed)
	}
	if n == 0 && r.begun {
		return io.EOF
	}
	header, err := ParseHeader(raw[:n])
	switch {
	case n == 0:
		return fmt.Errorf("the stored object is empty: %w", ErrNotSealed)
	case errors.Is(err, ErrNotSealed) && r.begun:
		return fmt.Errorf("what follows part %d is no segment: %w", r.current.Part, ErrDamaged)
	case err != nil:
		return err
	case r.begun && header.Upload != r.current.Upload:
		return fmt.Errorf("part %d is of another upload: %w", header.Part, ErrDamaged)
	case r.begun && (r.current.Part == 0 || header.Part <= r.current.Part):
		return fmt.Errorf("part %d follows part %d: %w", header.Part, r.current.Part, ErrDamaged)
	}
	config, err := header.cipher(r.keys, r.object)
	if err != nil {
		return err
	}
	if !r.begun {
		r.begun, r.first = true, header
	}
	r.current = header
	r.body = &io.LimitedReader{R: r.stored, N: header.Stored() - HeaderSize}
	if r.plain, err = sio.DecryptReader(r.body, config); err != nil {
		return fmt.Errorf("open part %d: %w", header.Part, err)
	}
	if header.Length > 0 {
		return nil
	}
	if _, err := io.Copy(io.Discard, r.plain); err != nil { // the zero byte
		return r.explain(err)
	}
	r.plain = nil
	return nil
}

// explain says what DARE's error comes from.
func (r *Reader) explain(err error) error {
	cause := r.stored.failed
	switch {
	case cause != nil && cause != io.EOF:
		return fmt.Errorf("read the stored object: %w", cause)
	case cause != nil && r.body.N > 0:
		return fmt.Errorf("part %d lacks %d bytes: %w", r.current.Part, r.body.N, ErrTruncated)
	}
	return fmt.Errorf("part %d does not open (%w): %w", r.current.Part, err, ErrDamaged)
}

// source remembers how the stored object ended.
type source struct {
	reader io.Reader
	failed error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if err != nil {
		s.failed = err
	}
	return n, err
}
