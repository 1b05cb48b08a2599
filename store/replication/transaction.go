package replication

import (
	"time"

	"github.com/jackc/pglogrepl"
)

// The most that is held before it is handed on: a transaction may change every row there is.
const (
	maxChanges = 1000
	maxHeld    = 1 << 20 // bytes of the messages that told of them
)

// transactions makes changes from the messages of a stream. The zero value is not ready.
type transactions struct {
	mark   string // of transactions to pass over
	tables map[uint32]*table

	open   bool // between the begin of a transaction and its commit
	own    bool // it is marked
	at     time.Time
	number uint32
	held   []Change
	size   int
}

func newTransactions(mark string) *transactions {
	return &transactions{mark: mark, tables: make(map[uint32]*table)}
}

// take takes one message. It returns the position after a transaction that ends with it, or 0.
func (t *transactions) take(data []byte) (end pglogrepl.LSN, err error) {
	m, err := parse(data)
	if err != nil {
		return 0, err
	}
	switch m := m.(type) {
	case begun:
		t.open, t.own, t.at, t.number = true, false, m.at, m.number
	case committed:
		t.open = false
		return m.end, nil
	case mark:
		t.own = t.own || m.transactional && m.prefix == t.mark
	case *table:
		t.tables[m.id] = m
	case written:
		t.row(m, len(data))
	case emptied:
		t.add(Change{Everything: true}, len(data))
	}
	return 0, nil
}

// row notes what became of a row, of a table that we know.
func (t *transactions) row(m written, size int) {
	table := t.tables[m.table]
	if table == nil || rows[table.name] == nil {
		return // of a publication that somebody has enlarged
	}
	c, ok := table.change(m)
	if !ok {
		c = Change{Everything: true}
	}
	t.add(c, size)
}

func (t *transactions) add(c Change, size int) {
	if t.own {
		return
	}
	if n := len(t.held); c.Everything && n > 0 && t.held[n-1].Everything {
		return
	}
	c.At = t.at
	t.held = append(t.held, c)
	t.size += size
}

func (t *transactions) full() bool { return len(t.held) >= maxChanges || t.size >= maxHeld }

// changes gives what is held away.
func (t *transactions) changes() []Change {
	held := t.held
	t.held, t.size = nil, 0
	return held
}
