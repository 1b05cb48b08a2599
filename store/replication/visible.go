package replication

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// firstGlance and lastGlance are the waits between two looks whether a commit can be seen.
	firstGlance = 500 * time.Microsecond
	lastGlance  = 50 * time.Millisecond
)

// A sight knows which transactions everybody sees. The log tells of a commit before it is to be seen: a
// moment, or for as long as the server waits for a synchronous replica. Whoever was told and looked too
// early would find what was before, and keep it.
type sight struct {
	control control
	seen    snapshot
}

// await returns when everybody sees a transaction that was committed.
func (s *sight) await(ctx context.Context, transaction uint32) error {
	for glance := firstGlance; !s.seen.sees(transaction); glance = min(2*glance, lastGlance) {
		err := s.control.ask(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			s.seen, err = takeSnapshot(ctx, conn)
			return err
		})
		if err != nil {
			return fmt.Errorf("look whether a commit is to be seen: %w", err)
		}
		if s.seen.sees(transaction) {
			return nil
		}
		pause(ctx, glance)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// A snapshot is what a transaction sees that begins now: the ones before xmax, but for those that run.
// The numbers are the server's long ones. The zero snapshot sees nothing.
type snapshot struct {
	xmax uint64
	runs []uint64
}

func takeSnapshot(ctx context.Context, conn *pgx.Conn) (snapshot, error) {
	var text string
	if err := conn.QueryRow(ctx, `SELECT CAST(pg_current_snapshot() AS text)`).Scan(&text); err != nil {
		return snapshot{}, err
	}
	return parseSnapshot(text)
}

// parseSnapshot reads xmin:xmax:runs, such as 10:20:10,14,15.
func parseSnapshot(text string) (s snapshot, err error) {
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return s, fmt.Errorf("%q is no snapshot", text)
	}
	if s.xmax, err = strconv.ParseUint(parts[1], 10, 64); err != nil {
		return snapshot{}, err
	}
	for _, number := range strings.FieldsFunc(parts[2], func(r rune) bool { return r == ',' }) {
		n, err := strconv.ParseUint(number, 10, 64)
		if err != nil {
			return snapshot{}, err
		}
		s.runs = append(s.runs, n)
	}
	return s, nil
}

// sees reports whether a transaction that has ended is seen. The log gives its number without the upper
// half: it is the one within two thousand millions of ours, for the server lets none get older.
func (s snapshot) sees(transaction uint32) bool {
	long := s.xmax + uint64(int64(int32(transaction-uint32(s.xmax))))
	return long < s.xmax && !slices.Contains(s.runs, long)
}
