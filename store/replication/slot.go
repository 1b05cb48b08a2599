package replication

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// A slot is what a node has seen of it.
type slot struct {
	exists    bool
	active    bool   // a connection has it
	reading   bool   // and it is not one that only makes it
	ours      bool   // it is a slot of this database, for what we read
	status    string // what the server says of the log that it keeps: reserved, extended, unreserved, lost
	confirmed string // the position up to which everything was handed on; empty: it is being made
	lag       int64  // bytes
	published bool   // the publication exists
}

func (s slot) behind() bool {
	return s.lag > maxLag || s.status != "reserved" && s.status != "extended" && s.confirmed != ""
}

// usable reports whether the slot can be read, or is being made; stale is a position where it cannot.
func (s slot) usable(stale string) bool {
	return s.exists && s.published && s.status != "lost" && (stale == "" || s.confirmed != stale)
}

const selectSlot = `SELECT active, active AND confirmed_flush_lsn IS NOT NULL,
		coalesce(database = current_database() AND plugin = 'pgoutput', false), coalesce(wal_status, ''),
		coalesce(CAST(confirmed_flush_lsn AS text), ''),
		coalesce(CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn) AS bigint), 0),
		EXISTS (SELECT FROM pg_publication WHERE pubname = $1)
	FROM pg_replication_slots WHERE slot_name = $1`

// look asks about the slot, notes how far it is behind, and fails if it is not ours.
func (r *Reader) look(ctx context.Context) (s slot, err error) {
	err = r.control.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		s, err = findSlot(ctx, conn, r.name)
		return err
	})
	if err != nil {
		return s, fmt.Errorf("look at the slot: %w", err)
	}
	if s.exists && !s.ours {
		return s, r.foreign()
	}
	r.sighted(s)
	return s, nil
}

func (r *Reader) foreign() error {
	return fmt.Errorf("replication: the server has a slot %q already, of another database or for another reader: give this one another name", r.name)
}

func findSlot(ctx context.Context, conn *pgx.Conn, name string) (s slot, err error) {
	err = conn.QueryRow(ctx, selectSlot, name).Scan(&s.active, &s.reading, &s.ours, &s.status, &s.confirmed, &s.lag, &s.published)
	if errors.Is(err, pgx.ErrNoRows) {
		return slot{}, nil
	}
	s.exists = true
	return s, err
}

// renewLock is the number of an advisory lock of the database: one node at a time makes a slot.
const renewLock = 0x736c6f74 // "slot"

// renew makes the slot, in the place of one that is lost, and says that everything may have changed: what
// was committed before there was a slot is in nobody's log. Should this node die in between, live
// queries find out when they run anyway. It reports false when another node is about it.
func (r *Reader) renew(ctx context.Context, s slot) (made bool, err error) {
	if r.known || s.status == "lost" || r.stale != "" {
		r.known = false // it is said once
		r.log.Error("the slot of the database's changes is lost: it or its publication was dropped, or the server has given it up; "+
			"what was missed is not known, and everything counts as changed", "slot", r.name, "wal_status", s.status)
	}
	r.lose("the slot is being made: the server waits for transactions that have begun before")
	// No time limits it: the server makes a slot when every transaction has ended that runs now.
	err = r.control.do(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if mine, err := tryLock(ctx, conn); err != nil || !mine {
			return err
		}
		defer unlock(ctx, conn)
		if err := publish(ctx, conn, r.name); err != nil {
			return err
		}
		var err error
		made, err = r.remake(ctx, conn)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("make the slot: %w", err)
	}
	if !made {
		return false, nil
	}
	r.stale = ""
	r.log.Info("a slot was made: the server keeps its log until it is read, or the slot dropped", "slot", r.name)
	return true, r.hand(ctx, []Change{{Everything: true}})
}

// remake makes the slot unless another node has made it meanwhile.
func (r *Reader) remake(ctx context.Context, conn *pgx.Conn) (made bool, err error) {
	s, err := findSlot(ctx, conn, r.name)
	if err != nil || s.usable(r.stale) {
		return false, err
	}
	if s.exists {
		if _, err := conn.Exec(ctx, `SELECT pg_drop_replication_slot($1)`, r.name); err != nil {
			return false, err
		}
	}
	_, err = conn.Exec(ctx, `SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, r.name)
	return err == nil, err
}

func tryLock(ctx context.Context, conn *pgx.Conn) (mine bool, err error) {
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, renewLock).Scan(&mine)
	return mine, err
}

// unlock gives the lock back, which else goes with the connection.
func unlock(ctx context.Context, conn *pgx.Conn) {
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, renewLock); err != nil {
		_ = conn.Close(ctx)
	}
}
