package database

// emitMark writes a message into the log of the server, as part of the transaction.
const emitMark = `SELECT pg_logical_emit_message(true, CAST($1 AS TEXT), CAST('' AS TEXT))`

// MarkWrites marks every transaction that writes from now on, for whoever reads the changes of the
// database from its log and must know which are this DB's: such a transaction begins with a
// logical message whose prefix is mark. It costs a round trip for each. SQLite has no such log, and a DB
// there does nothing.
func (db *DB) MarkWrites(mark string) {
	if db.IsPostgres() {
		db.writer.mark.Store(&mark)
	}
}

// mark comes before the first change of a transaction: a reader knows from the beginning whose it is,
// and what is refused after reading alone has cost nothing.
func (t Tx) mark() error {
	mark := t.pool.mark.Load()
	if mark == nil || *t.marked {
		return nil
	}
	*t.marked = true
	_, err := t.tx.ExecContext(t.ctx, emitMark, *mark)
	return err
}
