// SPDX-License-Identifier: GPL-3.0-or-later

// Package program holds what every program of this module does at its start:
// a structured log, a context that ends with the process, and an API client.
package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// Run starts a program: it logs one JSON line per event to standard error,
// cancels the context at SIGTERM or SIGINT and ends with status 1 on an error.
func Run(name string, main func(ctx context.Context, log *slog.Logger) error) {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil)).With("program", name)
	slog.SetDefault(log)
	klog.SetSlogLogger(log)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := main(ctx, log)
	stop()
	if err != nil {
		log.Error("stopped", "error", err.Error())
		os.Exit(1)
	}
	log.Info("stopped")
}

// Client returns an API client. An empty path means the service account of the
// pod; the address then comes from KUBERNETES_SERVICE_HOST and _PORT, which a
// manifest may set to the API endpoint so that kube-proxy is not needed.
func Client(kubeconfig, userAgent string) (kubernetes.Interface, error) {
	config, err := restConfig(kubeconfig)
	if err != nil {
		return nil, err
	}
	config.UserAgent = "biomax-platform/" + userAgent
	config.QPS, config.Burst = 20, 40
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("build a client for %s: %w", config.Host, err)
	}
	return client, nil
}

func restConfig(kubeconfig string) (*rest.Config, error) {
	if kubeconfig == "" {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("read the pod's service account (or give --kubeconfig): %w", err)
		}
		return config, nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read kubeconfig %s: %w", kubeconfig, err)
	}
	return config, nil
}

// Together runs functions side by side until the context ends or one of them
// returns; the others are then stopped, and all errors are returned.
func Together(ctx context.Context, functions ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make(chan error, len(functions))
	for _, function := range functions {
		go func() {
			defer cancel()
			results <- function(ctx)
		}()
	}
	failures := make([]error, 0, len(functions))
	for range functions {
		failures = append(failures, <-results)
	}
	return errors.Join(failures...)
}
