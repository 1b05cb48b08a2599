package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/sluice-gateway/sluice/internal/database"
)

// Memory is the dsn of a database that lives as long as its Store.
const Memory = database.Memory

// IsURL reports whether a dsn is the URL of a PostgreSQL database, postgres:// or postgresql://. Any
// other is a file of SQLite.
func IsURL(dsn string) bool { return database.IsURL(dsn) }

// Redacted is a dsn for people to read: of a URL, the user, the host and the database.
func Redacted(dsn string) string { return database.Redacted(dsn) }

// ConnConfig is how to connect to the PostgreSQL database of a URL, for whoever needs a connection that
// is none of a Store's. Its error holds no password.
func ConnConfig(dsn string) (*pgx.ConnConfig, error) { return database.ConnConfig(dsn) }
