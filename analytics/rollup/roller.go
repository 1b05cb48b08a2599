package rollup

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

// looksPerWrite is how many looks, one a second, are written at a time.
const looksPerWrite = 2

// Options are what Start does not have to be told. The zero Options works.
type Options struct {
	// Node is the name of this process in the store, which gets a suffix: others may have it, too, and all
	// count. Empty: a random one.
	Node string

	// Latencies are those of the node's fields; the functions of Options are called once a second. Nil:
	// there are none.
	Latencies func() map[string]*analytics.Latency

	// Gauges are what rises and falls, such as "sessions/websocket". Nil: there are none.
	Gauges func() map[string]int64

	// Series is how many sums are told apart in a second, of those with most events. 0 means 300; in a
	// minute, an hour and a day there are 2,000. Seven of eight places are for labels as they are. What the
	// others have is added up by kind, field, topic, transport, consumer, issuer and plan, which have the
	// rest; and only if these are too many, too, without the consumers.
	Series int

	// Waiting is how many rows wait in memory for the store, and those of seconds for 10 minutes at most.
	// Then the oldest seconds are dropped, then the oldest minutes. 0 means 50,000: some 20 MB.
	Waiting int

	// Keep is how long steps are kept.
	Keep Keep

	// Log gets a line when something goes wrong and one when it is well again. Nil means slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Node = cmp.Or(o.Node, rand.Text())
	o.Series = cmp.Or(max(0, o.Series), 300)
	o.Waiting = cmp.Or(max(0, o.Waiting), 50_000)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// A Roller adds up what one node counts. Close ends it.
type Roller struct {
	options Options
	looker  *looker
	writer  *writer
	cancel  context.CancelFunc
	loops   sync.WaitGroup
	last    sync.Once // what Close does
	lastErr error
}

// Start begins to add up what a recorder counts, with all that it has counted until now. It starts two
// goroutines.
func Start(store Store, recorder *analytics.Recorder, o Options) *Roller {
	o = o.withDefaults()
	to := &pending{sheets: make(map[place]*sheet)}
	ctx, cancel := context.WithCancel(context.Background())
	r := &Roller{options: o, looker: newLooker(recorder, o, to), writer: newWriter(store, o, to), cancel: cancel}
	due := make(chan struct{}, 1)
	r.loops.Go(func() { r.look(ctx, due) })
	r.loops.Go(func() { r.write(ctx, due) })
	return r
}

// look looks at the begin of every second, and says when it is time to write.
func (r *Roller) look(ctx context.Context, due chan<- struct{}) {
	next := time.NewTimer(untilSecond())
	defer next.Stop()
	for {
		select {
		case <-next.C:
		case <-ctx.Done():
			return
		}
		r.looker.look()
		r.writer.from.trim(time.Now(), r.options.Waiting)
		if r.looker.looks%looksPerWrite == 0 {
			select {
			case due <- struct{}{}:
			default: // the writer is busy, and takes this along afterwards
			}
		}
		next.Reset(untilSecond())
	}
}

// untilSecond is how long it is to the next full second.
func untilSecond() time.Duration {
	return time.Second - time.Duration(time.Now().Nanosecond())
}

func (r *Roller) write(ctx context.Context, due <-chan struct{}) {
	for {
		select {
		case <-due:
			_ = r.writer.write(ctx) // it has told health and log
		case <-ctx.Done():
			return
		}
	}
}

// Health returns how the latest writing went.
func (r *Roller) Health() Health { return r.writer.now() }

// Close looks for the last time and returns when everything is in the store, or with the reason why it is
// not: then that is lost. It waits for the store as long as ctx says. Called again, it answers the same.
func (r *Roller) Close(ctx context.Context) error {
	r.cancel()
	r.loops.Wait()
	r.last.Do(func() {
		r.looker.look()
		if err := r.writer.write(ctx); err != nil {
			r.lastErr = fmt.Errorf("rollup: %w", err)
		}
	})
	return r.lastErr
}
