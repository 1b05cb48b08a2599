// Package cursor writes and reads the places that clients keep of subscriptions to replayable topics.
//
// A cursor proves that this gateway has handed it out for these topics and this audience, and nothing
// else: it is no permission, and who comes with one is authorised again. It has a fixed layout and is
// read without trust. The package starts no goroutine and does no I/O; everything here is safe for
// concurrent use.
package cursor

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"

	"github.com/sluice-gateway/sluice/pubsub"
)

// MaxTopics is how many topics a cursor has room for. With one it is a text of 84 characters, with each
// more 48 longer.
const MaxTopics = 16

// What is wrong with a cursor, in words for its client.
var (
	ErrMalformed = errors.New("this is no cursor: send one as it came, all of it")
	ErrKey       = errors.New("the cursor was not signed by a key of this server")
	ErrTopics    = errors.New("the cursor is that of another subscription: its topics are not the same")
	ErrScope     = errors.New("the cursor is that of somebody else's subscription")
)

// The layout, with numbers in big endian:
//
//	version 1 byte
//	topics  1 byte, then of each of them: its hash 8, epoch 8, offset 8, event id 12
//	scope   8
//	key id  1
//	mac     16, the first bytes of HMAC-SHA-256 of all before it
const (
	version   = 1
	topicSize = 8 + 8 + 8 + 12
	macSize   = 16
	tailSize  = 8 + 1 + macSize
	most      = 2 + MaxTopics*topicSize + tailSize
)

// encoding refuses texts that are another spelling of the same bytes.
var encoding = base64.RawURLEncoding.Strict()

// A Topic is a topic's name in a cursor.
type Topic [8]byte

// TopicOf is the Topic of a name.
func TopicOf(name string) (t Topic) {
	sum := sha256.Sum256([]byte(name))
	copy(t[:], sum[:])
	return t
}

// A Scope is whose results a cursor is a place in: everybody's, or one viewer's.
type Scope [8]byte

// ScopeOf is the Scope of those who are named by a text.
func ScopeOf(text string) (s Scope) {
	sum := sha256.Sum256([]byte(text))
	copy(s[:], sum[:])
	return s
}

// Append appends the cursor of these positions, one of each topic, to dst. It appends nothing where there
// is no topic, or more than MaxTopics.
func (k *Keys) Append(dst []byte, scope Scope, topics []Topic, at []pubsub.Position) []byte {
	if len(topics) == 0 || len(topics) > MaxTopics {
		return dst
	}
	h := k.all[0].borrow()
	raw := append(h.raw[:0], version, byte(len(topics)))
	for i, topic := range topics {
		raw = append(raw, topic[:]...)
		raw = binary.BigEndian.AppendUint64(raw, at[i].Epoch)
		raw = binary.BigEndian.AppendUint64(raw, at[i].Offset)
		raw = append(raw, at[i].ID[:]...)
	}
	raw = append(raw, scope[:]...)
	raw = append(raw, k.all[0].id)
	raw = append(raw, h.mac(raw)...)
	dst = encoding.AppendEncode(dst, raw)
	k.all[0].giveBack(h)
	return dst
}

// Read returns the positions that a cursor says, in the order of topics. It must be of these topics and
// this scope. The errors are those above.
func (k *Keys) Read(text string, scope Scope, topics []Topic) (at []pubsub.Position, err error) {
	h := k.all[0].borrow()
	defer k.all[0].giveBack(h)
	raw, ok := h.decode(text)
	switch {
	case !ok:
		return nil, ErrMalformed
	case !k.signed(raw):
		return nil, ErrKey
	}
	at, ok = positions(raw[2:len(raw)-tailSize], topics)
	switch {
	case !ok:
		return nil, ErrTopics
	case Scope(raw[len(raw)-tailSize:][:8]) != scope:
		return nil, ErrScope
	}
	return at, nil
}

// positions finds the position of each topic, in their order. It reports false when the topics are not
// those of the entries.
func positions(entries []byte, topics []Topic) (at []pubsub.Position, ok bool) {
	if len(entries) != len(topics)*topicSize {
		return nil, false
	}
	at = make([]pubsub.Position, len(topics))
	taken := 0 // a bit for each entry
	for i, topic := range topics {
		n := find(entries, taken, topic)
		if n < 0 {
			return nil, false
		}
		taken |= 1 << n
		entry := entries[n*topicSize+8:]
		at[i].Epoch = binary.BigEndian.Uint64(entry)
		at[i].Offset = binary.BigEndian.Uint64(entry[8:])
		copy(at[i].ID[:], entry[16:])
	}
	return at, true
}

// find is the number of the first entry of a topic that is not taken, or -1.
func find(entries []byte, taken int, topic Topic) int {
	for n := range len(entries) / topicSize {
		if taken&(1<<n) == 0 && Topic(entries[n*topicSize:][:8]) == topic {
			return n
		}
	}
	return -1
}
