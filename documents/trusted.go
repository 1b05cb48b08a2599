package documents

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// MaxTrusted is how many trusted documents there may be.
const MaxTrusted = 10_000

// hashPrefix marks an id that is a hash, in the appendix on persisted documents of GraphQL over HTTP.
const hashPrefix = "sha256:"

// Trusted are documents that were deployed with the front ends. Load makes them; they never change.
type Trusted struct {
	byID   map[string]string
	byHash map[string]string
}

func newTrusted() *Trusted {
	return &Trusted{byID: make(map[string]string), byHash: make(map[string]string)}
}

// Text returns the document with this id: the manifest's own, which may be anything, or else the
// document's hash. Both may have "sha256:" in front.
func (t *Trusted) Text(id string) (string, bool) {
	if text, ok := t.byID[id]; ok {
		return text, true
	}
	id = strings.TrimPrefix(id, hashPrefix)
	if text, ok := t.byID[id]; ok {
		return text, true
	}
	text, ok := t.byHash[id]
	return text, ok
}

// All yields every id of a manifest or hash of a file, in order, with its text.
func (t *Trusted) All() iter.Seq2[string, string] {
	return func(yield func(id, text string) bool) {
		for _, id := range slices.Sorted(maps.Keys(t.byID)) {
			if !yield(id, t.byID[id]) {
				return
			}
		}
	}
}

// Len is how many All yields.
func (t *Trusted) Len() int { return len(t.byID) }

func (t *Trusted) add(id, text string) error {
	known, again := t.byID[id]
	switch {
	case id == "":
		return errors.New("a document has no id")
	case strings.TrimSpace(text) == "":
		return errors.New("the document is empty")
	case len(text) > MaxText:
		return tooLarge(int64(len(text)))
	case again && known != text:
		return errors.New("two documents have this id")
	}
	t.byID[id] = text
	t.byHash[Hash(text)] = text
	return nil
}

func tooLarge(size int64) error {
	return fmt.Errorf("the document has %d bytes, more than the limit of %d", size, MaxText)
}

// confused returns the ids that are the hash of another document: whoever asks for the one by its
// hash would be given the other.
func (t *Trusted) confused() []string {
	var ids []string
	for id, text := range t.All() {
		if other, ok := t.byHash[strings.TrimPrefix(id, hashPrefix)]; ok && other != text {
			ids = append(ids, id)
		}
	}
	return ids
}
