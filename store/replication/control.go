package replication

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long the server may take to say what a node asks about its slot.
const patience = 5 * time.Second

// A control is an ordinary connection, on which a node looks at the slot. Waiting on a connection that
// can replicate would use up the few that a server has.
type control struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn // nil: none
}

// do uses the connection, and makes one if there is none.
func (c *control) do(ctx context.Context, use func(context.Context, *pgx.Conn) error) error {
	if c.conn == nil {
		conn, err := pgx.ConnectConfig(ctx, c.config)
		if err != nil {
			return err
		}
		c.conn = conn
	}
	err := use(ctx, c.conn)
	if c.conn.IsClosed() {
		c.conn = nil
	}
	return err
}

// ask is do for what the server answers at once.
func (c *control) ask(ctx context.Context, use func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.do(ctx, use)
}

func (c *control) close() {
	if c.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = c.conn.Close(ctx) // it is only said good-bye
	c.conn = nil
}
