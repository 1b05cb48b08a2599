package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// How PostgreSQL is used. A node has two pools: writes that wait for each other leave the reads alone.
const (
	connections = 8                // of each pool, unless Options say otherwise
	idleTime    = 5 * time.Minute  // how long an unused connection is kept
	lifetime    = 30 * time.Minute // of a connection, so that a server that was added gets its share

	connectTimeout = 3 * time.Second // for each host, unless the URL says connect_timeout
	callTimeout    = 8 * time.Second // of one read or write with all its attempts
)

// limits are what the server does for us, unless the URL says otherwise: nothing of a node that is
// cut off or hangs holds a row for long.
var limits = map[string]string{
	"application_name":                    "sluice",
	"statement_timeout":                   milliseconds(5 * time.Second),
	"idle_in_transaction_session_timeout": milliseconds(callTimeout),
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

var postgresDialect = &dialect{
	migrations: "postgres",
	goose:      goose.DialectPostgres,
	isolation:  sql.LevelReadCommitted, // what is read to be changed is held
	prepares:   true,
	hold:       ` FOR NO KEY UPDATE`,
	away:       postgresAway,
	lost:       postgresLost,
	repeatable: func(err error) bool { return slices.Contains(undone, sqlState(err)) },
}

func (db *DB) openPostgres(ctx context.Context, dsn string) error {
	config, err := parseURL(dsn)
	if err != nil {
		return err
	}
	db.writer = postgresPool(config, db.options.Connections, limits)
	db.writer.timeout = callTimeout
	db.reader = postgresPool(config, db.options.Connections, limits, map[string]string{"default_transaction_read_only": "on"})
	db.reader.timeout = callTimeout
	return db.setUp(ctx, config)
}

// postgresPool makes a pool, which connects when it is used. Parameters are the server's, for every
// connection; the URL's own come before them.
func postgresPool(config *pgx.ConnConfig, connections int, parameters ...map[string]string) *pool {
	config = config.Copy()
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	for _, set := range parameters {
		for name, value := range set {
			if _, given := config.RuntimeParams[name]; !given {
				config.RuntimeParams[name] = value
			}
		}
	}
	p := &pool{dialect: postgresDialect}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(func(context.Context, *pgx.Conn) error {
		p.connected.Add(1)
		return nil
	}))
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	db.SetConnMaxIdleTime(idleTime)
	db.SetConnMaxLifetime(lifetime)
	p.db = db
	return p
}

// undone are the states of a transaction that may succeed when it is repeated: one that would not
// have been serial, and one that stood in a deadlock.
var undone = []string{"40001", "40P01"}

// awayStates are the classes and the states of a server that cannot serve now: no connection, no
// resources, an operator who shuts it down or a statement that took too long, a failing disk, one
// that became a replica, and a lock that was not to be had.
var awayStates = append([]string{"08", "53", "57", "58", "25006", "55P03"}, undone...)

// postgresAway reports whether the server cannot be reached, or cannot serve now.
func postgresAway(err error) bool {
	if state := sqlState(err); state != "" {
		return slices.Contains(awayStates, state) || slices.Contains(awayStates, state[:2])
	}
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || pgconn.SafeToRetry(err) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// closing are the states with which a server that stops closes a connection.
var closing = []string{"57P01", "57P02"}

// postgresLost reports whether there was a connection, and is no more.
func postgresLost(err error) bool {
	if state := sqlState(err); state != "" {
		return slices.Contains(closing, state)
	}
	var connecting *pgconn.ConnectError
	return postgresAway(err) && !errors.As(err, &connecting)
}

// sqlState is the five characters of the server's own error, or empty for another.
func sqlState(err error) string {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) || len(failure.Code) != 5 {
		return ""
	}
	return failure.Code
}
