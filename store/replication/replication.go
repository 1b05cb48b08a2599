// Package replication reads what anybody commits to the storefront's tables in PostgreSQL, and hands
// it on as changes of rows.
//
// The server keeps its log for a slot from the position that was confirmed last, and lets one
// connection read a slot: of all nodes with one slot's name one reads, and when it is gone another
// goes on within about a second from there. A transaction is handed on when everybody sees it, and
// confirmed after that: nothing is lost, and when a node or its connection dies, or the server, the last
// transactions may be handed on again; the rows' revisions show it. Transactions that the store has marked with the slot's name,
// see store.Store.MarkWrites, are passed over. A slot that is lost or was dropped is made anew, and the
// handler told that everything may have changed.
//
// A Reader's Run owns its goroutines and has ended them when it returns. Nobody may call Check and Run
// at the same time; Status is safe at any time. No error holds a password.
package replication

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"regexp"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/sluice-gateway/sluice/internal/complain"
	"github.com/sluice-gateway/sluice/store"
)

// DefaultName is the slot's name, and the publication's, when Options have none.
const DefaultName = "sluice"

const (
	// turnEvery is how often a node that does not read tries to, ± 20 %.
	turnEvery = time.Second
	// lookEvery is how often the node that reads looks how far it is behind.
	lookEvery = 10 * time.Second
	// firstDelay and lastDelay are the least and the longest wait after a failure.
	firstDelay = 100 * time.Millisecond
	lastDelay  = 5 * time.Second
)

// Options configure a Reader. The zero value works.
type Options struct {
	// Name is the name of the slot and of the publication, and the mark of the store's own
	// transactions; default DefaultName. The slots of a server share their names, whatever the database.
	Name string
	// Log receives what operators should know; default slog.Default().
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = DefaultName
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

var validName = regexp.MustCompile(`^[a-z0-9_]{1,63}$`)

// CheckName says what is wrong with the name of a slot.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return fmt.Errorf("replication: %q is no name of a slot: it has 1 to 63 of a-z, 0-9 and _", name)
	}
	return nil
}

// A Reader reads the changes of one database.
type Reader struct {
	name    string
	handler Handler
	log     *slog.Logger
	control control
	stream  *pgconn.Config // how to connect to read
	trouble complain.Log

	known bool   // there was a slot when this node looked last
	stale string // the position from which the slot cannot be read any more; empty: none

	mu     sync.Mutex // guards status
	status Status
}

// New makes a reader of the database of a URL, without connecting.
func New(dsn string, handler Handler, options Options) (*Reader, error) {
	options = options.withDefaults()
	if err := CheckName(options.Name); err != nil {
		return nil, err
	}
	config, err := store.ConnConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("replication: %w", err)
	}
	r := &Reader{name: options.Name, handler: handler, log: options.Log}
	r.control.config = config.Copy()
	r.control.config.RuntimeParams["application_name"] = "sluice slot"
	r.stream = streamConfig(config)
	return r, nil
}

// Run reads until ctx ends, whenever no other node does. It returns when nothing of it is running.
func (r *Reader) Run(ctx context.Context) {
	defer r.control.close()
	for delay := firstDelay; ctx.Err() == nil; {
		began := time.Now()
		err := r.turn(ctx)
		if err == nil {
			delay = firstDelay
			pause(ctx, around(turnEvery))
			continue
		}
		if time.Since(began) > lastDelay {
			delay = firstDelay
		}
		r.fail(ctx, err)
		pause(ctx, around(delay))
		delay = min(2*delay, lastDelay)
	}
}

// turn reads for as long as it can, if nobody else does. It returns nil if somebody does.
func (r *Reader) turn(ctx context.Context) error {
	s, err := r.look(ctx)
	if err != nil {
		return err
	}
	switch {
	case !s.usable(r.stale):
		if made, err := r.renew(ctx, s); err != nil || !made {
			return err
		}
	case s.active:
		r.known = true
		return nil
	}
	r.known = true
	err = r.read(ctx)
	switch sqlState(err) {
	case objectInUse: // another node was quicker
		return nil
	case undefinedObject: // the publication, as it was at that position; a slot that is gone is seen anyway
		if s, lookErr := r.look(ctx); lookErr == nil {
			r.stale = s.confirmed
		}
	}
	return err
}

// fail tells why no changes are read.
func (r *Reader) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	r.explain(err)
	r.trouble.Warn(r.log, "changes of the database are not read", "slot", r.name, "error", err)
}

// The states of PostgreSQL that something follows from.
const (
	objectInUse           = "55006"
	undefinedObject       = "42704"
	duplicateObject       = "42710"
	insufficientPrivilege = "42501"
)

// sqlState is the five characters of the server's own error, or empty for another.
func sqlState(err error) string {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		return ""
	}
	return failure.Code
}

// around is a time moved by up to 20 % either way, so that nodes do not act in step.
func around(d time.Duration) time.Duration { return d*4/5 + rand.N(d*2/5) }

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
