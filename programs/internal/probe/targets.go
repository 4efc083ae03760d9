// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
)

// Discovery keeps a copy of the probe's Service and of its EndpointSlices.
type Discovery struct {
	self, namespace, service string
	services                 corelisters.ServiceLister
	slices                   discoverylisters.EndpointSliceLister
	synced                   []func() bool
}

// Discover begins to watch. It does not wait: while the API cannot be reached a
// round says so.
func Discover(ctx context.Context, client kubernetes.Interface, self, namespace, service string) *Discovery {
	named := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector("metadata.name", service).String()
		}))
	labelled := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.LabelSelector = labels.Set{discoveryv1.LabelServiceName: service}.String()
		}))
	services, endpoints := named.Core().V1().Services(), labelled.Discovery().V1().EndpointSlices()
	discovery := &Discovery{
		self: self, namespace: namespace, service: service,
		services: services.Lister(), slices: endpoints.Lister(),
		synced: []func() bool{services.Informer().HasSynced, endpoints.Informer().HasSynced},
	}
	named.Start(ctx.Done())
	labelled.Start(ctx.Done())
	return discovery
}

// Targets returns what the API shows now.
func (d *Discovery) Targets() Targets {
	for _, synced := range d.synced {
		if !synced() {
			return Targets{Missing: []string{"the Service and its endpoints could not be read from the API yet"}}
		}
	}
	service, err := d.services.Services(d.namespace).Get(d.service)
	if err != nil {
		return Targets{Missing: []string{fmt.Sprintf("find Service %s/%s: %v", d.namespace, d.service, err)}}
	}
	endpoints, err := d.slices.EndpointSlices(d.namespace).List(labels.Everything())
	if err != nil {
		return Targets{Missing: []string{fmt.Sprintf("list EndpointSlices of Service %s/%s: %v", d.namespace, d.service, err)}}
	}
	return plan(d.self, service, endpoints)
}

// plan reads the peers, one per other node, from EndpointSlices, ready or not.
// A node may show two pods while one replaces the other: one that is not about
// to end is preferred.
func plan(self string, service *corev1.Service, endpoints []*discoveryv1.EndpointSlice) (targets Targets) {
	terminating := map[string]bool{}
	found := map[string]Target{}
	seen := 0
	for _, slice := range endpoints {
		for _, endpoint := range slice.Endpoints {
			target, ok := target(endpoint)
			if !ok {
				continue
			}
			seen++
			ending := endpoint.Conditions.Terminating != nil && *endpoint.Conditions.Terminating
			if _, known := found[target.Node]; target.Node == self || known && !terminating[target.Node] {
				continue
			}
			found[target.Node], terminating[target.Node] = target, ending
		}
	}
	for _, target := range found {
		targets.Peers = append(targets.Peers, target)
	}
	slices.SortFunc(targets.Peers, func(a, b Target) int { return strings.Compare(a.Node, b.Node) })
	if seen == 0 {
		targets.Missing = append(targets.Missing, fmt.Sprintf("Service %s/%s has no endpoints, not even this pod", service.Namespace, service.Name))
	}
	address, err := netip.ParseAddr(service.Spec.ClusterIP)
	if err != nil || len(service.Spec.Ports) == 0 {
		targets.Missing = append(targets.Missing, fmt.Sprintf(
			"Service %s/%s has clusterIP %q and %d ports: expected an address and a port", service.Namespace, service.Name,
			service.Spec.ClusterIP, len(service.Spec.Ports)))
		return targets
	}
	targets.Service = net.JoinHostPort(address.String(), strconv.Itoa(int(service.Spec.Ports[0].Port)))
	return targets
}

func target(endpoint discoveryv1.Endpoint) (Target, bool) {
	if endpoint.NodeName == nil || len(endpoint.Addresses) == 0 {
		return Target{}, false
	}
	result := Target{Node: *endpoint.NodeName, Address: endpoint.Addresses[0]}
	if endpoint.TargetRef != nil {
		result.Pod = endpoint.TargetRef.Name
	}
	return result, true
}
