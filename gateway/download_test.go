package gateway

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A tap is a response whose client takes a while for each part, and leaves after some.
type tap struct {
	header   http.Header
	deadline time.Time
	slow     time.Duration
	parts    int // that it takes
	got      strings.Builder
}

func (t *tap) Header() http.Header { return t.header }
func (t *tap) WriteHeader(int)     {}
func (t *tap) FlushError() error   { return nil }

func (t *tap) SetWriteDeadline(at time.Time) error {
	t.deadline = at
	return nil
}

func (t *tap) Write(b []byte) (int, error) {
	if t.parts--; t.parts < 0 {
		return 0, errors.New("the client is gone")
	}
	time.Sleep(t.slow) // in a bubble
	if time.Now().After(t.deadline) {
		return 0, errors.New("the client does not read")
	}
	return t.got.Write(b)
}

func TestADownloadTakesAsLongAsItsClientReads(t *testing.T) {
	const length = 10*downloadPart + 7
	for _, c := range []struct {
		name        string
		slow        time.Duration
		parts       int
		multiplexed bool
		whole       bool
	}{
		{"a slow client gets all of it", downloadPatience - time.Second, 100, false, true},
		{"also over HTTP/2, where a deadline that is not lifted ends the stream", downloadPatience - time.Second, 100, true, true},
		{"one that does not read gets nothing more", downloadPatience + time.Second, 100, false, false},
		{"one that leaves gets nothing more", 0, 4, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &tap{header: make(http.Header), slow: c.slow, parts: c.parts}
				r := httptest.NewRequest(http.MethodGet, "/usage", nil)
				if c.multiplexed {
					r.ProtoMajor = 2
				}
				d := newDownload(w, r, &usageFile{name: "usage", format: "csv", write: func(_ context.Context, out io.Writer) error {
					for range length {
						if _, err := out.Write([]byte{'x'}); err != nil {
							return err
						}
					}
					time.Sleep(time.Hour) // a database that takes its time
					if c.multiplexed && !w.deadline.IsZero() {
						t.Error("the stream has a deadline while nothing is written")
					}
					return nil
				}})
				err := d.send(t.Context())
				if (err == nil) != c.whole || d.broken == c.whole || !d.begun || c.whole && w.got.Len() != length {
					t.Errorf("%d bytes were sent (%v), begun %v, broken %v", w.got.Len(), err, d.begun, d.broken)
				}
				if !c.whole {
					return
				}
				if left := time.Until(w.deadline); left != downloadPatience {
					t.Errorf("what the server still has to send has %v", left)
				}
			})
		})
	}
}

func TestTurns(t *testing.T) {
	var all turns
	taken := 0
	for n := range mostTurns {
		who := turn{"", string(rune('a' + n/mostTurnsEach))}
		if all.take(who) {
			taken++
		}
	}
	if taken != mostTurns || all.take(turn{"", "z"}) || all.take(turn{"", "a"}) {
		t.Errorf("%d turns were taken, and not more", taken)
	}
	all.give(turn{"", "a"})
	if all.take(turn{"", "b"}) || !all.take(turn{"other", "a"}) {
		t.Error("a turn that was given back is not for whoever comes")
	}
	all.give(turn{"other", "a"})
	all.give(turn{"", "a"})
	if len(all.each) != mostTurns/mostTurnsEach-1 || all.total != mostTurns-2 {
		t.Errorf("%d turns of %d are left", all.total, len(all.each))
	}
}
