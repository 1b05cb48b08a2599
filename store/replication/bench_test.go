package replication

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"

	"github.com/sluice-gateway/sluice/internal/pgtest"
	"github.com/sluice-gateway/sluice/store"
)

// counted is a handler that counts changes, and says when there are enough.
type counted struct {
	left int
	done chan struct{}
}

func (c *counted) Handle(_ context.Context, changes []Change) (int, error) {
	if c.left -= len(changes); c.left <= 0 && c.done != nil {
		close(c.done)
		c.done = nil
	}
	return len(changes), nil
}

// Rows of transactions of one row, and of one transaction of all rows, from the commit to the handler.
func BenchmarkRows(b *testing.B) {
	for _, transactions := range []string{"many", "one"} {
		b.Run(transactions+" transactions", func(b *testing.B) {
			server := pgtest.StartServer(b)
			s, err := store.Open(b.Context(), server.URL())
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			handler := &counted{left: 1 + b.N, done: make(chan struct{})} // everything, and the rows
			done := handler.done
			r, err := New(server.URL(), handler, Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
			if err != nil {
				b.Fatal(err)
			}
			if err := r.Check(b.Context()); err != nil {
				b.Fatal(err)
			}
			server.SQL(`SELECT pg_create_logical_replication_slot('sluice', 'pgoutput')`)
			handler.left--
			if transactions == "one" {
				server.SQL(fmt.Sprintf(`INSERT INTO products SELECT i, 'N', 'D', 'C', 100, 'EUR', 7, 1, 0 FROM generate_series(1001, %d) i`, 1000+b.N))
			} else {
				server.SQL(fmt.Sprintf(`DO $$ BEGIN FOR i IN 1..%d LOOP UPDATE products SET stock = i WHERE id = 1; COMMIT; END LOOP; END $$`, b.N))
			}
			ctx, cancel := context.WithCancel(b.Context())
			var running sync.WaitGroup
			b.ResetTimer()
			running.Go(func() { r.Run(ctx) })
			<-done
			b.StopTimer()
			cancel()
			running.Wait()
		})
	}
}
