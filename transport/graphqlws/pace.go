package graphqlws

import (
	"errors"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

// A pace holds what one session receives to what clients need: full buckets, of the server's rates.
type pace struct {
	messages limits.Bucket
	patience limits.Bucket // of all messages, also those that were refused
	pings    limits.Bucket
}

// errFlood ends the reading of a session whose client sends more than any needs to.
var errFlood = errors.New("graphqlws: too many messages")

// takeMessage takes a message in, and returns how long its client should have waited with it. The error
// is errFlood for a client that never waits: its session has ended.
func (s *session) takeMessage() (wait time.Duration, err error) {
	now, rate := time.Since(s.server.began), s.server.options.Messages
	switch {
	case !s.pace.patience.Take(s.server.patience, now):
		s.exceed("message-rate", operation.Flood)
		return 0, errFlood
	case s.pace.messages.Take(rate, now):
		return 0, nil
	}
	return s.pace.messages.Wait(rate, now), nil
}

// takePing takes a ping or a pong in, of the protocol or of the WebSocket. The error is errFlood when
// there are too many: the session has ended.
func (s *session) takePing() error {
	if s.pace.pings.Take(s.server.options.Pings, time.Since(s.server.began)) {
		return nil
	}
	s.exceed("ping-rate", operation.Flood)
	return errFlood
}

// tooFast refuses an operation that came too soon.
func (s *session) tooFast(wait time.Duration) gqlerror.List {
	return operation.TooFast("message-rate", "this session sends more than %v messages a second", s.server.options.Messages.PerSecond, wait)
}
