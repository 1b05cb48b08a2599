package faults

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/pubsub"
)

// Streams reads the logs of topics; ephemeral ones have none.
func (s *Site) Streams(topics []string) ([]check.Stream, error) {
	if s.options.Events == 0 {
		return nil, nil
	}
	all := make([]check.Stream, 0, len(topics))
	for _, topic := range topics {
		a, err := s.redis.do("XRANGE", "sluice:log:{"+topic+"}", "-", "+")
		if err != nil {
			return nil, err
		}
		l := check.Stream{Topic: topic, Kept: s.options.Events}
		for _, entry := range a.list {
			e, err := readEntry(entry)
			if err != nil {
				return nil, fmt.Errorf("the log of %s: %w", topic, err)
			}
			l.Events = append(l.Events, e)
		}
		all = append(all, l)
	}
	return all, nil
}

// readEntry reads an id and one field: an envelope with the position, and the payload.
func readEntry(entry answer) (e check.Entry, err error) {
	if len(entry.list) != 2 || len(entry.list[1].list) != 2 {
		return e, fmt.Errorf("an entry of another form")
	}
	envelope, payload, _ := strings.Cut(entry.list[1].list[1].text, "\n")
	position, found := "", false
	for word := range strings.FieldsSeq(envelope) {
		if text, is := strings.CutPrefix(word, "p="); is {
			position, found = text, true
		}
	}
	at, ok := pubsub.ParsePosition(position)
	if !found || !ok {
		return e, fmt.Errorf("an entry without a position: %q", envelope)
	}
	var event struct{ Stock, Revision int }
	if err := json.Unmarshal([]byte(payload), &event); err != nil {
		return e, err
	}
	return check.Entry{Kind: check.Received, ID: check.ID{Lane: event.Stock, Number: event.Revision}, Position: at}, nil
}
