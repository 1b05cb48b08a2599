package database

import (
	"errors"
	"io/fs"
	"net"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// errURL says nothing of the URL that could not be read: any part of it may be the password.
var errURL = errors.New("the URL of the database cannot be read: it is postgres://user:password@host:5432/database?sslmode=verify-full, " +
	"with a port from 1 to 65535, known values, and reserved characters written as %40")

// IsURL reports whether a dsn is the URL of a PostgreSQL database, postgres:// or postgresql://. Any
// other is a file of SQLite.
func IsURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// Redacted is a dsn for people to read: of a URL, the user, the host and the database.
func Redacted(dsn string) string {
	if !IsURL(dsn) {
		return dsn
	}
	config, err := parseURL(dsn)
	if err != nil {
		return "postgres://"
	}
	return "postgres://" + config.User + "@" + net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))) + "/" + config.Database
}

// ConnConfig is how to connect to the PostgreSQL database of a URL, for whoever needs a connection that
// is none of a DB's. Its error holds no password.
func ConnConfig(dsn string) (*pgx.ConnConfig, error) {
	if !IsURL(dsn) {
		return nil, errURL
	}
	config, err := parseURL(dsn)
	if err == nil && config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	return config, err
}

// parseURL reads a URL, and what it leaves out from the variables that PostgreSQL's own programs
// know, such as PGPASSWORD.
func parseURL(dsn string) (*pgx.ConnConfig, error) {
	_, rest, _ := strings.Cut(dsn, "://")
	// The slash in user:pass/word@host would end the host, and most of the password be the database.
	if i := strings.IndexAny(rest, "/?#"); i >= 0 && strings.Contains(rest[i:], "@") {
		return nil, errURL
	}
	config, err := pgx.ParseConfig(dsn)
	var file *fs.PathError
	switch {
	case errors.As(err, &file): // of a certificate
		return nil, file
	case err != nil:
		return nil, errURL
	}
	return config, nil
}
