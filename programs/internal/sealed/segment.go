// SPDX-License-Identifier: GPL-3.0-or-later

// Package sealed is the format of encrypted objects.
//
// An object is one segment, or one for each part of a multipart upload, one
// after the other. A segment is a header and a body:
//
//	magic        8 bytes  "BXSEAL\x01\n"
//	key id       8 bytes  which master key
//	salt        32 bytes  random
//	length       8 bytes  of the plaintext, big endian
//	part number  4 bytes  big endian, 0 when the object is one segment
//	upload       8 bytes  which multipart upload, 0 when the object is one segment
//	body                  DARE 2.0 with AES-256-GCM
//
// The body's key is HKDF-SHA256 of the master key, the salt, the object's key
// and the whole header, so a segment opens only unchanged and under its own name.
// The bucket is not part of it: a copy of the bucket opens as well.
//
// DARE cannot seal nothing and a header alone proves nothing, so an empty
// plaintext is sealed as one zero byte with the length 0.
//
// Limits: each part proves itself, not which parts there were. Whoever can write
// to the store can drop whole parts (one at least must stay) and put back an older
// object. The last is true for objects of one segment as well.
package sealed

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/minio/sio"
)

// What can be wrong with a stored object. Errors of this package that wrap none
// of these are of the reader that was given.
var (
	ErrNotSealed  = errors.New("it is not encrypted by this gateway")
	ErrUnknownKey = errors.New("there is no such key")
	ErrTruncated  = errors.New("it is truncated")
	ErrDamaged    = errors.New("it is damaged, or belongs to another name")
)

// HeaderSize is how many bytes ParseHeader takes.
const HeaderSize = 68

const (
	magic     = "BXSEAL\x01\n"
	saltAt    = len(magic) + len(KeyID{})
	saltSize  = 32
	lengthAt  = saltAt + saltSize
	partAt    = lengthAt + 8
	uploadAt  = partAt + 4
	maxLength = 1 << 48 // of DARE
)

// UploadID tells the parts of one multipart upload from those of another.
type UploadID [8]byte

// Upload derives the ID from the store's name of the upload; no name has ID 0.
func Upload(name string) UploadID {
	if name == "" {
		return UploadID{}
	}
	sum := sha256.Sum256([]byte("biomax backup upload\x00" + name))
	return UploadID(sum[:len(UploadID{})])
}

// Header says what a segment holds. Nothing in it is proven before a byte of the
// segment was opened.
type Header struct {
	Key    KeyID
	Length int64 // of the plaintext, in bytes
	Part   uint32
	Upload UploadID
	raw    [HeaderSize]byte
}

// Stored is the size of the segment in bytes, with its header.
func (h Header) Stored() int64 { return storedSize(h.Length) }

// StoredSize is the size in bytes of a segment that holds length bytes.
func StoredSize(length int64) (int64, error) {
	if length < 0 || length > maxLength {
		return 0, fmt.Errorf("a segment cannot hold %d bytes: 0 to %d are possible", length, int64(maxLength))
	}
	return storedSize(length), nil
}

func storedSize(length int64) int64 {
	body, err := sio.EncryptedSize(uint64(max(length, 1)))
	if err != nil {
		panic(err) // lengths are checked where they come in
	}
	return HeaderSize + int64(body)
}

// ParseHeader reads the first HeaderSize bytes of a segment.
func ParseHeader(raw []byte) (Header, error) {
	if !strings.HasPrefix(magic, string(raw[:min(len(raw), len(magic))])) {
		return Header{}, ErrNotSealed
	}
	if len(raw) < HeaderSize {
		return Header{}, fmt.Errorf("the header has %d bytes of %d: %w", len(raw), HeaderSize, ErrTruncated)
	}
	header := Header{raw: [HeaderSize]byte(raw)}
	header.Key = KeyID(header.raw[len(magic):saltAt])
	header.Part = binary.BigEndian.Uint32(header.raw[partAt:])
	header.Upload = UploadID(header.raw[uploadAt:])
	length := binary.BigEndian.Uint64(header.raw[lengthAt:])
	if length > maxLength {
		return Header{}, fmt.Errorf("the header tells %d bytes: %w", length, ErrDamaged)
	}
	header.Length = int64(length)
	return header, nil
}

// cipher derives what seals and opens the body of one segment.
func (h Header) cipher(keys *Keys, object string) (sio.Config, error) {
	secret, known := keys.secrets[h.Key]
	if !known {
		return sio.Config{}, fmt.Errorf("it is encrypted with key %s: %w", h.Key, ErrUnknownKey)
	}
	info := "biomax backup object 1\x00" + object + "\x00" + string(h.raw[:])
	key, err := hkdf.Key(sha256.New, secret, h.raw[saltAt:lengthAt], info, keySize)
	if err != nil {
		return sio.Config{}, fmt.Errorf("derive the key of a segment: %w", err)
	}
	return sio.Config{
		MinVersion: sio.Version20, MaxVersion: sio.Version20,
		CipherSuites: []byte{sio.AES_256_GCM}, Key: key,
	}, nil
}
