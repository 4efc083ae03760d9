// SPDX-License-Identifier: GPL-3.0-or-later

// Command backup-gateway is an S3 gateway that encrypts objects before they leave
// the cluster.
//
//	backup-gateway serve ...                  answers S3 requests, encrypted to a store behind it
//	backup-gateway decrypt --keys DIR --object KEY <stored >plain
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/biomax-ai/platform/programs/internal/sealed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "backup-gateway:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, stdin io.Reader, stdout io.Writer) error {
	if len(arguments) > 0 {
		switch arguments[0] {
		case "serve":
			s, err := parse(arguments[1:])
			if err != nil {
				return err
			}
			return serve(ctx, s, slog.New(slog.NewJSONHandler(os.Stderr, nil)))
		case "decrypt":
			return decrypt(arguments[1:], stdin, stdout)
		}
	}
	return errors.New("the first argument must be serve or decrypt")
}

// decrypt opens one stored object. What it has written before an error is true,
// but not the whole.
func decrypt(arguments []string, stored io.Reader, plain io.Writer) error {
	flags := flag.NewFlagSet("decrypt", flag.ContinueOnError)
	directory := flags.String("keys", "", "directory of the keys *.key")
	object := flags.String("object", "", "the object's key, without the bucket, as it was stored under")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if *directory == "" || *object == "" {
		return errors.New("decrypt: --keys and --object are needed")
	}
	keys, err := sealed.ReadKeys(*directory)
	if err != nil {
		return err
	}
	if _, err := io.Copy(plain, sealed.Open(keys, *object, stored)); err != nil {
		return fmt.Errorf("decrypt %s: %w; throw away what was written", *object, err)
	}
	return nil
}
