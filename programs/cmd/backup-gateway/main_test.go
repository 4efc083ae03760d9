// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/biomax-ai/platform/programs/internal/sealed"
)

func write(t *testing.T, directory, name, content string) string {
	t.Helper()
	path := filepath.Join(directory, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pair writes a certificate of its own for 127.0.0.1 with this serial number.
func pair(t *testing.T, directory string, serial int64) (string, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, directory, "tls.crt", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		write(t, directory, "tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

func keyDirectory(t *testing.T, fill byte) string {
	t.Helper()
	directory := t.TempDir()
	write(t, directory, "1.key", base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{fill}, 32))+"\n")
	return directory
}

// arguments are all that serve needs.
func arguments(t *testing.T, store string) []string {
	t.Helper()
	directory := t.TempDir()
	crt, key := pair(t, directory, 1)
	for _, name := range []string{"client_access_key", "client_secret_key", "store_access_key", "store_secret_key"} {
		write(t, directory, name, name+"\n")
	}
	keys := keyDirectory(t, 1)
	write(t, keys, "1.age", "-----BEGIN AGE ENCRYPTED FILE-----\n")
	return []string{
		"--listen", "127.0.0.1:0", "--certificate", crt, "--certificate-key", key, "--keys", keys,
		"--credentials", directory, "--store", store, "--escrow-bucket", "b",
	}
}

// lines gives what is logged as it comes.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func (l lines) until(t *testing.T, part string) string {
	t.Helper()
	for {
		select {
		case line := <-l:
			if strings.Contains(line, part) {
				return line
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%q was not logged", part)
		}
	}
}

func TestServe(t *testing.T) {
	var held atomic.Bool
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut && r.URL.Path == "/b/escrow/1.age":
			held.Store(true)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer store.Close()
	given := append(arguments(t, store.URL), "--insecure-store")
	s, err := parse(given)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	logged := make(lines, 100)
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, s, slog.New(slog.NewJSONHandler(logged, nil))) }()
	_, address, _ := strings.Cut(logged.until(t, `"msg":"serving"`), `"address":"`)
	address, _, _ = strings.Cut(address, `"`)
	logged.until(t, "escrowed key is in the bucket")
	if !held.Load() {
		t.Error("the escrowed key is not in the store")
	}
	serial := func(version uint16) (int64, error) {
		connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MaxVersion: version})
		if err != nil {
			return 0, err
		}
		defer func() { _ = connection.Close() }()
		return connection.ConnectionState().PeerCertificates[0].SerialNumber.Int64(), nil
	}
	if got, err := serial(0); err != nil || got != 1 {
		t.Errorf("certificate %d, %v", got, err)
	}
	if _, err := serial(tls.VersionTLS12); err == nil {
		t.Error("TLS 1.2 was taken")
	}
	directory := filepath.Dir(s.certificate)
	pair(t, directory, 2)
	later := time.Now().Add(time.Minute)
	if err := os.Chtimes(s.certificate, later, later); err != nil {
		t.Fatal(err)
	}
	if got, err := serial(0); err != nil || got != 2 {
		t.Errorf("after a renewal: certificate %d, %v", got, err)
	}
	write(t, directory, "tls.crt", "half of")
	if got, err := serial(0); err != nil || got != 2 {
		t.Errorf("in the middle of a change: certificate %d, %v", got, err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	response, err := client.Get("https://" + address + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(response.Body); response.StatusCode != 200 || string(body) != "ok\n" {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	_ = response.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestParseRefuses(t *testing.T) {
	for store, text := range map[string]string{
		"http://store:8333": "https://", "ftp://store": "https://", "store:8333": "no address", "https://": "no address",
		"https://store/bucket": "no address", "https://user:secret@store": "no address", "": "--store: empty",
	} {
		if _, err := parse(arguments(t, store)); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", store, err)
		}
	}
	if _, err := parse(append(arguments(t, "ftp://store"), "--insecure-store")); err == nil {
		t.Error("ftp was taken")
	}
	if _, err := parse(append(arguments(t, "https://store"), "--keys", "")); err == nil || !strings.Contains(err.Error(), "--keys") {
		t.Errorf("without keys: %v", err)
	}
}

func TestServeRefusesMissingFiles(t *testing.T) {
	for _, name := range []string{"client_access_key", "store_secret_key", "tls.crt", "tls.key"} {
		s, err := parse(arguments(t, "https://store"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(s.credentials, name)); err != nil {
			t.Fatal(err)
		}
		if err := serve(t.Context(), s, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	s, err := parse(append(arguments(t, "https://store"), "--store-ca", write(t, t.TempDir(), "ca.crt", "nothing")))
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(t.Context(), s, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "ca.crt") {
		t.Errorf("with an empty authority: %v", err)
	}
}

func TestDecrypt(t *testing.T) {
	directory := keyDirectory(t, 1)
	keys, err := sealed.ReadKeys(directory)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := sealed.Seal(keys, "a/b", sealed.Part{}, 5, strings.NewReader("plain"))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	decrypted := func(directory, object string, stored []byte) (string, error) {
		var output bytes.Buffer
		err := run(t.Context(), []string{"decrypt", "--keys", directory, "--object", object}, bytes.NewReader(stored), &output)
		return output.String(), err
	}
	if got, err := decrypted(directory, "a/b", stored); err != nil || got != "plain" {
		t.Errorf("%q, %v", got, err)
	}
	damaged := bytes.Clone(stored)
	damaged[len(damaged)-1] ^= 1
	for kind, test := range map[string]struct {
		directory, object string
		stored            []byte
		err               error
	}{
		"wrong key":     {keyDirectory(t, 2), "a/b", stored, sealed.ErrUnknownKey},
		"wrong name":    {directory, "a/c", stored, sealed.ErrDamaged},
		"damaged":       {directory, "a/b", damaged, sealed.ErrDamaged},
		"truncated":     {directory, "a/b", stored[:len(stored)-1], sealed.ErrTruncated},
		"not encrypted": {directory, "a/b", []byte("plain"), sealed.ErrNotSealed},
	} {
		if got, err := decrypted(test.directory, test.object, test.stored); !errors.Is(err, test.err) || got != "" {
			t.Errorf("%s: %q, %v", kind, got, err)
		}
	}
	for _, given := range [][]string{nil, {"encrypt"}, {"decrypt"}, {"decrypt", "--keys", directory}} {
		if err := run(t.Context(), given, nil, nil); err == nil {
			t.Errorf("%q was taken", given)
		}
	}
}
