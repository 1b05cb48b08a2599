package audit

import (
	"log/slog"
	"net/netip"
	"time"
)

// OK is the result of an action that was done.
const OK = "ok"

// An Actor is who did something. What is not known is left empty.
type Actor struct {
	Via      string     `json:"via"`                // api, cli or config: which way it came
	Issuer   string     `json:"issuer,omitempty"`   // who vouches for the consumer
	Consumer string     `json:"consumer,omitempty"` // an application
	Subject  string     `json:"subject,omitempty"`  // its end user
	Key      string     `json:"key,omitempty"`      // the id of the API key it came with
	Address  netip.Addr `json:"address,omitzero"`   // of the client
	User     string     `json:"user,omitempty"`     // of the operating system
}

// A Change is something that an action has changed. Nil is what was not there before, or is no more.
type Change struct {
	Field string `json:"field"`
	Old   any    `json:"old"`
	New   any    `json:"new"`
}

// An Entry is one action. It holds no secret.
type Entry struct {
	Time    time.Time `json:"time"`             // when it was over; zero: now
	Action  string    `json:"action"`           // such as key.create
	Object  string    `json:"object,omitempty"` // what it was done to, such as the id of a key
	Actor   Actor     `json:"actor"`
	Changes []Change  `json:"changes,omitempty"`
	Result  string    `json:"result"` // a code; empty: OK
}

// LogValue implements slog.LogValuer: in a log an entry is a group, without the time that every line has.
func (e Entry) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("action", e.Action)}
	attrs = appendText(attrs, "object", e.Object)
	attrs = append(attrs, slog.Attr{Key: "actor", Value: e.Actor.LogValue()})
	var changes []slog.Attr
	for _, c := range e.Changes {
		changes = append(changes, slog.Group(c.Field, slog.Any("old", c.Old), slog.Any("new", c.New)))
	}
	if changes != nil {
		attrs = append(attrs, slog.Attr{Key: "changes", Value: slog.GroupValue(changes...)})
	}
	return slog.GroupValue(append(attrs, slog.String("result", e.Result))...)
}

// LogValue implements slog.LogValuer.
func (a Actor) LogValue() slog.Value {
	attrs := []slog.Attr{slog.String("via", a.Via)}
	attrs = appendText(attrs, "issuer", a.Issuer)
	attrs = appendText(attrs, "consumer", a.Consumer)
	attrs = appendText(attrs, "subject", a.Subject)
	attrs = appendText(attrs, "key", a.Key)
	if a.Address.IsValid() {
		attrs = append(attrs, slog.String("address", a.Address.String()))
	}
	return slog.GroupValue(appendText(attrs, "user", a.User)...)
}

func appendText(attrs []slog.Attr, name, text string) []slog.Attr {
	if text == "" {
		return attrs
	}
	return append(attrs, slog.String(name, text))
}
