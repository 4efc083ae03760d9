// SPDX-License-Identifier: GPL-3.0-or-later

package agent

import (
	"net/netip"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// forgetAfter is how long an announced address is kept for a pod that the API
// does not show: the kubelet has given up on it by then.
const forgetAfter = 2 * time.Minute

// starting remembers the addresses that the gate announced until the API shows
// them.
type starting struct {
	now func() time.Time

	mu   sync.Mutex
	pods map[netip.Addr]announced
}

type announced struct {
	uid   types.UID
	since time.Time
}

func newStarting(now func() time.Time) *starting {
	return &starting{now: now, pods: map[netip.Addr]announced{}}
}

// add notes that a pod got an address. A pod whose sandbox is made anew gets
// another address: the earlier one is forgotten.
func (s *starting) add(address netip.Addr, uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for other, entry := range s.pods {
		if entry.uid == uid {
			delete(s.pods, other)
		}
	}
	s.pods[address] = announced{uid, s.now()}
}

// current returns the addresses that the API does not show yet.
func (s *starting) current(pods []*corev1.Pod) map[netip.Addr]types.UID {
	s.mu.Lock()
	defer s.mu.Unlock()
	byUID := make(map[types.UID]*corev1.Pod, len(pods))
	for _, pod := range pods {
		byUID[pod.UID] = pod
	}
	result := map[netip.Addr]types.UID{}
	for address, entry := range s.pods {
		pod, shown := byUID[entry.uid]
		if shown && pod.Status.PodIP == address.String() || !shown && s.now().Sub(entry.since) > forgetAfter {
			delete(s.pods, address)
			continue
		}
		result[address] = entry.uid
	}
	return result
}
