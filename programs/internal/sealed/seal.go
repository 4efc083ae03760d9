// SPDX-License-Identifier: GPL-3.0-or-later

package sealed

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/minio/sio"
)

// Part is the place of a segment; the zero value is that of an object of one segment.
type Part struct {
	Number uint32
	Upload UploadID
}

// Seal returns a reader of one segment, StoredSize(length) bytes, that encrypts
// while it is read. When plain fails, or has fewer or more bytes than length, the
// reader fails before the segment is complete.
func Seal(keys *Keys, object string, part Part, length int64, plain io.Reader) (io.Reader, error) {
	if _, err := StoredSize(length); err != nil {
		return nil, err
	}
	header := Header{Key: keys.newest}
	copy(header.raw[:], magic)
	copy(header.raw[len(magic):], keys.newest[:])
	_, _ = rand.Read(header.raw[saltAt:lengthAt]) // never fails, says its documentation
	binary.BigEndian.PutUint64(header.raw[lengthAt:], uint64(length))
	binary.BigEndian.PutUint32(header.raw[partAt:], part.Number)
	copy(header.raw[uploadAt:], part.Upload[:])
	config, err := header.cipher(keys, object)
	if err != nil {
		return nil, err
	}
	source := io.Reader(&exactly{source: plain, left: length})
	if length == 0 {
		source = io.MultiReader(source, bytes.NewReader([]byte{0}))
	}
	body, err := sio.EncryptReader(source, config)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", object, err)
	}
	return io.MultiReader(bytes.NewReader(header.raw[:]), body), nil
}

// exactly reads left bytes and then expects the end. Its errors are wrapped:
// DARE takes a bare io.ErrUnexpectedEOF, which a cut connection gives, for an end.
type exactly struct {
	source io.Reader
	left   int64
	failed error
}

func (e *exactly) Read(p []byte) (int, error) {
	if e.failed != nil {
		return 0, e.failed
	}
	n, err := e.source.Read(p)
	e.left -= int64(n)
	switch {
	case e.left < 0:
		e.failed = errors.New("there are more bytes than was told")
	case err == io.EOF && e.left > 0:
		e.failed = fmt.Errorf("%d bytes are missing at the end", e.left)
	case err != nil && err != io.EOF:
		e.failed = fmt.Errorf("read what to encrypt: %w", err)
	default:
		return n, err
	}
	return 0, e.failed
}
