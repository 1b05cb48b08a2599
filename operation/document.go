package operation

import (
	"container/list"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/policy"
)

// A document is a valid GraphQL document and the policy of its operations. It is shared by all
// who send the same text and is never changed.
type document struct {
	text       string
	ast        *ast.QueryDocument
	operations map[*ast.OperationDefinition]*policy.Operation
}

// documents keeps the documents used last, by their text, bounded by number and by bytes of text:
// a million different queries must not make it grow.
type documents struct {
	maxEntries, maxBytes int

	mu     sync.Mutex // guards what follows
	byText map[string]*list.Element
	recent *list.List // of *document, the last used in front
	bytes  int
}

func newDocuments(maxEntries, maxBytes int) *documents {
	return &documents{
		maxEntries: maxEntries,
		maxBytes:   maxBytes,
		byText:     make(map[string]*list.Element),
		recent:     list.New(),
	}
}

func (d *documents) get(text string) *document {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.byText[text]
	if !ok {
		return nil
	}
	d.recent.MoveToFront(e)
	return e.Value.(*document)
}

func (d *documents) add(doc *document) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.byText[doc.text]; ok {
		return
	}
	d.byText[doc.text] = d.recent.PushFront(doc)
	d.bytes += len(doc.text)
	for d.recent.Len() > d.maxEntries || d.bytes > d.maxBytes {
		oldest := d.recent.Back()
		old := d.recent.Remove(oldest).(*document)
		delete(d.byText, old.text)
		d.bytes -= len(old.text)
	}
}
