package pubsub

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// A Position is a place in the log of a replayable topic: that of an event, or the one before the first.
// The zero Position is none.
type Position struct {
	Epoch  uint64   // of the log, never 0: in another one offsets mean something else
	Offset uint64   // of the event, counted from 1 without a gap; 0: before the first
	ID     [12]byte // the event's own, for after a rollback another event may have its offset; zero at offset 0
}

// IsZero reports whether there is no position.
func (p Position) IsZero() bool { return p.Epoch == 0 }

// positionLength is the length of the longest text of a position, in bytes.
const positionLength = len("0123456789abcdef-12345678901234567890-0123456789abcdef01234567")

// String is the position as envelopes, logs and errors show it: the epoch in hexadecimal, the offset in
// decimal and the id in hexadecimal, such as 5f2b-42-00112233445566778899aabb.
func (p Position) String() string { return string(p.appendTo(make([]byte, 0, positionLength))) }

func (p Position) appendTo(text []byte) []byte {
	text = strconv.AppendUint(text, p.Epoch, 16)
	text = append(text, '-')
	text = strconv.AppendUint(text, p.Offset, 10)
	text = append(text, '-')
	return hex.AppendEncode(text, p.ID[:])
}

// ParsePosition reads what String has written of a position. Of anything else, and of none, it says no:
// there is one text for each position.
func ParsePosition(text string) (p Position, ok bool) {
	epoch, rest, _ := strings.Cut(text, "-")
	offset, id, _ := strings.Cut(rest, "-")
	if p.Epoch, ok = readNumber(epoch, 16, isHex); !ok || p.Epoch == 0 {
		return Position{}, false
	}
	if p.Offset, ok = readNumber(offset, 10, isDigit); !ok {
		return Position{}, false
	}
	if len(id) != hex.EncodedLen(len(p.ID)) || !all(id, isHex) {
		return Position{}, false
	}
	for i := range p.ID {
		b, _ := strconv.ParseUint(id[2*i:2*i+2], 16, 8) // two digits are a byte
		p.ID[i] = byte(b)
	}
	if p.Offset == 0 && p.ID != ([12]byte{}) {
		return Position{}, false
	}
	return p, true
}

// readNumber reads a number in lower case without a leading zero.
func readNumber(text string, base int, isDigit func(byte) bool) (uint64, bool) {
	if text == "" || len(text) > 1 && text[0] == '0' || !all(text, isDigit) {
		return 0, false
	}
	n, err := strconv.ParseUint(text, base, 64)
	return n, err == nil
}
