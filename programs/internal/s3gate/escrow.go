// SPDX-License-Identifier: GPL-3.0-or-later

package s3gate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	armour       = "-----BEGIN AGE ENCRYPTED FILE-----"
	maxEscrowed  = 1 << 20
	escrowPeriod = 10 * time.Second
	escrowLimit  = time.Minute // for one request
)

// Escrow are the keys as the offline identity can open them: file name to armoured
// age text.
type Escrow map[string][]byte

// ReadEscrow reads the files *.age of the directory of keys. It refuses what is
// not armoured age, because it will lie in the bucket as it is.
func ReadEscrow(directory string) (Escrow, error) {
	paths, err := filepath.Glob(filepath.Join(directory, "*.age"))
	if err != nil {
		return nil, fmt.Errorf("list the escrowed keys in %s: %w", directory, err)
	}
	escrow := Escrow{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the escrowed key: %w", err)
		}
		if !strings.HasPrefix(string(content), armour) {
			return nil, fmt.Errorf("%s does not begin with %s: seal it with age --armor", path, armour)
		}
		escrow[filepath.Base(path)] = content
	}
	return escrow, nil
}

// Keep puts the escrowed keys into a bucket where they are not there with equal
// content. What fails is logged and tried again until the context ends.
func (e Escrow) Keep(ctx context.Context, store *Store, bucket string, log *slog.Logger) {
	e.keep(ctx, store, bucket, log, escrowPeriod)
}

func (e Escrow) keep(ctx context.Context, store *Store, bucket string, log *slog.Logger, period time.Duration) {
	for name, content := range e {
		path := "/" + bucket + "/" + escrowPrefix + name
		for {
			put, err := keepOne(ctx, store, path, content)
			if err == nil {
				log.Info("escrowed key is in the bucket", "object", path[1:], "written", put)
				break
			}
			log.Warn("escrowed key is not in the bucket", "object", path[1:], "error", err.Error(), "again", period.String())
			select {
			case <-ctx.Done():
				return
			case <-time.After(period):
			}
		}
	}
}

// keepOne says whether it had to write.
func keepOne(ctx context.Context, store *Store, path string, content []byte) (bool, error) {
	status, held, err := roundTrip(ctx, store, call{method: http.MethodGet, path: path, header: http.Header{}}, nil)
	if err != nil {
		return false, err
	}
	if status == http.StatusOK && bytes.Equal(held, content) {
		return false, nil
	}
	if status != http.StatusOK && status != http.StatusNotFound {
		return false, fmt.Errorf("read what is there: the store answers with status %d", status)
	}
	status, _, err = roundTrip(ctx, store, call{method: http.MethodPut, path: path, header: http.Header{}}, content)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("write it: the store answers with status %d", status)
	}
	return err == nil, err
}

func roundTrip(ctx context.Context, store *Store, c call, body []byte) (int, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, escrowLimit)
	defer cancel()
	response, err := store.do(ctx, c, body)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxEscrowed))
	return response.StatusCode, answer, err
}
