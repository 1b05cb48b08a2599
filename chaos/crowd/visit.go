package crowd

import (
	"context"
	"encoding/json"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
)

const (
	helloTime  = 3 * time.Second
	codeGap    = "RESUME_GAP"
	mostEvents = 1 << 20 // bytes of one message
)

// Who asks for the previous stock has it made by an execution of its own, which may panic.
var documents = []string{
	`subscription Watch($id: ID!) { stockChanged(productId: $id) { stock revision } }`,
	`subscription Both($id: ID!) { stockChanged(productId: $id) { stock revision previousStock } }`,
}

// visit stays with a gateway until one of them has enough.
func (s *subscriber) visit(ctx context.Context, gateway string) {
	switch s.transport {
	case WebSocket:
		s.visitBySocket(ctx, gateway)
	case SSE:
		s.visitByStream(ctx, gateway, eventStream)
	case Multipart:
		s.visitByStream(ctx, gateway, multipart)
	}
}

// request is what a subscriber asks for. resume is nil where the transport says so otherwise.
func (s *subscriber) request(resume any) []byte {
	r := map[string]any{"query": documents[s.IntN(len(documents))], "variables": map[string]string{"id": s.product}}
	if resume != nil {
		r["extensions"] = map[string]any{"resume": resume}
	}
	text, _ := json.Marshal(r)
	return text
}

// hear takes a result, and reports whether the subscription goes on. Where a field has failed the event is
// there all the same; where all of it has, the subscriber comes back for it.
func (s *subscriber) hear(ctx context.Context, result []byte, cursor string) bool {
	var n next
	if json.Unmarshal(result, &n) != nil {
		s.note("not JSON")
		return false
	}
	if s.regret(n.Errors) {
		return false
	}
	event := n.Data.StockChanged
	if event == nil {
		return false
	}
	if cursor == "" {
		cursor = n.Extensions.Cursor
	}
	s.dawdle(ctx)
	s.take(check.ID{Lane: event.Stock, Number: event.Revision}, cursor)
	return true
}

// regret counts errors, and reports whether a gap is one of them.
func (s *subscriber) regret(errors []failure) (gap bool) {
	for _, f := range errors {
		s.note(f.Extensions.Code)
		if f.Extensions.Code == codeGap {
			s.gap()
			return true
		}
	}
	return false
}
