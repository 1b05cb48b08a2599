package replication

import (
	"bytes"
	"encoding/binary"
	"errors"
	"time"

	"github.com/jackc/pglogrepl"
)

// errMalformed is a message that is none of pgoutput's.
var errMalformed = errors.New("replication: the server has sent a malformed message")

// The messages of pgoutput, version 1, of which something follows. They are parsed here because
// pglogrepl's own parser panics on a message that is too short, and allocates what one claims to hold.
// https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
type (
	begun struct {
		at     time.Time
		number uint32
	}
	committed struct{ end pglogrepl.LSN }
	mark      struct {
		transactional bool
		prefix        string
	}
	written struct {
		table       uint32
		before, now []value // nil: not told, or there is none
		whole       bool    // before is all of the row, not only its key
		kind        byte    // I, U or D
	}
	emptied struct{}
)

// A value is one column of a row: text, or null, or the same as before, where that is told.
type value struct {
	kind byte // t, n or u; b is never asked for
	text []byte
}

// parse reads a message. It returns nil for one of which nothing follows. Rows refer to data, whose
// owner will use it again.
func parse(data []byte) (m any, err error) {
	c := &cursor{rest: data}
	switch kind := c.byte(); kind {
	case 'B':
		c.skip(8)
		m = begun{c.time(), c.uint32()}
	case 'C':
		c.skip(1 + 8)
		m = committed{pglogrepl.LSN(c.uint64())}
		c.skip(8)
	case 'M':
		flags := c.byte()
		c.skip(8)
		m = mark{flags&1 != 0, c.string()}
	case 'R':
		m = c.table()
	case 'I', 'U', 'D':
		m = c.written(kind)
	case 'T':
		m = emptied{}
	}
	if c.short {
		return nil, errMalformed
	}
	return m, nil
}

func (c *cursor) table() *table {
	t := &table{id: c.uint32()}
	c.string() // the schema: the publication says of which tables we hear
	t.name = c.string()
	c.skip(1)
	for range c.uint16() {
		c.skip(1)
		t.columns = append(t.columns, c.string())
		c.skip(4 + 4)
		if c.short {
			break
		}
	}
	return t
}

func (c *cursor) written(kind byte) written {
	w := written{table: c.uint32(), kind: kind}
	part := c.byte()
	if part == 'O' || part == 'K' {
		w.before, w.whole = c.row(), part == 'O'
		if kind == 'D' {
			return w
		}
		part = c.byte()
	}
	if part != 'N' || kind == 'D' {
		c.short = true
		return w
	}
	w.now = c.row()
	return w
}

func (c *cursor) row() []value {
	n := int(c.uint16())
	if n > len(c.rest) { // a column takes a byte at least
		c.short = true
		return nil
	}
	values := make([]value, n)
	for i := range values {
		values[i].kind = c.byte()
		switch values[i].kind {
		case 't', 'b':
			values[i].text = c.bytes(c.uint32())
		case 'n', 'u':
		default:
			c.short = true
		}
	}
	return values
}

// A cursor reads a message from its beginning. What is asked of it beyond the end is zero, and makes it
// short.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(c.rest)) {
		c.short, c.rest = true, nil
		return nil
	}
	taken := c.rest[:n]
	c.rest = c.rest[n:]
	return taken
}

func (c *cursor) skip(n uint32) { c.bytes(n) }

func (c *cursor) byte() byte {
	if b := c.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint16() uint16 {
	if b := c.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// string reads text that ends with a NUL.
func (c *cursor) string() string {
	text, rest, found := bytes.Cut(c.rest, []byte{0})
	if !found {
		c.short, c.rest = true, nil
		return ""
	}
	c.rest = rest
	return string(text)
}

// epoch is when PostgreSQL's clock began.
var epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

func (c *cursor) time() time.Time {
	micros := int64(c.uint64())
	return time.UnixMicro(epoch.UnixMicro() + micros).UTC()
}
