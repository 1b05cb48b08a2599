package transporttest

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/operation"
)

// resumeCases are what clients may expect that keep their place in what is kept.
var resumeCases = []testCase{
	{"who comes back with a cursor has what it missed, once and in order, then what comes", false, comesBack},
	{"who comes back after too much is told so, and has no part of it", false, comesTooLate},
	{"a cursor that is none is refused, and the client may go on", false, comesWithGarbage},
	{"who does not ask is shown no cursor", false, doesNotAsk},
}

// mostKept is how many events of a topic are kept where nobody says it.
const mostKept = 1000

// resuming is the extension of a request that asks for cursors, or goes on after one.
func resuming(resume any) map[string]any { return map[string]any{"resume": resume} }

// keptMessage reads the next result, and the cursor beside it.
func (b *bench) keptMessage(op Operation) (m message, cursor string) {
	b.Helper()
	event := op.Next()
	if event.Result == nil {
		b.Fatalf("the operation ended: %+v", event)
	}
	var result struct{ Extensions struct{ Cursor string } }
	mustParse(b.T, event.Result, &result)
	return b.message(&answered{event.Result}), result.Extensions.Cursor
}

// leave has a client subscribe, read one event and vanish. It returns where it stood.
func (b *bench) leave() (cursor string) {
	b.Helper()
	client := b.client()
	op := client.StartWith(kept, nil, resuming(true))
	b.members(1)
	b.keep(0)
	got, cursor := b.keptMessage(op)
	if got.n != 0 || cursor == "" {
		b.Fatalf("event %d came with the cursor %q", got.n, cursor)
	}
	client.Close()
	b.members(0)
	return cursor
}

func comesBack(t *testing.T, b *bench) {
	cursor := b.leave()
	const missed = 600 // more than an outbox or a page of the log takes
	for n := range missed {
		b.keep(n + 1)
	}
	op := b.client().StartWith(kept, nil, resuming(cursor))
	for n := range missed {
		got, at := b.keptMessage(op)
		if got.n != n+1 || at == "" || at == cursor {
			t.Fatalf("event %d is %d, with the cursor %q after %q", n+1, got.n, at, cursor)
		}
		cursor = at
	}
	b.members(1)
	b.keep(missed + 1)
	if got, _ := b.keptMessage(op); got.n != missed+1 {
		t.Fatalf("then came event %d", got.n)
	}
}

func comesTooLate(t *testing.T, b *bench) {
	cursor := b.leave()
	for n := range mostKept { // the client's own was the first: it is gone
		b.keep(n + 1)
	}
	op := b.client().StartWith(kept, nil, resuming(cursor))
	first := op.Next()
	if strings.Contains(string(first.Result), `"data"`) {
		t.Fatalf("it was sent %s", first.Result)
	}
	errs := first.Errors
	if first.Result != nil {
		errs = first.refusal(t)
		b.ended(op)
	}
	if operation.Code(errs) != operation.CodeResumeGap || first.Again {
		t.Fatalf("it was told %v", errs)
	}
	facts := errs[0].Extensions
	if facts["topic"] != "kept.1" || facts["firstAvailable"] != 2.0 || facts["top"] != mostKept+1.0 || facts["epoch"] == nil {
		t.Errorf("with the facts %v", facts)
	}
	b.members(0)
}

func comesWithGarbage(t *testing.T, b *bench) {
	client := b.client()
	end := b.ended(client.StartWith(kept, nil, resuming("garbage")))
	if code := operation.Code(end.Errors); code != operation.CodeResumeGap || end.Again {
		t.Fatalf("got %+v", end)
	}
	op := client.StartWith(kept, nil, resuming(true))
	b.members(1)
	b.keep(0)
	if _, cursor := b.keptMessage(op); cursor == "" {
		t.Error("without a cursor")
	}
}

func doesNotAsk(t *testing.T, b *bench) {
	asks, not := b.client().StartWith(kept, nil, resuming(true)), b.client().Start(kept, nil)
	b.members(2)
	b.keep(0)
	if _, cursor := b.keptMessage(asks); cursor == "" {
		t.Error("who asks is shown none")
	}
	if event := not.Next(); strings.Contains(string(event.Result), "extensions") {
		t.Errorf("who does not is sent %s", event.Result)
	}
}
