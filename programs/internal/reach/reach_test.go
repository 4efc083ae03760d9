// SPDX-License-Identifier: GPL-3.0-or-later

package reach

import (
	"context"
	"net"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().(*net.TCPAddr).Port
}

func TestListenAndTry(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	port, closed := freePort(t), freePort(t)
	ended := make(chan error, 1)
	go func() { ended <- Listen(ctx, []int{port}) }()
	open := "tcp:127.0.0.1:" + strconv.Itoa(port)
	deadline := time.Now().Add(5 * time.Second)
	for !Try(ctx, []string{open}, time.Second)[0].Open {
		if time.Now().After(deadline) {
			t.Fatal("nothing listens")
		}
	}
	targets := []string{open, "tcp:127.0.0.1:" + strconv.Itoa(closed), "udp:1", "dns:localhost"}
	results := Try(ctx, targets, time.Second)
	var answered []bool
	for position, result := range results {
		if result.Target != targets[position] || result.Open != (result.Error == "") {
			t.Errorf("%+v for %s", result, targets[position])
		}
		answered = append(answered, result.Open)
	}
	if !reflect.DeepEqual(answered, []bool{true, false, false, true}) {
		t.Errorf("%+v", results)
	}
	if !strings.Contains(results[2].Error, "neither tcp") {
		t.Errorf("%+v", results[2])
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestPortInUse(t *testing.T) {
	listener, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	if err := Listen(context.Background(), []int{listener.Addr().(*net.TCPAddr).Port}); err == nil {
		t.Error("a port that is taken was not told")
	}
}

func TestPorts(t *testing.T) {
	ports, err := Ports("5432, 9093")
	if err != nil || !reflect.DeepEqual(ports, []int{5432, 9093}) {
		t.Errorf("%v %v", ports, err)
	}
	for _, text := range []string{"", "x", "0", "65536", "1,,2"} {
		if _, err := Ports(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}
