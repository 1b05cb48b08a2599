package crowd

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/sluice-gateway/sluice/pubsub"
)

// Where a cursor of one topic says what. Applications must not look inside; a proof may.
const (
	cursorCount  = 1                // how many topics, after the version
	cursorEpoch  = cursorCount + 9  // after the topic's hash
	cursorOffset = cursorEpoch + 8  //
	cursorID     = cursorOffset + 8 //
	cursorEnd    = cursorID + 12
)

// position returns where a cursor of one topic is; zero: it is none.
func position(cursor string) pubsub.Position {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < cursorEnd || raw[cursorCount] != 1 {
		return pubsub.Position{}
	}
	return pubsub.Position{
		Epoch:  binary.BigEndian.Uint64(raw[cursorEpoch:]),
		Offset: binary.BigEndian.Uint64(raw[cursorOffset:]),
		ID:     [12]byte(raw[cursorID:cursorEnd]),
	}
}
