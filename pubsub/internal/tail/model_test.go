package tail

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

var errAway = errors.New("away")

// A world is a log, a connection that messages come on, and a tail with its receivers. Whatever can
// happen, happens at random, also while the tail reads and hands over.
type world struct {
	t      *testing.T
	random *rand.Rand
	seed   uint64
	tail   *Tail
	kind   bool // the log loses nothing
	calm   bool // nothing happens by itself any more
	depth  int

	epoch   uint64
	log     []*pubsub.Event // what can be read
	top     pubsub.Position
	older   *snapshot                           // what a rollback goes back to
	history map[pubsub.Position]pubsub.Position // each event's predecessor
	ids     uint64

	connected bool
	wire      []*pubsub.Event // what comes next
	starts    int             // Runs that are due
	strays    int

	receivers []*receiver
}

type snapshot struct {
	epoch uint64
	log   []*pubsub.Event
	top   pubsub.Position
}

// A receiver is where its joiner has put it.
type receiver struct {
	seated bool
	at     pubsub.Position // of the latest
	gaps   int
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, seed: seed, kind: seed%2 == 0, random: rand.New(rand.NewPCG(seed, 0)), history: make(map[pubsub.Position]pubsub.Position)}
	w.tail = New("t", Hooks{Hand: w.hand, Start: func() { w.starts++ }, Stray: func() { w.strays++ }})
	return w
}

func (w *world) newID() (id [12]byte) {
	w.ids++
	binary.BigEndian.PutUint64(id[:], w.ids)
	return id
}

func (w *world) begin() {
	if w.epoch == 0 {
		w.ids++
		w.epoch = w.ids
		w.log, w.top = nil, pubsub.Position{Epoch: w.epoch}
	}
}

func (w *world) publish() {
	w.begin()
	e := &pubsub.Event{Topic: "t", Position: pubsub.Position{Epoch: w.epoch, Offset: w.top.Offset + 1, ID: w.newID()}}
	w.history[e.Position] = w.top
	w.log = append(w.log, e)
	w.top = e.Position
	if w.connected && w.random.IntN(20) > 0 { // one of 20 gets lost on a connection that stays
		w.wire = append(w.wire, e)
	}
}

// act does something.
func (w *world) act() {
	switch w.random.IntN(24) {
	case 0:
		w.connected, w.wire = false, nil
	case 1, 2:
		if !w.connected {
			w.connected = true
			w.tail.Confirmed()
		}
	case 3:
		if n := len(w.log); n > 0 && !w.kind { // a window, or all of it
			w.log = w.log[1+w.random.IntN(n):]
		}
	case 4:
		if w.random.IntN(4) == 0 && !w.kind {
			w.lose()
		}
	case 5: // comes again, or from long ago
		if n := len(w.log); n > 0 && w.connected {
			w.wire = append(w.wire, w.log[w.random.IntN(n)])
		}
	case 6: // somebody's own
		switch {
		case !w.connected:
		case w.random.IntN(4) > 0:
			w.wire = append(w.wire, &pubsub.Event{Topic: "t"})
		default:
			w.wire = append(w.wire, &pubsub.Event{Topic: "t", Position: pubsub.Position{
				Epoch: w.epoch + 1, Offset: w.top.Offset + 1000, ID: w.newID(),
			}})
		}
	case 7:
		r := new(receiver)
		w.receivers = append(w.receivers, r)
		w.tail.ask(func(at pubsub.Position) {
			r.seated, r.at = true, at
		})
	case 8, 9, 10, 11, 12, 13, 14, 15:
		w.publish()
	default:
		w.deliver()
	}
}

// lose forgets the log, or keeps or restores an older one. Whoever does that to a Redis ends its
// connections, unless everything is gone.
func (w *world) lose() {
	switch w.random.IntN(3) {
	case 0:
		w.epoch, w.log, w.top = 0, nil, pubsub.Position{}
	case 1:
		w.older = &snapshot{w.epoch, slices.Clone(w.log), w.top}
	case 2:
		if w.older != nil {
			w.epoch, w.log, w.top = w.older.epoch, slices.Clone(w.older.log), w.older.top
			w.connected, w.wire = false, nil
		}
	}
}

func (w *world) deliver() {
	if len(w.wire) > 0 {
		e := w.wire[0]
		w.wire = w.wire[1:]
		w.tail.Receive(e)
	}
}

// meanwhile lets things happen in the middle of others.
func (w *world) meanwhile() {
	if w.calm || w.depth > 1 || w.random.IntN(2) == 0 {
		return
	}
	w.depth++
	for range w.random.IntN(3) {
		w.act()
	}
	w.depth--
}

func (w *world) Start(context.Context, string) (pubsub.Position, error) {
	w.meanwhile()
	if !w.calm && w.random.IntN(4) == 0 {
		return pubsub.Position{}, errAway
	}
	w.begin()
	top := w.top
	w.meanwhile()
	return top, nil
}

func (w *world) Read(_ context.Context, _ string, after pubsub.Position, _ int) (past pubsub.Past, err error) {
	w.meanwhile()
	if !w.calm && w.random.IntN(4) == 0 {
		return past, errAway
	}
	past, err = w.read(after, 1+w.random.IntN(5))
	w.meanwhile()
	return past, err
}

func (w *world) read(after pubsub.Position, most int) (pubsub.Past, error) {
	past := pubsub.Past{Top: w.top}
	if after == w.top && w.epoch != 0 {
		return past, nil
	}
	at := slices.IndexFunc(w.log, func(e *pubsub.Event) bool { return e.Position == after })
	whole := len(w.log) > 0 && w.log[0].Position.Offset == 1
	if before := after == (pubsub.Position{Epoch: w.epoch}); at < 0 && (!before || !whole) {
		gap := &pubsub.GapError{Topic: "t", Epoch: w.epoch, Top: w.top.Offset}
		return past, gap
	}
	rest := w.log[at+1:]
	past.Events = slices.Clone(rest[:min(most, len(rest))])
	return past, nil
}

func (w *world) Pause(context.Context, int) { w.meanwhile() }

// hand checks that each receiver gets what comes after what it had, or is told that it cannot be.
func (w *world) hand(e *pubsub.Event) {
	if e.Position.IsZero() && e.Gap == nil {
		return
	}
	for i, r := range w.receivers {
		if !r.seated {
			continue
		}
		if e.Gap != nil {
			if r.gaps++; w.kind {
				w.fail("receiver %d is told of a gap, and nothing was lost", i)
			}
			r.at = pubsub.Position{Epoch: e.Gap.Epoch, Offset: e.Gap.Top}
			continue
		}
		before, known := w.history[e.Position]
		if !known || !w.isAt(r, before) {
			w.fail("receiver %d is at %v and gets %v, which comes after %v", i, r.at, e.Position, before)
		}
		r.at = e.Position
	}
	w.meanwhile()
}

// isAt reports whether r has what comes up to p. A gap does not tell the id of the event behind it.
func (w *world) isAt(r *receiver, p pubsub.Position) bool {
	return r.at == p || r.gaps > 0 && r.at == pubsub.Position{Epoch: p.Epoch, Offset: p.Offset}
}

func (w *world) fail(format string, values ...any) {
	if !w.t.Failed() { // the first tells most; and this may not end here, under locks
		w.t.Errorf("seed %d: "+format, append([]any{w.seed}, values...)...)
	}
}

func (w *world) run() {
	for ; w.starts > 0; w.starts-- {
		w.tail.Run(w.t.Context(), w)
	}
}

// settle lets everything come to its end, behind one more event.
func (w *world) settle() {
	w.calm = true
	w.tail.Confirmed()
	w.run()
	w.connected = true
	for len(w.wire) > 0 {
		w.deliver()
		w.run()
	}
	w.random = rand.New(rand.NewPCG(w.seed, 1))
	for w.top.Offset == 0 || len(w.wire) == 0 { // one of them is not lost
		w.publish()
	}
	for len(w.wire) > 0 {
		w.deliver()
		w.run()
	}
}

func TestWhateverHappensNobodyMissesAnythingInSilence(t *testing.T) {
	gaps, strays := 0, 0
	for seed := range uint64(10_000) {
		w := newWorld(t, seed)
		for range 80 {
			w.act()
			if w.random.IntN(3) == 0 {
				w.run()
			}
		}
		w.settle()
		if t.Failed() {
			return
		}
		for i, r := range w.receivers {
			if !r.seated || !w.isAt(r, w.top) {
				t.Fatalf("seed %d: in the end receiver %d is at %v (seated: %v), and the log at %v", seed, i, r.at, r.seated, w.top)
			}
			gaps += r.gaps
		}
		strays += w.strays
	}
	t.Logf("%d gaps, %d strays", gaps, strays)
}
