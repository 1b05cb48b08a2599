package keystest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/auth/keys"
)

// Memory is a keys.Store that lives as long as its process. The zero Memory is empty.
type Memory struct {
	mu   sync.Mutex // guards kept and fail; a change is edited with it held, as in a transaction
	kept map[string]*keys.Key
	fail error
}

// Fail makes every call return an error, until nil is given.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = err
}

// Key implements keys.Store.
func (m *Memory) Key(_ context.Context, id string) (*keys.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.kept[id]
	if k == nil || m.fail != nil {
		return nil, m.fail
	}
	return k.Clone(), nil
}

// Keys implements keys.Store.
func (m *Memory) Keys(_ context.Context, q keys.Query) ([]keys.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []keys.Key
	last := m.kept[q.After]
	for _, k := range m.kept {
		asked := q.Consumer == "" || k.Consumer == q.Consumer
		if asked && (q.After == "" || last != nil && newestFirst(*last, *k) < 0) {
			found = append(found, *k.Clone())
		}
	}
	slices.SortFunc(found, newestFirst)
	return found[:min(q.Limit, len(found))], m.fail
}

func newestFirst(a, b keys.Key) int {
	if c := b.Created.Compare(a.Created); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
}

// AddKey implements keys.Store.
func (m *Memory) AddKey(_ context.Context, k *keys.Key) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		return m.fail
	}
	if m.kept[k.ID] != nil {
		return errors.New("there is a key with this id")
	}
	if m.kept == nil {
		m.kept = make(map[string]*keys.Key)
	}
	m.kept[k.ID] = k.Clone()
	return nil
}

// ChangeKey implements keys.Store.
func (m *Memory) ChangeKey(_ context.Context, id string, change func(*keys.Key) error) (*keys.Key, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := m.kept[id]
	if kept == nil || m.fail != nil {
		return nil, m.fail
	}
	k := kept.Clone()
	if err := change(k); err != nil {
		return nil, err
	}
	m.kept[id] = k.Clone()
	return k, nil
}
