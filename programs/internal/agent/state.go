// SPDX-License-Identifier: GPL-3.0-or-later

package agent

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	networkinglisters "k8s.io/client-go/listers/networking/v1"
	"k8s.io/client-go/tools/cache"

	"github.com/biomax-ai/platform/programs/internal/policy"
	"github.com/biomax-ai/platform/programs/internal/routes"
)

// staticPodHash is the annotation of a static pod's API object that holds the
// UID by which the kubelet and the runtime know the pod.
const staticPodHash = "kubernetes.io/config.hash"

// reportEvery is how often a start that waits for the API says so.
const reportEvery = 5 * time.Second

// state is a local copy of the objects that the agent goes by.
type state struct {
	nodes      corelisters.NodeLister
	pods       corelisters.PodLister
	namespaces corelisters.NamespaceLister
	policies   networkinglisters.NetworkPolicyLister
	factory    informers.SharedInformerFactory
	synced     []cache.InformerSynced
}

// newState watches the API; changed is called after every event.
func newState(client kubernetes.Interface, changed func()) (*state, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(trim))
	nodes, pods := factory.Core().V1().Nodes(), factory.Core().V1().Pods()
	namespaces, policies := factory.Core().V1().Namespaces(), factory.Networking().V1().NetworkPolicies()
	s := &state{
		nodes: nodes.Lister(), pods: pods.Lister(), namespaces: namespaces.Lister(), policies: policies.Lister(),
		factory: factory,
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { changed() },
		UpdateFunc: func(any, any) { changed() },
		DeleteFunc: func(any) { changed() },
	}
	for _, informer := range []cache.SharedIndexInformer{nodes.Informer(), pods.Informer(), namespaces.Informer(), policies.Informer()} {
		registration, err := informer.AddEventHandler(handler)
		if err != nil {
			return nil, fmt.Errorf("watch the API: %w", err)
		}
		s.synced = append(s.synced, registration.HasSynced)
	}
	return s, nil
}

// start begins to watch and returns when the first complete copy is here. While
// it waits it calls report now and then with what is missing: the client itself
// is silent when connections to the API are refused.
func (s *state) start(ctx context.Context, report func(error)) error {
	s.factory.Start(ctx.Done())
	complete := make(chan bool, 1)
	go func() { complete <- cache.WaitForCacheSync(ctx.Done(), s.synced...) }()
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case all := <-complete:
			if !all {
				return fmt.Errorf("read nodes, pods, namespaces and policies: %w", ctx.Err())
			}
			return nil
		case <-tick.C:
			report(errors.New("nodes, pods, namespaces and policies could not be read from the API yet: check its address and this node's way to it"))
		}
	}
}

// trim drops what the agent never reads, so that its memory follows the number
// of pods and not the size of their specifications.
func trim(object any) (any, error) {
	switch typed := object.(type) {
	case *corev1.Pod:
		return trimPod(typed), nil
	case *corev1.Node:
		return &corev1.Node{
			ObjectMeta: trimMeta(typed.ObjectMeta),
			Spec:       corev1.NodeSpec{PodCIDR: typed.Spec.PodCIDR},
			Status:     corev1.NodeStatus{Addresses: typed.Status.Addresses},
		}, nil
	case *corev1.Namespace:
		return &corev1.Namespace{ObjectMeta: trimMeta(typed.ObjectMeta)}, nil
	case *networkingv1.NetworkPolicy:
		return &networkingv1.NetworkPolicy{ObjectMeta: trimMeta(typed.ObjectMeta), Spec: typed.Spec}, nil
	}
	return object, nil
}

func trimPod(pod *corev1.Pod) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: trimMeta(pod.ObjectMeta),
		Spec: corev1.PodSpec{
			NodeName:       pod.Spec.NodeName,
			HostNetwork:    pod.Spec.HostNetwork,
			Containers:     trimContainers(pod.Spec.Containers),
			InitContainers: trimContainers(pod.Spec.InitContainers),
		},
		Status: corev1.PodStatus{Phase: pod.Status.Phase, PodIP: pod.Status.PodIP, PodIPs: pod.Status.PodIPs},
	}
}

func trimContainers(containers []corev1.Container) []corev1.Container {
	trimmed := make([]corev1.Container, 0, len(containers))
	for _, container := range containers {
		trimmed = append(trimmed, corev1.Container{
			Name: container.Name, Ports: container.Ports, RestartPolicy: container.RestartPolicy,
		})
	}
	return trimmed
}

func trimMeta(meta metav1.ObjectMeta) metav1.ObjectMeta {
	var annotations map[string]string
	if hash, static := meta.Annotations[staticPodHash]; static {
		annotations = map[string]string{staticPodHash: hash}
	}
	return metav1.ObjectMeta{
		Annotations: annotations,
		Name:        meta.Name, Namespace: meta.Namespace, UID: meta.UID, ResourceVersion: meta.ResourceVersion,
		Labels: meta.Labels, CreationTimestamp: meta.CreationTimestamp, DeletionTimestamp: meta.DeletionTimestamp,
	}
}

// snapshot reads the local copy. It fails while the own node has no pod range.
func (s *state) snapshot(options Options) (policy.Input, []*corev1.Node, error) {
	nodes, err := s.nodes.List(labels.Everything())
	if err != nil {
		return policy.Input{}, nil, fmt.Errorf("list nodes: %w", err)
	}
	own, err := s.nodes.Get(options.Node)
	if err != nil {
		return policy.Input{}, nil, fmt.Errorf("find the own node %q (check --node-name): %w", options.Node, err)
	}
	if own.Spec.PodCIDR == "" {
		return policy.Input{}, nil, fmt.Errorf(
			"node %s has no podCIDR yet: the controller manager allocates it (--allocate-node-cidrs)", options.Node)
	}
	in := policy.Input{Node: options.Node, PodSubnet: options.PodSubnet, ServiceSubnet: options.ServiceSubnet}
	if in.PodCIDR, err = routes.PodCIDR(own, options.PodSubnet); err != nil {
		return policy.Input{}, nil, err
	}
	in.NodeAddresses = nodeAddresses(nodes)
	if in.Namespaces, err = s.namespaces.List(labels.Everything()); err != nil {
		return policy.Input{}, nil, fmt.Errorf("list namespaces: %w", err)
	}
	if in.Pods, err = s.pods.List(labels.Everything()); err != nil {
		return policy.Input{}, nil, fmt.Errorf("list pods: %w", err)
	}
	if in.Policies, err = s.policies.List(labels.Everything()); err != nil {
		return policy.Input{}, nil, fmt.Errorf("list network policies: %w", err)
	}
	return in, nodes, nil
}

func nodeAddresses(nodes []*corev1.Node) (addresses []netip.Addr) {
	for _, node := range nodes {
		addresses = append(addresses, routes.InternalAddresses(node)...)
	}
	return addresses
}
