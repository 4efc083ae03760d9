// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/biomax-ai/platform/programs/internal/s3gate"
	"github.com/biomax-ai/platform/programs/internal/sealed"
)

// grace is how long running requests may take to end after SIGTERM.
const grace = 30 * time.Second

type settings struct {
	listen, certificate, certificateKey string
	keys, credentials, escrowBucket     string
	storeCA, region                     string
	store                               *url.URL
}

func parse(arguments []string) (settings, error) {
	var s settings
	var store string
	var insecure bool
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.StringVar(&s.listen, "listen", ":8443", "address and port to serve on")
	flags.StringVar(&s.certificate, "certificate", "", "TLS certificate, re-read when it changes")
	flags.StringVar(&s.certificateKey, "certificate-key", "", "its key")
	flags.StringVar(&s.keys, "keys", "", "directory of the keys *.key, and of the same for the escrow identity, *.age")
	flags.StringVar(&s.credentials, "credentials", "", "directory of {client,store}_{access,secret}_key")
	flags.StringVar(&store, "store", "", "address of the S3 store, https://HOST:PORT")
	flags.StringVar(&s.storeCA, "store-ca", "", "certificate authorities of the store instead of the system's")
	flags.StringVar(&s.region, "region", "us-east-1", "region that the store expects")
	flags.StringVar(&s.escrowBucket, "escrow-bucket", "", "bucket that escrowed keys are put into")
	flags.BoolVar(&insecure, "insecure-store", false, "let the store be http://, for tests")
	if err := flags.Parse(arguments); err != nil {
		return s, err
	}
	for name, value := range map[string]string{
		"certificate": s.certificate, "certificate-key": s.certificateKey, "keys": s.keys,
		"credentials": s.credentials, "store": store, "escrow-bucket": s.escrowBucket,
	} {
		if value == "" {
			return s, fmt.Errorf("--%s: empty", name)
		}
	}
	address, err := url.Parse(store)
	if err != nil || address.Host == "" || strings.Trim(address.Path, "/") != "" || address.User != nil || address.RawQuery != "" {
		return s, fmt.Errorf("--store: %q is no address like https://HOST:PORT", store)
	}
	if address.Scheme != "https" && (address.Scheme != "http" || !insecure) {
		return s, fmt.Errorf("--store: %q does not begin with https://", store)
	}
	s.store = address
	return s, nil
}

func serve(ctx context.Context, s settings, log *slog.Logger) error {
	gateway, escrow, err := build(s, log)
	if err != nil {
		return err
	}
	certificate := &certificate{certificate: s.certificate, key: s.certificateKey, log: log}
	if _, err := certificate.get(nil); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{
		Handler:           gateway,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: certificate.get},
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	background, stop := context.WithCancel(ctx)
	defer stop()
	go escrow.Keep(background, gateway.Store, s.escrowBucket, log)
	log.Info("serving", "address", listener.Addr().String(), "store", s.store.String(), "key", gateway.Keys.Newest().String())
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, "", "") }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		return errors.Join(fmt.Errorf("requests were still running after %s: %w", grace, err), server.Close())
	}
	return nil
}

// build reads the files of the settings.
func build(s settings, log *slog.Logger) (*s3gate.Gateway, s3gate.Escrow, error) {
	keys, err := sealed.ReadKeys(s.keys)
	if err != nil {
		return nil, nil, err
	}
	escrow, err := s3gate.ReadEscrow(s.keys)
	if err != nil {
		return nil, nil, err
	}
	if len(escrow) == 0 {
		log.Warn("no key is escrowed: when the keys are lost, so are the backups", "directory", s.keys)
	}
	client, err := readCredentials(s.credentials, "client")
	if err != nil {
		return nil, nil, err
	}
	store, err := readCredentials(s.credentials, "store")
	if err != nil {
		return nil, nil, err
	}
	authorities, err := readAuthorities(s.storeCA)
	if err != nil {
		return nil, nil, err
	}
	return &s3gate.Gateway{
		Keys: keys, Client: client, Log: log,
		Store: &s3gate.Store{
			Address: s.store, Region: s.region, Credentials: store, Transport: s3gate.Transport(authorities),
		},
	}, escrow, nil
}

func readCredentials(directory, whose string) (s3gate.Credentials, error) {
	var texts [2]string
	for index, kind := range []string{"access", "secret"} {
		path := filepath.Join(directory, whose+"_"+kind+"_key")
		content, err := os.ReadFile(path)
		if err != nil {
			return s3gate.Credentials{}, fmt.Errorf("read the credentials: %w", err)
		}
		if texts[index] = strings.TrimSpace(string(content)); texts[index] == "" {
			return s3gate.Credentials{}, fmt.Errorf("read the credentials: %s is empty", path)
		}
	}
	return s3gate.Credentials{AccessKey: texts[0], SecretKey: texts[1]}, nil
}

// readAuthorities returns nil, which means the system's, when no file is named.
func readAuthorities(path string) (*x509.CertPool, error) {
	if path == "" {
		return nil, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the store's authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("read the store's authorities: %s holds no certificate in PEM", path)
	}
	return pool, nil
}
