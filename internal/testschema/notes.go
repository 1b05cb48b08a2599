package testschema

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/live"
	"github.com/sluice-gateway/sluice/pubsub"
)

// Notes are data that changes. The zero value is empty.
type Notes struct {
	// Tell answers the field told; nil: with nothing.
	Tell func(ctx context.Context) string
	// LatestOf answers the field latestOf; nil: with null.
	LatestOf func(room string) (*Message, error)

	mu     sync.Mutex // guards what follows
	texts  map[string]string
	broken bool
	asked  int
}

// Set changes a note, behind everybody's back; an empty text takes it away.
func (n *Notes) Set(id, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.texts == nil {
		n.texts = make(map[string]string)
	}
	if n.texts[id] = text; text == "" {
		delete(n.texts, id)
	}
}

// Break has every question fail from now on, or none.
func (n *Notes) Break(broken bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.broken = broken
}

// Asked is how often the notes were read.
func (n *Notes) Asked() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked
}

func (n *Notes) read() (map[string]string, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.asked++; n.broken {
		return nil, errors.New("the notes are locked away")
	}
	return maps.Clone(n.texts), nil
}

func (n *Notes) get(id string) (*Note, error) {
	texts, err := n.read()
	if text, ok := texts[id]; ok {
		return &Note{ID: id, Text: text}, nil
	}
	return nil, err
}

func (q queries) Note(_ context.Context, id string) (*Note, error) { return q.notes.get(id) }

func (q queries) Notes(context.Context) ([]*Note, error) {
	texts, err := q.notes.read()
	all := make([]*Note, 0, len(texts))
	for _, id := range slices.Sorted(maps.Keys(texts)) {
		all = append(all, &Note{ID: id, Text: texts[id]})
	}
	return all, err
}

func (q queries) HowMany(context.Context) (int, error) {
	texts, err := q.notes.read()
	return len(texts), err
}

func (q queries) Mine(ctx context.Context) (*Note, error) {
	v, err := auth.ViewerFrom(ctx)
	if err != nil {
		return nil, err
	}
	return q.notes.get(v.Subject)
}

func (q queries) Counted(ctx context.Context) (int, error) {
	live.Touch(ctx, "the number of notes")
	return q.HowMany(ctx)
}

func (q queries) Told(ctx context.Context) (string, error) {
	if q.notes.Tell == nil {
		return "", nil
	}
	return q.notes.Tell(ctx), nil
}

func (q queries) Metered(context.Context) (*Note, error) { return q.notes.get("1") }

func (m mutations) Write(_ context.Context, id, text string) (*Note, error) {
	m.notes.Set(id, text)
	return m.notes.get(id)
}

func (m mutations) Rewrite(ctx context.Context, id, text string) (*Note, error) {
	return m.Write(ctx, id, text)
}

func (m mutations) Erase(ctx context.Context, id string) (*Erased, error) {
	m.notes.Set(id, "")
	live.Touch(ctx, "the number of notes")
	return &Erased{ID: id}, nil
}

func (m mutations) Wipe(context.Context) (bool, error) {
	texts, err := m.notes.read()
	for id := range texts {
		m.notes.Set(id, "")
	}
	return len(texts) > 0, err
}

func (m mutations) EraseAll(_ context.Context, ids []string) ([]*Erased, error) {
	all := make([]*Erased, len(ids))
	for i, id := range ids {
		m.notes.Set(id, "")
		all[i] = &Erased{ID: id}
	}
	return all, nil
}

func (m mutations) Announce(_ context.Context, ids []string, text string) (*Written, error) {
	for _, id := range ids {
		m.notes.Set(id, text)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return &Written{Ids: ids}, nil
}

func (subscriptions) NoteWritten(ctx context.Context) (<-chan *Written, error) {
	return pubsub.Stream(ctx, decode[Written])
}
