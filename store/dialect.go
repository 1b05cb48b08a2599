package store

import (
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"
)

// A dialect is what one kind of database does unlike the other. Everything else is SQL that both
// understand: casts by CAST, parameters by number.
type dialect struct {
	migrations string // the folder of its migrations
	goose      goose.Dialect
	isolation  sql.IsolationLevel // of transactions that write
	prepares   bool               // the driver prepares statements, and prepares them again when it must
	filter     string             // the condition of a ProductFilter, whose parameters come first
	items      string             // SELECT's column and table for the numbers in a JSON list, the first parameter
	hold       string             // what ends a SELECT whose rows nobody else may change before the transaction ends

	away       func(error) bool // the database cannot be reached, or cannot serve now
	lost       func(error) bool // the connection had been closed, or was while it was used
	repeatable func(error) bool // the transaction was undone for another's sake
}

// filterSQL is one text for every filter, so that few statements are prepared: a catalogue is
// small, and its pages walk the index of their order. Letters are in lower case in the ASCII alone,
// as SQLite has it, and so is the parameter.
func filterSQL(position string) string {
	return fmt.Sprintf(`(CAST($1 AS TEXT) IS NULL OR %s(lower(name || ' ' || description), $1) > 0)
	AND (CAST($2 AS TEXT) IS NULL OR category = $2)
	AND (CAST($3 AS BIGINT) IS NULL OR price >= $3)
	AND (CAST($4 AS BIGINT) IS NULL OR price <= $4)
	AND (CAST($5 AS BOOLEAN) IS NULL OR (stock > 0) = $5)`, position)
}
