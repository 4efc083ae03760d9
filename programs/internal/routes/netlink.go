// SPDX-License-Identifier: GPL-3.0-or-later

package routes

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Observe lists our routes in the main table.
func Observe() ([]Route, error) {
	filter := &netlink.Route{Protocol: Protocol, Table: unix.RT_TABLE_MAIN}
	found, err := netlink.RouteListFiltered(netlink.FAMILY_V4, filter, netlink.RT_FILTER_PROTOCOL|netlink.RT_FILTER_TABLE)
	if err != nil {
		return nil, fmt.Errorf("list routes with protocol %d: %w", Protocol, err)
	}
	routes := make([]Route, 0, len(found))
	for _, item := range found {
		if item.Dst == nil {
			continue
		}
		address, ok := netip.AddrFromSlice(item.Dst.IP.To4())
		if !ok {
			continue
		}
		bits, _ := item.Dst.Mask.Size()
		gateway, _ := netip.AddrFromSlice(item.Gw.To4()) // invalid differs from any wanted gateway
		routes = append(routes, Route{netip.PrefixFrom(address, bits), gateway})
	}
	return routes, nil
}

// Apply executes changes. It goes on after a failure, so that one unreachable
// node does not cut off the others, and returns all failures.
func Apply(changes Changes) error {
	var failures []error
	for _, route := range changes.Delete {
		err := netlink.RouteDel(kernelRoute(route))
		if err != nil && !errors.Is(err, unix.ESRCH) {
			failures = append(failures, fmt.Errorf("delete route %s via %s: %w", route.Destination, route.Gateway, err))
		}
	}
	for _, route := range changes.Replace {
		if err := netlink.RouteReplace(kernelRoute(route)); err != nil {
			failures = append(failures, fmt.Errorf("replace route %s via %s: %w", route.Destination, route.Gateway, err))
		}
	}
	for _, route := range changes.Add {
		err := netlink.RouteAdd(kernelRoute(route))
		if errors.Is(err, unix.EEXIST) {
			err = fmt.Errorf("a route to this destination exists that is not ours (protocol is not %d); remove it by hand", Protocol)
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("add route %s via %s: %w", route.Destination, route.Gateway, err))
		}
	}
	return errors.Join(failures...)
}

func kernelRoute(route Route) *netlink.Route {
	destination := &net.IPNet{
		IP:   route.Destination.Addr().AsSlice(),
		Mask: net.CIDRMask(route.Destination.Bits(), 32),
	}
	result := &netlink.Route{Dst: destination, Protocol: Protocol, Table: unix.RT_TABLE_MAIN}
	if route.Gateway.IsValid() {
		result.Gw = route.Gateway.AsSlice()
	}
	return result
}
