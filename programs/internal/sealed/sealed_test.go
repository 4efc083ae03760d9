// SPDX-License-Identifier: GPL-3.0-or-later

package sealed

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const name = "server/base/20260101T000000/data.tar"

// keysOf reads a directory whose key files hold 32 times the given bytes, in this order.
func keysOf(t *testing.T, fill ...byte) *Keys {
	t.Helper()
	directory := t.TempDir()
	for position, value := range fill {
		text := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{value}, 32)) + "\n"
		if err := os.WriteFile(filepath.Join(directory, fmt.Sprintf("%02d.key", position)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := ReadKeys(directory)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func plaintext(length int) []byte {
	source := rand.NewChaCha8([32]byte{byte(length)})
	content := make([]byte, length)
	_, _ = source.Read(content)
	return content
}

// sealed gives one segment; a part is of the upload "u".
func sealed(t *testing.T, keys *Keys, object string, part uint32, plain []byte) []byte {
	t.Helper()
	upload := ""
	if part > 0 {
		upload = "u"
	}
	return sealedOf(t, keys, object, Part{Number: part, Upload: Upload(upload)}, plain)
}

func sealedOf(t *testing.T, keys *Keys, object string, part Part, plain []byte) []byte {
	t.Helper()
	reader, err := Seal(keys, object, part, int64(len(plain)), bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return stored
}

func opened(keys *Keys, object string, stored []byte) ([]byte, error) {
	return io.ReadAll(Open(keys, object, bytes.NewReader(stored)))
}

func TestRoundTrip(t *testing.T) {
	keys := keysOf(t, 1)
	for _, length := range []int{0, 1, 65535, 65536, 65537, 131072, 5<<20 + 17} {
		plain := plaintext(length)
		stored := sealed(t, keys, name, 0, plain)
		if size, err := StoredSize(int64(length)); err != nil || size != int64(len(stored)) {
			t.Errorf("%d bytes are stored in %d: StoredSize says %d, %v", length, len(stored), size, err)
		}
		if length >= 64 && bytes.Contains(stored, plain[:64]) {
			t.Errorf("%d bytes: the plaintext is in what is stored", length)
		}
		for kind, source := range map[string]io.Reader{
			"whole":        bytes.NewReader(stored),
			"halves":       iotest.HalfReader(bytes.NewReader(stored)),
			"end with all": iotest.DataErrReader(bytes.NewReader(stored)),
		} {
			reader := Open(keys, name, source)
			got, err := io.ReadAll(reader)
			if err != nil || !bytes.Equal(got, plain) {
				t.Errorf("%d bytes, read in %s: %d bytes came back, %v", length, kind, len(got), err)
			}
			if first := reader.First(); first.Length != int64(length) || first.Stored() != int64(len(stored)) || first.Part != 0 {
				t.Errorf("%d bytes: the header says %+v", length, first)
			}
		}
	}
}

func TestTheSameContentIsNeverStoredTwiceAlike(t *testing.T) {
	keys := keysOf(t, 1)
	if bytes.Equal(sealed(t, keys, name, 0, plaintext(100)), sealed(t, keys, name, 0, plaintext(100))) {
		t.Error("two objects of the same content are equal")
	}
}

func TestParts(t *testing.T) {
	keys := keysOf(t, 1)
	var parts [4][]byte
	var all []byte
	for index, length := range []int{70000, 0, 65536, 1} {
		plain := plaintext(length)
		parts[index] = sealed(t, keys, name, uint32(index+2), plain)
		all = append(all, plain...)
	}
	if got, err := opened(keys, name, slices.Concat(parts[:]...)); err != nil || !bytes.Equal(got, all) {
		t.Errorf("%d bytes, %v, expected %d", len(got), err, len(all))
	}
	whole := sealed(t, keys, name, 0, plaintext(3))
	for kind, stored := range map[string][]byte{
		"of two uploads":         slices.Concat(parts[0], sealedOf(t, keys, name, Part{2, Upload("other")}, plaintext(10))),
		"swapped":                slices.Concat(parts[2], parts[0]),
		"twice":                  slices.Concat(parts[0], parts[0]),
		"behind a whole object":  slices.Concat(whole, parts[0]),
		"whole object behind it": slices.Concat(parts[0], whole),
		"rubbish behind it":      slices.Concat(parts[0], plaintext(100)),
	} {
		if _, err := opened(keys, name, stored); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, expected damaged", kind, err)
		}
	}
}

// stride visits every byte of the header and of a small body, and some of a large one.
func stride(position int) int {
	if position < 300 {
		return 1
	}
	return 997
}

func TestEveryFlippedByteIsNoticed(t *testing.T) {
	keys := keysOf(t, 1)
	for _, length := range []int{0, 1, 200, 65536, 150000} {
		plain := plaintext(length)
		stored := sealed(t, keys, name, 7, plain)
		for position := 0; position < len(stored); position += stride(position) {
			for _, bit := range []byte{1, 0x80} {
				damaged := bytes.Clone(stored)
				damaged[position] ^= bit
				got, err := opened(keys, name, damaged)
				if err == nil {
					t.Errorf("%d bytes: byte %d flipped by %#x was not noticed", length, position, bit)
				}
				if !bytes.HasPrefix(plain, got) {
					t.Errorf("%d bytes: byte %d flipped by %#x gave out what was never written", length, position, bit)
				}
				if length > 0 && len(got) == length {
					t.Errorf("%d bytes: byte %d flipped by %#x: all was given out", length, position, bit)
				}
			}
		}
	}
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	keys := keysOf(t, 1)
	first, second := sealed(t, keys, name, 1, plaintext(40)), sealed(t, keys, name, 2, nil)
	stored := slices.Concat(first, second)
	for end := range stored {
		if end == len(first) {
			continue // a dropped part: the limit that the package states
		}
		_, err := opened(keys, name, stored[:end])
		if end == 0 && !errors.Is(err, ErrNotSealed) || end > 0 && !errors.Is(err, ErrTruncated) {
			t.Errorf("cut at %d: %v", end, err)
		}
	}
	long := sealed(t, keys, name, 0, plaintext(3*65536))
	for _, end := range []int{HeaderSize, HeaderSize + 65568, HeaderSize + 65569, HeaderSize + 2*65568, len(long) - 1} {
		got, err := opened(keys, name, long[:end])
		if !errors.Is(err, ErrTruncated) || !bytes.HasPrefix(plaintext(3*65536), got) {
			t.Errorf("cut at %d: %d bytes, %v", end, len(got), err)
		}
	}
}

func TestBoundToNameAndKey(t *testing.T) {
	keys := keysOf(t, 1)
	stored := sealed(t, keys, name, 0, plaintext(10))
	if got, err := opened(keys, name+"x", stored); !errors.Is(err, ErrDamaged) || len(got) > 0 {
		t.Errorf("renamed: %d bytes, %v", len(got), err)
	}
	_, err := opened(keysOf(t, 2, 3), name, stored)
	if !errors.Is(err, ErrUnknownKey) || !strings.Contains(err.Error(), keys.Newest().String()) {
		t.Errorf("without the key: %v", err)
	}
	forged := bytes.Clone(stored)
	other := keysOf(t, 2)
	id := other.Newest()
	copy(forged[len(magic):], id[:])
	if got, err := opened(other, name, forged); !errors.Is(err, ErrDamaged) || len(got) > 0 {
		t.Errorf("with another key under its id: %d bytes, %v", len(got), err)
	}
	for _, plain := range []string{"PGDMP", "PGDMP, a plain dump that nobody encrypted, longer than a header is"} {
		if _, err := opened(keys, name, []byte(plain)); !errors.Is(err, ErrNotSealed) {
			t.Errorf("plain: %v", err)
		}
	}
}

func TestRotation(t *testing.T) {
	old, both := keysOf(t, 9), keysOf(t, 9, 4)
	if got, err := opened(both, name, sealed(t, old, name, 0, plaintext(5))); err != nil || len(got) != 5 {
		t.Errorf("an object of the older key: %d bytes, %v", len(got), err)
	}
	if _, err := opened(old, name, sealed(t, both, name, 0, plaintext(5))); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("the last key does not encrypt: %v", err)
	}
}

func TestWrongLengthIsNeverSealed(t *testing.T) {
	keys := keysOf(t, 1)
	broken := errors.New("connection reset")
	for kind, test := range map[string]struct {
		length int64
		plain  io.Reader
	}{
		"shorter":              {100, bytes.NewReader(plaintext(99))},
		"longer":               {100, bytes.NewReader(plaintext(101))},
		"not empty":            {0, bytes.NewReader(plaintext(1))},
		"empty":                {1, bytes.NewReader(nil)},
		"breaks":               {100, io.MultiReader(bytes.NewReader(plaintext(50)), iotest.ErrReader(broken))},
		"ends unexpectedly":    {100, io.MultiReader(bytes.NewReader(plaintext(50)), iotest.ErrReader(io.ErrUnexpectedEOF))},
		"breaks at its end":    {65536, io.MultiReader(bytes.NewReader(plaintext(65536)), iotest.ErrReader(broken))},
		"empty, then breaks":   {0, iotest.ErrReader(broken)},
		"unexpected at length": {65537, io.MultiReader(bytes.NewReader(plaintext(65537)), iotest.ErrReader(io.ErrUnexpectedEOF))},
	} {
		reader, err := Seal(keys, name, Part{}, test.length, test.plain)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := io.ReadAll(reader)
		if size, _ := StoredSize(test.length); err == nil || int64(len(stored)) >= size {
			t.Errorf("%s: %d of %d bytes were stored, %v", kind, len(stored), size, err)
		}
	}
	for _, length := range []int64{-1, maxLength + 1} {
		if _, err := Seal(keys, name, Part{}, length, nil); err == nil {
			t.Errorf("length %d was taken", length)
		}
	}
}

func TestBrokenSourceIsNotCalledDamage(t *testing.T) {
	keys := keysOf(t, 1)
	stored := sealed(t, keys, name, 0, plaintext(200000))
	for _, cause := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
		for _, end := range []int{0, 10, HeaderSize, 100, 70000} {
			source := io.MultiReader(bytes.NewReader(stored[:end]), iotest.ErrReader(cause))
			if _, err := io.ReadAll(Open(keys, name, source)); !errors.Is(err, cause) {
				t.Errorf("broken at %d: %v, expected %v", end, err, cause)
			}
		}
	}
}

func TestAnErrorStays(t *testing.T) {
	keys := keysOf(t, 1)
	stored := sealed(t, keys, name, 0, plaintext(200000))
	stored[70000] ^= 1
	reader := Open(keys, name, bytes.NewReader(stored))
	if _, err := io.Copy(io.Discard, reader); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
	if n, err := reader.Read(make([]byte, 100)); n != 0 || !errors.Is(err, ErrDamaged) {
		t.Errorf("read on: %d bytes, %v", n, err)
	}
}

func TestParseHeader(t *testing.T) {
	stored := sealed(t, keysOf(t, 1), name, 5, plaintext(70000))
	header, err := ParseHeader(stored[:HeaderSize])
	if err != nil || header.Part != 5 || header.Length != 70000 || header.Stored() != int64(len(stored)) {
		t.Errorf("%+v %v", header, err)
	}
	stored[len(magic)+8+32] = 0xff // the first byte of the length
	if _, err := ParseHeader(stored[:HeaderSize]); !errors.Is(err, ErrDamaged) {
		t.Errorf("a length beyond all: %v", err)
	}
	if _, err := ParseHeader(stored[:HeaderSize-1]); !errors.Is(err, ErrTruncated) {
		t.Errorf("a short header: %v", err)
	}
}

func TestReadKeysRefuses(t *testing.T) {
	for kind, content := range map[string]string{
		"no base64": "not a key!", "31 bytes": base64.StdEncoding.EncodeToString(make([]byte, 31)), "empty": "",
	} {
		directory := t.TempDir()
		path := filepath.Join(directory, "a.key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := ReadKeys(directory)
		if err == nil || !strings.Contains(err.Error(), path) || content != "" && strings.Contains(err.Error(), content) {
			t.Errorf("%s: %v", kind, err)
		}
	}
	if _, err := ReadKeys(t.TempDir()); err == nil {
		t.Error("a directory without keys was taken")
	}
}
