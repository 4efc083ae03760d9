// SPDX-License-Identifier: GPL-3.0-or-later

package probe

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// Loop runs rounds at an interval and on demand, never two at once, and keeps
// the last result.
type Loop struct {
	Interval time.Duration
	Round    func(context.Context) Results
	Log      *slog.Logger

	demand chan chan Results
	mu     sync.Mutex
	last   *Results
}

// NewLoop prepares a loop; Run starts it.
func NewLoop(interval time.Duration, round func(context.Context) Results, log *slog.Logger) *Loop {
	return &Loop{Interval: interval, Round: round, Log: log, demand: make(chan chan Results)}
}

// Run measures until the context ends.
func (l *Loop) Run(ctx context.Context) error {
	tick := time.NewTicker(l.Interval)
	defer tick.Stop()
	l.round(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			l.round(ctx)
		case answer := <-l.demand:
			waiting := append(l.drain(), answer)
			results := l.round(ctx)
			for _, answer := range waiting {
				answer <- results
			}
		}
	}
}

// drain takes the other requests that are waiting: one round answers them all.
func (l *Loop) drain() (waiting []chan Results) {
	for {
		select {
		case answer := <-l.demand:
			waiting = append(waiting, answer)
		default:
			return waiting
		}
	}
}

func (l *Loop) round(ctx context.Context) Results {
	results := l.Round(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || !slices.Equal(l.last.Problems, results.Problems) {
		l.Log.Info("results changed", "ok", results.OK, "peers", len(results.Peers), "problems", results.Problems)
	}
	l.last = &results
	return results
}

// Last returns the latest results, if a round has ended yet.
func (l *Loop) Last() (Results, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		return Results{}, false
	}
	return *l.last, true
}

// Fresh runs a round that starts after the call, and returns its results.
func (l *Loop) Fresh(ctx context.Context) (Results, error) {
	answer := make(chan Results, 1)
	select {
	case l.demand <- answer:
	case <-ctx.Done():
		return Results{}, ctx.Err()
	}
	select {
	case results := <-answer:
		return results, nil
	case <-ctx.Done():
		return Results{}, ctx.Err()
	}
}
