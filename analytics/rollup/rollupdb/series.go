package rollupdb

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/sluice-gateway/sluice/analytics"
)

// labels are the columns of analytics.Labels, which are its names in JSON, too.
var labels = []string{
	"kind", "operation", "document", "field", "topic", "consumer", "issuer", "subject",
	"plan", "transport", "client", "version", "country",
}

// labelsOf are where labels stand, in the order of the columns.
func labelsOf(l *analytics.Labels) []*string {
	return []*string{
		&l.Kind, &l.Operation, &l.Document, &l.Field, &l.Topic, &l.Consumer, &l.Issuer, &l.Subject,
		&l.Plan, &l.Transport, &l.Client, &l.Version, &l.Country,
	}
}

// idOf is the id of the series of labels, the same on every node: a hash of the labels, each behind its
// length, or "a" and "bc" were "ab" and "c". Of ten million series two are the same once in 400,000 times,
// and are then counted together.
func idOf(l analytics.Labels) int64 {
	hash := sha256.New()
	for _, label := range labelsOf(&l) {
		_ = binary.Write(hash, binary.BigEndian, uint32(len(*label)))
		_, _ = hash.Write([]byte(*label)) // a hash takes everything
	}
	return int64(binary.BigEndian.Uint64(hash.Sum(nil)))
}

// A series is a row of rollup_series as SQL reads it.
type series struct {
	ID int64 `json:"id"`
	analytics.Labels
	Seen int64 `json:"seen"`
}

// A seriesSet are series by id.
type seriesSet map[int64]struct{}

const hourSeconds = 60 * 60

// unknown returns which series of a batch made at a time were not written in its hour. Every hour all are
// written again: a series that is used is not forgotten.
func (s *Store) unknown(all map[int64]analytics.Labels, at int64) []series {
	hour := at - at%hourSeconds
	s.mu.Lock()
	defer s.mu.Unlock()
	if hour != s.hour {
		s.hour, s.known = hour, make(seriesSet)
	}
	var unknown []series
	for id, l := range all {
		if _, known := s.known[id]; !known {
			unknown = append(unknown, series{id, l, hour})
		}
	}
	return unknown
}

// wrote notes that series were written.
func (s *Store) wrote(all []series) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range all {
		if one.Seen == s.hour {
			s.known[one.ID] = struct{}{}
		}
	}
}
