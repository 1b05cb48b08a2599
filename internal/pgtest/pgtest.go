// Package pgtest starts real PostgreSQL servers for tests.
//
// One server is shared by the tests of a binary; each has a database of its own there. A server
// listens on a free port of the loopback interface, keeps its files in a temporary folder and
// nothing safe from a power cut, sorts text as people do unless a query says otherwise, is ready
// for logical replication, and is gone when the test process is, however that ends. A missing
// PostgreSQL fails the test and says how to install it; nothing is skipped. The package knows no Go
// driver.
package pgtest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var (
	// shared is the server of this binary. It is stopped by its guard, when the process is gone.
	shared    = sync.OnceValues(func() (*process, error) { return start() })
	databases atomic.Int64 // made so far
)

// Start makes an empty database on the shared server and returns its URL. Options are those of
// CREATE DATABASE, such as "LC_COLLATE 'C'". The database is dropped when the test ends, and a
// replication slot that is left in it then fails the test.
func Start(t testing.TB, options ...string) string {
	t.Helper()
	p, err := shared()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	name := fmt.Sprintf("test%d", databases.Add(1))
	if _, err := p.sql(first, `CREATE DATABASE `+name+` `+strings.Join(options, " ")); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		if _, err := p.sql(first, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return p.url(name)
}
