// SPDX-License-Identifier: GPL-3.0-or-later

package integration

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/biomax-ai/platform/programs/internal/routes"
)

// The test binary runs itself inside network namespaces: with helperVariable set
// it is one of the small programs below and runs no test.
const helperVariable = "PLATFORM_TEST_HELPER"

func TestMain(m *testing.M) {
	role := os.Getenv(helperVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	helpers := map[string]func([]string) error{"serve": serve, "connect": connect, "stream": stream, "routes": applyRoutes}
	if err := helpers[role](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve listens on each TCP and UDP port and answers every line with the address
// that the client seems to have. It says "ready" when all ports listen.
func serve(ports []string) error {
	for _, port := range ports {
		listener, err := net.Listen("tcp4", ":"+port)
		if err != nil {
			return err
		}
		packets, err := net.ListenPacket("udp4", ":"+port)
		if err != nil {
			return err
		}
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					return
				}
				go answerLines(connection)
			}
		}()
		go func() {
			buffer := make([]byte, 64)
			for {
				_, client, err := packets.ReadFrom(buffer)
				if err != nil {
					return
				}
				_, _ = packets.WriteTo([]byte(client.String()+"\n"), client) // the client reports a missing answer
			}
		}()
	}
	fmt.Println("ready")
	_, err := io.Copy(io.Discard, os.Stdin) // until the test closes it
	return err
}

func answerLines(connection net.Conn) {
	defer connection.Close() // nothing is lost if closing fails
	lines := bufio.NewScanner(connection)
	for lines.Scan() {
		if _, err := fmt.Fprintln(connection, connection.RemoteAddr()); err != nil {
			return
		}
	}
}

// connect tries one flow from an optional local address and prints its outcome:
// "ok <address seen by the server>", "refused" or "silent".
func connect(arguments []string) error {
	network, target, source := arguments[0], arguments[1], arguments[2]
	dialer := net.Dialer{Timeout: time.Second}
	if source != "" {
		local := netip.AddrPortFrom(netip.MustParseAddr(source), 0)
		dialer.LocalAddr = net.TCPAddrFromAddrPort(local)
		if network == "udp4" {
			dialer.LocalAddr = net.UDPAddrFromAddrPort(local)
		}
	}
	seen, err := exchange(&dialer, network, target)
	var wait net.Error
	switch {
	case err == nil:
		fmt.Println("ok", seen)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.EACCES):
		fmt.Println("refused")
	case errors.As(err, &wait) && wait.Timeout():
		fmt.Println("silent")
	default:
		return err
	}
	return nil
}

func exchange(dialer *net.Dialer, network, target string) (string, error) {
	connection, err := dialer.DialContext(context.Background(), network, target)
	if err != nil {
		return "", err
	}
	defer connection.Close() // nothing is lost if closing fails
	if err := connection.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(connection, "hello"); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(connection).ReadString('\n')
	host, _, _ := net.SplitHostPort(strings.TrimSpace(line))
	return host, err
}

// stream keeps one connection: for every line of standard input it asks the
// server and prints "alive" or the error.
func stream(arguments []string) error {
	connection, err := net.DialTimeout("tcp4", arguments[0], time.Second)
	if err != nil {
		return err
	}
	answers := bufio.NewReader(connection)
	fmt.Println("alive")
	for commands := bufio.NewScanner(os.Stdin); commands.Scan(); {
		if err := connection.SetDeadline(time.Now().Add(time.Second)); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(connection, "hello"); err != nil {
			return err
		}
		if _, err := answers.ReadString('\n'); err != nil {
			return err
		}
		fmt.Println("alive")
	}
	return connection.Close()
}

// applyRoutes brings this namespace to the wanted routes and prints how many
// changes that took.
func applyRoutes(arguments []string) error {
	var wanted []routes.Route
	if err := json.Unmarshal([]byte(arguments[0]), &wanted); err != nil {
		return err
	}
	observed, err := routes.Observe()
	if err != nil {
		return err
	}
	changes := routes.Plan(observed, wanted)
	if err := routes.Apply(changes); err != nil {
		return err
	}
	fmt.Println(len(changes.Add), len(changes.Replace), len(changes.Delete))
	return nil
}
