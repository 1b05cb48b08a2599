package replication

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// tables are the storefront's, as SQL for a list.
const tables = `'products'::regclass, 'orders'::regclass, 'order_lines'::regclass`

const (
	selectUnpublished = `SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.oid IN (` + tables + `) AND NOT EXISTS (SELECT FROM pg_publication_tables t
			WHERE t.pubname = $1 AND t.schemaname = n.nspname AND t.tablename = c.relname)`
	selectBrief = `SELECT relname FROM pg_class WHERE oid IN (` + tables + `) AND relreplident <> 'f'`
)

// publish makes the publication, or completes it, and has the log say what every changed row was before.
// Nothing is changed where all is as it must be: a role that owns the tables may have made it.
func publish(ctx context.Context, conn *pgx.Conn, name string) error {
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		for _, step := range []func(context.Context, pgx.Tx, string) error{begin, makePublication, completePublication, tellBefore} {
			if err := step(ctx, tx, name); err != nil {
				return err
			}
		}
		return nil
	})
	if sqlState(err) == insufficientPrivilege {
		return fmt.Errorf("the role %s may not publish the storefront's tables: it needs CREATE on the database and must own the tables, "+
			"or their owner runs CREATE PUBLICATION %s FOR TABLE products, orders, order_lines, and ALTER TABLE … REPLICA IDENTITY FULL for each: %w",
			conn.Config().User, name, err)
	}
	return err
}

// begin keeps nodes apart that start together, and whoever writes to the tables from waiting for long.
func begin(ctx context.Context, tx pgx.Tx, _ string) error {
	if _, err := tx.Exec(ctx, `SET LOCAL lock_timeout = '3s'`); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, publishLock)
	return err
}

const publishLock = 0x7075626c // "publ", the number of an advisory lock of the database

func makePublication(ctx context.Context, tx pgx.Tx, name string) error {
	var exists bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)`, name).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = tx.Exec(ctx, `CREATE PUBLICATION `+name+` FOR TABLE products, orders, order_lines`)
	return err
}

func completePublication(ctx context.Context, tx pgx.Tx, name string) error {
	return forEach(ctx, tx, `ALTER PUBLICATION `+name+` ADD TABLE %s`, selectUnpublished, name)
}

func tellBefore(ctx context.Context, tx pgx.Tx, _ string) error {
	return forEach(ctx, tx, `ALTER TABLE %s REPLICA IDENTITY FULL`, selectBrief)
}

// forEach runs a statement for every table that a query finds.
func forEach(ctx context.Context, tx pgx.Tx, statement, query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, table := range found {
		if _, err := tx.Exec(ctx, fmt.Sprintf(statement, table)); err != nil {
			return err
		}
	}
	return nil
}
