package prom

import (
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/analytics"
)

// A few are those values of a label, or of several together, that are told apart: the first ones that there
// were. They stay, so that a sum of all the others never falls.
type few[T comparable] struct {
	most int

	mu  sync.Mutex // guards all
	all map[T]struct{}
}

func newFew[T comparable](most int) *few[T] { return &few[T]{most: most, all: make(map[T]struct{})} }

// has reports whether a value is one of them, and makes it one if there is room.
func (f *few[T]) has(value T) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, ok := f.all[value]; ok {
		return true
	}
	if len(f.all) >= f.most {
		return false
	}
	f.all[value] = struct{}{}
	return true
}

// named is the value of a label: a name if it is one of few, or else that of all others. Prometheus takes
// UTF-8 only, and one bad byte would cost the whole scrape.
func named(f *few[string], name string) string {
	if name = strings.ToValidUTF8(name, "?"); f.has(name) {
		return name
	}
	return analytics.Other
}
