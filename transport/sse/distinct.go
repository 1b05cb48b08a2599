package sse

import (
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// A Distinct serves the mode of distinct connections.
type Distinct struct{ *transport.Single }

// NewDistinct makes the mode of distinct connections. The zero options work; the heartbeat's default
// is 12 s.
func NewDistinct(sessions *transport.Sessions, options transport.StreamOptions) *Distinct {
	return &Distinct{transport.NewSingle(distinctFormat{}, sessions, options.WithDefaults(heartbeat))}
}

// Accepts reports whether a media range asks for this protocol, which has operations of every kind.
func (*Distinct) Accepts(m transport.Media, _ operation.Results) bool {
	return m.Type == transport.EventStream
}
