package resolvers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
)

const (
	// goodFor is for how long an answer is, from when its reading began. It is a little less than the
	// second after which a field with @poll is asked for again, to see something new.
	goodFor = 900 * time.Millisecond
	// mostAnswers is how many are read or kept at a time. Those that are more are not shared.
	mostAnswers = 1000
	// retryAfter is when to come again without a turn, in milliseconds.
	retryAfter = int64(1000)
)

// A load is what callers keep busy: readings, and workers of live queries. Whoever waits for somebody
// else's reading holds a worker, too.
type load struct{ readings, workers int }

// What consumers may keep busy. There are 16 workers, unless an operator says otherwise.
var (
	mostOfOne = load{readings: 4, workers: 6}
	mostOfAll = load{readings: 8, workers: 12}
)

func (l load) plus(m load) load  { return load{l.readings + m.readings, l.workers + m.workers} }
func (l load) minus(m load) load { return load{l.readings - m.readings, l.workers - m.workers} }

func (l load) exceeds(most load) bool { return l.readings > most.readings || l.workers > most.workers }

// turns bound what is read for consumers, who may ask as often as they like, and have callers with the same
// question share one answer. The zero value is ready. It is safe for concurrent use, and starts no
// goroutine: an answer is read by the first who asks.
type turns struct {
	mu      sync.Mutex // guards what follows
	answers map[question]*answer
	of      map[consumerOf]load
	all     load
}

// consumerOf is a consumer of an issuer.
type consumerOf struct{ issuer, consumer string }

// A question is what is asked, and for whom. Those that are equal share an answer. Without a viewer it is
// an operator's, about everybody.
type question struct {
	field string
	consumerOf
	subject   string
	own       bool              // a viewer's, who needs a turn
	arguments [sha256.Size]byte // a hash: clients choose how long they are
}

// questionOf is a viewer's question about what is its own.
func questionOf(v *auth.Viewer, field string) question {
	return question{field: field, consumerOf: consumerOf{v.Issuer, v.Consumer}, subject: v.Subject, own: true}
}

// about is the question with more arguments, which are told apart by their JSON.
func (q question) about(arguments ...any) question {
	text, _ := json.Marshal(arguments) // of what can be encoded
	q.arguments = sha256.Sum256(append(q.arguments[:], text...))
	return q
}

// An answer is being read, or was.
type answer struct {
	done chan struct{} // closed once the rest is set, which is not changed any more

	value any
	err   error
	whole bool // the reading came to its end: it did not panic, and its caller had not left
}

// shared answers a question by read, with the context of whoever reads; or as somebody else's equal question
// is being answered, or was a moment ago. It fails with RATE_LIMITED where no turn is left.
//
// The value is for all who ask, and must not be changed. Nor must an error of read, so none of GraphQL's
// may be one; it is told to those who wait for it, and not kept.
func shared[A any](ctx context.Context, t *turns, q question, read func(context.Context) (A, error)) (A, error) {
	for {
		a, turn, err := t.join(q)
		if err == nil && turn.readings > 0 {
			return lead(ctx, t, q, a, read)
		}
		if err == nil {
			err = t.await(ctx, q, a, turn)
		}
		if err != nil {
			return *new(A), err
		}
		if a.whole {
			return a.value.(A), a.err
		} // else the next one reads
	}
}

// lead reads an answer. Whatever comes of it, a panic even, the turn is given back and nobody waits on.
func lead[A any](ctx context.Context, t *turns, q question, a *answer, read func(context.Context) (A, error)) (A, error) {
	defer t.finish(q, a, time.Now())
	value, err := read(ctx)
	a.value, a.err, a.whole = value, err, err == nil || ctx.Err() == nil
	return value, err
}

// What a caller keeps busy until its answer is done.
var (
	reading = load{readings: 1, workers: 1}
	waiting = load{workers: 1}
)

// join returns the answer to a question, and the turn that was taken for it: none if it is done, waiting for
// one that is being read, or reading, which the caller is to do.
func (t *turns) join(q question) (*answer, load, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.answers[q]
	turn := reading
	switch {
	case a == nil:
		a = &answer{done: make(chan struct{})}
	case a.isDone():
		return a, load{}, nil
	default:
		turn = waiting
	}
	if !t.takeLocked(q, turn) {
		return nil, load{}, errTurn()
	}
	if t.answers == nil {
		t.answers = make(map[question]*answer)
	}
	if turn == reading && len(t.answers) < mostAnswers {
		t.answers[q] = a
	}
	return a, turn, nil
}

// await returns when an answer is done, or the caller has left.
func (t *turns) await(ctx context.Context, q question, a *answer, turn load) error {
	if turn != (load{}) {
		defer t.giveBack(q, turn)
	}
	select {
	case <-a.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// finish ends a reading that has begun at a time: what came of it is kept for those who ask soon, or is
// nobody's any more.
func (t *turns) finish(q question, a *answer, began time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveBackLocked(q, reading)
	left := goodFor - time.Since(began)
	switch {
	case t.answers[q] != a: // there was no room
	case a.whole && a.err == nil && left > 0:
		time.AfterFunc(left, func() { t.forget(q) })
	default:
		delete(t.answers, q)
	}
	close(a.done)
}

// forget drops an answer that was kept. Nobody can have put another in its place.
func (t *turns) forget(q question) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.answers, q)
}

func (t *turns) takeLocked(q question, turn load) bool {
	if !q.own {
		return true
	}
	one, all := t.of[q.consumerOf].plus(turn), t.all.plus(turn)
	if one.exceeds(mostOfOne) || all.exceeds(mostOfAll) {
		return false
	}
	if t.of == nil {
		t.of = make(map[consumerOf]load)
	}
	t.of[q.consumerOf], t.all = one, all
	return true
}

func (t *turns) giveBack(q question, turn load) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.giveBackLocked(q, turn)
}

func (t *turns) giveBackLocked(q question, turn load) {
	if !q.own {
		return
	}
	t.all = t.all.minus(turn)
	t.of[q.consumerOf] = t.of[q.consumerOf].minus(turn)
	if t.of[q.consumerOf] == (load{}) {
		delete(t.of, q.consumerOf)
	}
}

func (a *answer) isDone() bool {
	select {
	case <-a.done:
		return true
	default:
		return false
	}
}

// errTurn tells a client that no turn is left. It is made anew for each: GraphQL writes to it.
func errTurn() error {
	err := operation.Errorf(operation.CodeRateLimited, "too much is being read for you, or for others: ask again in a second, and for fewer of these fields at a time")
	err.Extensions["retryAfterMs"] = retryAfter
	return err
}
