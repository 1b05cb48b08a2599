package operation

import (
	"container/list"
	"sync"
	"sync/atomic"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/policy"
)

// A document is a valid GraphQL document and the policy of its operations. It is shared by all
// who send the same text, and only whether it is shared ever changes.
type document struct {
	text       string
	hash       string      // of the text
	shared     atomic.Bool // other nodes can find it
	ast        *ast.QueryDocument
	operations map[*ast.OperationDefinition]*policy.Operation
	labels     map[*ast.OperationDefinition]*analytics.Labels // whoever runs them
	snapshots  map[*ast.OperationDefinition]*document         // what stands before the events of subscriptions
}

func newDocument(text string, parsed *ast.QueryDocument) *document {
	return &document{
		text:       text,
		hash:       documents.Hash(text),
		ast:        parsed,
		operations: make(map[*ast.OperationDefinition]*policy.Operation, len(parsed.Operations)),
		labels:     make(map[*ast.OperationDefinition]*analytics.Labels, len(parsed.Operations)),
	}
}

// known keeps the documents used last, by their text and its hash, bounded by number and by bytes of
// text: a million different queries must not make it grow.
type known struct {
	maxEntries, maxBytes int

	mu     sync.Mutex // guards what follows
	byText map[string]*list.Element
	byHash map[string]*list.Element
	recent *list.List // of *document, the last used in front
	bytes  int
}

func newKnown(maxEntries, maxBytes int) *known {
	return &known{
		maxEntries: maxEntries,
		maxBytes:   maxBytes,
		byText:     make(map[string]*list.Element),
		byHash:     make(map[string]*list.Element),
		recent:     list.New(),
	}
}

func (d *known) get(text string) *document {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byText[text]
	if !ok {
		return nil
	}
	d.recent.MoveToFront(e)
	return e.Value.(*document)
}

// textOf returns the text with a hash.
func (d *known) textOf(hash string) (string, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byHash[hash]
	if !ok {
		return "", false
	}
	return e.Value.(*document).text, true
}

func (d *known) add(doc *document) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.byText[doc.text]; ok {
		return
	}
	d.byText[doc.text] = d.recent.PushFront(doc)
	d.byHash[doc.hash] = d.byText[doc.text]
	d.bytes += len(doc.text)
	for d.recent.Len() > d.maxEntries || d.bytes > d.maxBytes {
		oldest := d.recent.Back()
		old := d.recent.Remove(oldest).(*document)
		delete(d.byText, old.text)
		delete(d.byHash, old.hash)
		d.bytes -= len(old.text)
	}
}
