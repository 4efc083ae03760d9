// SPDX-License-Identifier: GPL-3.0-or-later

package csr

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/certificates/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// recheck is how often pending requests are looked at again: the list of allowed
// nodes may have changed.
const recheck = 20 * time.Second

// Controller approves requests that match and leaves the rest pending: a denial
// is final, while a request that came before its node was added to the list is
// approved as soon as the list has it. Why one is pending stands in the log and
// in an event on the request.
type Controller struct {
	Client   kubernetes.Interface
	Allowed  func() (Allowed, error)
	Domain   string
	Recorder record.EventRecorder
	Log      *slog.Logger
	Beat     func()

	told map[string]string // request -> reason that was told last
}

// Run watches requests until the context ends.
func (c *Controller) Run(ctx context.Context) error {
	c.told = map[string]string{}
	changed := make(chan struct{}, 1)
	lister, err := c.watch(ctx, changed)
	if err != nil {
		return err
	}
	tick := time.NewTicker(recheck)
	defer tick.Stop()
	for {
		c.pass(ctx, lister)
		c.Beat()
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-tick.C:
		}
	}
}

func (c *Controller) watch(ctx context.Context, changed chan<- struct{}) (listers.CertificateSigningRequestLister, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(c.Client, 0,
		informers.WithTweakListOptions(func(options *metav1.ListOptions) {
			options.FieldSelector = fields.OneTermEqualSelector("spec.signerName", certificatesv1.KubeletServingSignerName).String()
		}))
	requests := factory.Certificates().V1().CertificateSigningRequests()
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	registration, err := requests.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { notify() },
		UpdateFunc: func(any, any) { notify() },
	})
	if err != nil {
		return nil, fmt.Errorf("watch certificate signing requests: %w", err)
	}
	factory.Start(ctx.Done())
	if !cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
		return nil, fmt.Errorf("read certificate signing requests: %w", ctx.Err())
	}
	return requests.Lister(), nil
}

// pass looks at every request once. A failure concerns one request: it is told,
// and tried again at the next pass.
func (c *Controller) pass(ctx context.Context, lister listers.CertificateSigningRequestLister) {
	requests, err := lister.List(labels.Everything())
	if err != nil {
		c.Log.Error("list requests", "error", err.Error())
		return
	}
	allowed, err := c.Allowed()
	if err != nil {
		c.Log.Error("nothing can be approved", "error", err.Error())
		return
	}
	present := map[string]bool{}
	for _, request := range requests {
		present[request.Name] = true
		if !pending(request) {
			continue
		}
		if reason := Check(request, allowed, c.Domain); reason != nil {
			c.tell(request, reason)
			continue
		}
		if err := c.approve(ctx, request); err != nil {
			c.Log.Error("approval failed", "request", request.Name, "error", err.Error())
		}
	}
	for name := range c.told {
		if !present[name] {
			delete(c.told, name)
		}
	}
}

func pending(request *certificatesv1.CertificateSigningRequest) bool {
	for _, condition := range request.Status.Conditions {
		switch condition.Type {
		case certificatesv1.CertificateApproved, certificatesv1.CertificateDenied, certificatesv1.CertificateFailed:
			return false
		}
	}
	return len(request.Status.Certificate) == 0
}

// tell reports a reason once, not at every pass.
func (c *Controller) tell(request *certificatesv1.CertificateSigningRequest, reason error) {
	if c.told[request.Name] == reason.Error() {
		return
	}
	c.told[request.Name] = reason.Error()
	c.Log.Warn("left pending", "request", request.Name, "requester", request.Spec.Username, "reason", reason.Error())
	c.Recorder.Event(request, corev1.EventTypeWarning, "NotApproved", reason.Error())
}

// approve adds the condition to the object as it was checked: if it changed
// meanwhile, the API server refuses by its resourceVersion and the new object is
// checked at the next pass.
func (c *Controller) approve(ctx context.Context, request *certificatesv1.CertificateSigningRequest) error {
	approved := request.DeepCopy()
	approved.Status.Conditions = append(approved.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type:           certificatesv1.CertificateApproved,
		Status:         corev1.ConditionTrue,
		Reason:         "MatchesInventory",
		Message:        "Name and addresses are those of the node in the site's inventory.",
		LastUpdateTime: metav1.Now(),
	})
	_, err := c.Client.CertificatesV1().CertificateSigningRequests().UpdateApproval(ctx, request.Name, approved, metav1.UpdateOptions{})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // gone, or changed: the watch brings what it is now
	}
	if err != nil {
		return fmt.Errorf("approve request %s of %s: %w", request.Name, request.Spec.Username, err)
	}
	c.Log.Info("approved", "request", request.Name, "requester", request.Spec.Username)
	return nil
}
