package database

import (
	"database/sql"

	"github.com/pressly/goose/v3"
)

// A dialect is what one kind of database does unlike the other. Everything else is SQL that both
// understand: casts by CAST, parameters by number.
type dialect struct {
	migrations string // the folder of its migrations
	goose      goose.Dialect
	isolation  sql.IsolationLevel // of transactions that write
	prepares   bool               // the driver prepares statements, and prepares them again when it must
	hold       string             // what ends a SELECT whose rows nobody else may change before the transaction ends

	away       func(error) bool // the database cannot be reached, or cannot serve now
	lost       func(error) bool // the connection had been closed, or was while it was used
	repeatable func(error) bool // the transaction was undone for another's sake
}
