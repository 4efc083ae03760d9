// SPDX-License-Identifier: GPL-3.0-or-later

package sealed

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const keySize = 32

// KeyID tells keys apart without telling anything of them.
type KeyID [8]byte

// String is the id in hexadecimal.
func (id KeyID) String() string { return hex.EncodeToString(id[:]) }

// Keys are the master keys: one encrypts, all decrypt.
type Keys struct {
	newest  KeyID
	secrets map[KeyID][]byte
}

// Newest is the id of the key that encrypts.
func (k *Keys) Newest() KeyID { return k.newest }

// ReadKeys reads the files *.key of a directory, each 32 bytes in base64. The
// last one by file name encrypts.
func ReadKeys(directory string) (*Keys, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*.key"))
	if err != nil {
		return nil, fmt.Errorf("list the keys in %s: %w", directory, err)
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no file *.key is in %s: put one there with 32 random bytes in base64", directory)
	}
	keys := &Keys{secrets: map[KeyID][]byte{}}
	for _, path := range paths { // Glob sorts
		secret, err := readKey(path)
		if err != nil {
			return nil, fmt.Errorf("read the key %s: %w", path, err)
		}
		sum := sha256.Sum256(append([]byte("biomax backup key id"), secret...))
		keys.newest = KeyID(sum[:len(KeyID{})])
		keys.secrets[keys.newest] = secret
	}
	return keys, nil
}

func readKey(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(content)))
	if err != nil {
		return nil, errors.New("it is not base64") // the decoder's text would tell a place in the key
	}
	if len(secret) != keySize {
		return nil, fmt.Errorf("it holds %d bytes: expected %d", len(secret), keySize)
	}
	return secret, nil
}
