package replication

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pglogrepl"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

const (
	// senderTimeout is after how long without a word the server gives a reader up, and another node may
	// read: it would wait a minute for a machine that was cut off.
	senderTimeout = 10 * time.Second
	// reportEvery is how often the server hears from a reader, whatever the reader waits for.
	reportEvery = 2 * time.Second
	// silence is how long the server may say nothing; every five seconds it would say something.
	silence = time.Minute
	// startTimeout is how long it may take until the first byte comes.
	startTimeout = 30 * time.Second
	// leaveTimeout is how long a reader that is stopped waits for the server.
	leaveTimeout = time.Second
	// writeTimeout is how long one report may wait.
	writeTimeout = 5 * time.Second
)

var (
	errSilent = errors.New("the server says nothing")
	errEnded  = errors.New("the server has ended the stream")
)

// streamConfig is how to connect to read: as a replica does.
func streamConfig(config *pgx.ConnConfig) *pgconn.Config {
	c := config.Config.Copy()
	c.RuntimeParams["application_name"] = "sluice changes"
	c.RuntimeParams["replication"] = "database"
	c.RuntimeParams["wal_sender_timeout"] = senderTimeout.String()
	return c
}

// A stream is the connection on which the server sends its log. Its goroutine alone uses it.
type stream struct {
	reader       *Reader
	conn         *pgconn.PgConn
	transactions *transactions
	sight        *sight
	confirmed    pglogrepl.LSN // up to here everything was handed on; 0: not known yet
	reportBy     time.Time     // when the server must hear from us again
	heard        time.Time     // when it said something
}

// read reads until the stream breaks or ctx ends, and watches how far it is behind. Its error is the
// server's when another node reads.
func (r *Reader) read(ctx context.Context) error {
	s, err := r.open(ctx)
	if err != nil {
		return err
	}
	r.activate()
	defer r.deactivate()
	r.log.Info("this node reads the changes of the database", "slot", r.name)
	return r.whileWatched(ctx, s.run)
}

func (r *Reader) open(ctx context.Context) (*stream, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	conn, err := pgconn.ConnectConfig(ctx, r.stream)
	if err != nil {
		return nil, err
	}
	s := &stream{reader: r, conn: conn, transactions: newTransactions(r.name), sight: new(sight), heard: time.Now()}
	s.sight.control.config = r.control.config
	err = pglogrepl.StartReplication(ctx, conn, r.name, 0, pglogrepl.StartReplicationOptions{PluginArgs: []string{
		"proto_version '1'", "publication_names '" + r.name + "'", "messages 'true'",
	}})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close ends the connections, so that another node can read at once.
func (s *stream) close() {
	s.sight.control.close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // what it could say has been said
}

// run returns why the stream has ended.
func (s *stream) run(ctx context.Context) error {
	defer s.close()
	for {
		message, err := s.receive(ctx)
		if ctx.Err() != nil {
			s.leave()
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
		if err := s.take(ctx, message); err != nil {
			return err
		}
	}
}

// leave tells the server what is confirmed and waits until it has understood: nothing is then handed on
// again.
func (s *stream) leave() {
	if s.report() != nil || s.conn.Conn().SetDeadline(time.Now().Add(leaveTimeout)) != nil {
		return
	}
	_, _ = pglogrepl.SendStandbyCopyDone(context.Background(), s.conn) // or some is, at worst
}

// receive returns the next message; it reports while there is none.
func (s *stream) receive(ctx context.Context) (pgproto3.BackendMessage, error) {
	for {
		if time.Now().After(s.reportBy) {
			if err := s.report(); err != nil {
				return nil, err
			}
		}
		wait, cancel := context.WithDeadline(ctx, s.reportBy)
		message, err := s.conn.ReceiveMessage(wait)
		cancel()
		switch {
		case err == nil:
			s.heard = time.Now()
			return message, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case !pgconn.Timeout(err):
			return nil, err
		case time.Since(s.heard) > silence:
			return nil, errSilent
		}
	}
}

func (s *stream) take(ctx context.Context, message pgproto3.BackendMessage) error {
	switch m := message.(type) {
	case *pgproto3.CopyData:
		return s.data(ctx, m.Data)
	case *pgproto3.ErrorResponse:
		return pgconn.ErrorResponseToPgError(m)
	case *pgproto3.CopyDone:
		return errEnded
	}
	return nil // notices
}

func (s *stream) data(ctx context.Context, data []byte) error {
	if len(data) == 0 {
		return errMalformed
	}
	switch data[0] {
	case pglogrepl.PrimaryKeepaliveMessageByteID:
		return s.keepalive(data[1:])
	case pglogrepl.XLogDataByteID:
		x, err := pglogrepl.ParseXLogData(data[1:])
		if err != nil {
			return err
		}
		return s.log(ctx, x.WALData)
	}
	return nil
}

// keepalive confirms what the server has written besides: else a slot would hold the log of other tables
// and databases for ever.
func (s *stream) keepalive(data []byte) error {
	k, err := pglogrepl.ParsePrimaryKeepaliveMessage(data)
	if err != nil {
		return err
	}
	if !s.transactions.open {
		s.confirmed = max(s.confirmed, k.ServerWALEnd)
	}
	if k.ReplyRequested {
		return s.report()
	}
	return nil
}

// log takes one message of the log. A transaction is handed on when it ends, a large one in pieces:
// what is sent is committed.
func (s *stream) log(ctx context.Context, data []byte) error {
	t := s.transactions
	end, err := t.take(data)
	if err != nil {
		return err
	}
	if end == 0 && !t.full() {
		return nil
	}
	changes := t.changes()
	if err := s.handOn(ctx, changes); err != nil {
		return err
	}
	if end == 0 {
		return nil
	}
	s.confirmed = max(s.confirmed, end)
	if len(changes) == 0 {
		return nil // one of our own is confirmed with whatever comes next
	}
	return s.report()
}

// handOn hands changes on as soon as everybody sees them, and reports meanwhile, or the server would give this reader up.
func (s *stream) handOn(ctx context.Context, changes []Change) error {
	if len(changes) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	var handing sync.WaitGroup
	defer handing.Wait()
	defer cancel()
	done := make(chan error, 1)
	handing.Go(func() {
		err := s.sight.await(ctx, s.transactions.number)
		if err == nil {
			err = s.reader.hand(ctx, changes)
		}
		done <- err
	})
	report := time.NewTicker(reportEvery)
	defer report.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-report.C:
			if err := s.report(); err != nil {
				return err
			}
		}
	}
}

// report tells the server what is confirmed, and that this reader lives.
func (s *stream) report() error {
	s.reportBy = time.Now().Add(reportEvery)
	if err := s.conn.Conn().SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	err := pglogrepl.SendStandbyStatusUpdate(context.Background(), s.conn, pglogrepl.StandbyStatusUpdate{WALWritePosition: s.confirmed})
	if err != nil {
		return fmt.Errorf("report to the server: %w", err)
	}
	return nil
}
