package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/documents"
)

// Persisted says which documents clients may name instead of sending them. The zero value lets them
// name those that this node has seen lately.
type Persisted struct {
	// Off refuses automatic persisted queries; clients then send every document whole.
	Off bool
	// Store shares them with other nodes; default: each node has its own.
	Store documents.Store
	// Trusted are documents that were deployed with the front ends; default none. They are all
	// validated when the engine is made.
	Trusted *documents.Trusted
	// Only refuses every document that is not trusted.
	Only bool
}

// checkTrusted validates every trusted document. Its error joins all that is wrong with them.
func (e *Engine) checkTrusted() error {
	p := &e.options.Persisted
	if p.Trusted == nil {
		if p.Only {
			return errors.New("operation: only trusted documents are allowed, and there are none")
		}
		return nil
	}
	var bad []error
	for id, text := range p.Trusted.All() {
		if _, errs := e.parse(text); errs != nil {
			bad = append(bad, fmt.Errorf("trusted document %s: %w", id, errs))
		}
	}
	return errors.Join(bad...)
}

// A naming is how a request names its document.
type naming struct {
	id   string // of a trusted document; empty: none
	hash string // of an automatic persisted query; empty: none
}

// namingOf reads how a request names its document (documentId, or Apollo's extension).
func namingOf(req Request) (naming, error) {
	n := naming{id: req.DocumentID}
	extension, ok := req.Extensions["persistedQuery"]
	if !ok || extension == nil {
		return n, nil
	}
	members, ok := extension.(map[string]any)
	if !ok {
		return n, errors.New("extensions.persistedQuery must be an object")
	}
	if version, ok := members["version"].(json.Number); ok && version != "1" {
		return n, fmt.Errorf("persisted queries of version %s are not known; use version 1", cut(version.String()))
	}
	n.hash, _ = members["sha256Hash"].(string)
	if !documents.IsHash(n.hash) {
		// Trusted documents may have ids that are no hashes.
		n.id, n.hash = n.hash, ""
		if n.id == "" {
			return n, errors.New("extensions.persistedQuery.sha256Hash must be a string")
		}
	}
	return n, nil
}

// named finds the document that a request names and does not send.
func (e *Engine) named(ctx context.Context, n naming) (text string, errs gqlerror.List) {
	p := &e.options.Persisted
	for _, id := range []string{n.id, n.hash} {
		if p.Trusted == nil || id == "" {
			continue
		}
		if text, ok := p.Trusted.Text(id); ok {
			return text, nil
		}
	}
	switch {
	case n.hash == "" || p.Only:
		return "", refuse(CodePersistedUnknown, "PersistedQueryNotFound")
	case p.Off:
		return "", refuse(CodePersistedOff, "PersistedQueryNotSupported")
	}
	if text, ok := e.documents.textOf(n.hash); ok {
		return text, nil
	}
	if p.Store != nil {
		text, ok, err := p.Store.Get(ctx, n.hash)
		e.storeFailed(err)
		if ok && documents.Check(n.hash, text) == nil {
			return text, nil
		}
	}
	return "", refuse(CodePersistedUnknown, "PersistedQueryNotFound")
}

// remembered is the text of a document that a request names, as far as this node knows it.
func (e *Engine) remembered(req Request) string {
	n, err := namingOf(req)
	if err != nil {
		return ""
	}
	if p := e.options.Persisted.Trusted; p != nil {
		for _, id := range []string{n.id, n.hash} {
			if text, ok := p.Text(id); ok {
				return text
			}
		}
	}
	text, _ := e.documents.textOf(n.hash)
	return text
}

// checkSent says why a document may not be sent, whatever is in it.
func (e *Engine) checkSent(text string, n naming) gqlerror.List {
	p := &e.options.Persisted
	if p.Only {
		if _, ok := p.Trusted.Text(documents.Hash(text)); !ok {
			return refuse(CodePersistedRequired, "this server runs only documents that it knows: send the id of one, and no text but its own")
		}
	}
	if n.hash != "" && !p.Off && documents.Hash(text) != n.hash {
		return refuse(CodeBadRequest, "extensions.persistedQuery.sha256Hash is not the hash of the query")
	}
	return nil
}

const (
	// maxShared is the size of the largest document that is shared, in bytes: comments cost no tokens.
	maxShared = 16 << 10
	// sharedPerSecond is how many documents a node shares: a store that anybody can fill has an end.
	sharedPerSecond = 20
)

// share keeps a document for the other nodes, once, if a client who may run it means to name it from
// now on.
func (e *Engine) share(ctx context.Context, doc *document, req Request) {
	p := &e.options.Persisted
	if p.Store == nil || p.Off || p.Only || req.Query == "" || req.Extensions["persistedQuery"] == nil || len(doc.text) > maxShared {
		return
	}
	if doc.shared.Load() || !e.sharing.allow(time.Now()) || doc.shared.Swap(true) {
		return
	}
	err := p.Store.Put(ctx, doc.hash, doc.text)
	if err != nil {
		doc.shared.Store(false)
	}
	e.storeFailed(err)
}

// perSecond allows something so many times a second.
type perSecond struct {
	most int

	mu    sync.Mutex // guards what follows
	since time.Time
	count int
}

func (p *perSecond) allow(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Sub(p.since) >= time.Second {
		p.since, p.count = now, 0
	}
	p.count++
	return p.count <= p.most
}

// storeFailed notes that documents cannot be shared. Clients do not notice: they send the text.
func (e *Engine) storeFailed(err error) {
	if err != nil && !errors.Is(err, documents.ErrUnavailable) {
		e.options.Log.Warn("documents cannot be shared with other nodes", "error", err)
	}
}
