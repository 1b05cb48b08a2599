package replication

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// oldest is the oldest PostgreSQL whose pgoutput hands on logical messages.
const oldest = 140000

// Check finds out whether the server and the role allow changes to be read, and makes the publication if
// it is missing. Its error says what an operator must do. It leaves the slot to Run.
func (r *Reader) Check(ctx context.Context) error {
	defer r.control.close()
	err := r.control.ask(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		if err := checkServer(ctx, conn); err != nil {
			return err
		}
		if err := r.checkRole(ctx); err != nil {
			return err
		}
		s, err := findSlot(ctx, conn, r.name)
		if err != nil {
			return err
		}
		if s.exists && !s.ours {
			return r.foreign()
		}
		return publish(ctx, conn, r.name)
	})
	if err != nil {
		return fmt.Errorf("replication: the database's changes cannot be read: %w", err)
	}
	return nil
}

func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var level string
	err := conn.QueryRow(ctx, `SELECT CAST(current_setting('server_version_num') AS integer), current_setting('wal_level')`).Scan(&version, &level)
	switch {
	case err != nil:
		return err
	case version < oldest:
		return fmt.Errorf("PostgreSQL %d is too old: it takes 14 or newer", version/10000)
	case level != "logical":
		return fmt.Errorf("wal_level is %s and must be logical: ALTER SYSTEM SET wal_level = 'logical', then restart the server", level)
	}
	return nil
}

// checkRole connects as the one who reads will: only then does the server say whether it may.
func (r *Reader) checkRole(ctx context.Context) error {
	conn, err := pgconn.ConnectConfig(ctx, r.stream)
	if sqlState(err) == insufficientPrivilege {
		return fmt.Errorf("the role %[1]s may not replicate: ALTER ROLE %[1]s REPLICATION, or what your provider has instead: %w", r.stream.User, err)
	}
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}
