package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
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
				all := newTurns()
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
				}}, all)
				err := d.send(t.Context())
				if len(all.making) != 0 {
					t.Error("its turn was not given back")
				}
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

// Eight clients that read a little now and then kept everybody else from any file.
func TestFilesThatWaitForTheirClientsKeepNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newTurns()
		send := func(slow time.Duration, parts int, hold time.Duration) error {
			w := &tap{header: make(http.Header), slow: slow, parts: 1 << 20}
			file := &usageFile{name: "usage", format: "csv", write: func(_ context.Context, out io.Writer) error {
				time.Sleep(hold) // in the database
				_, err := io.CopyN(out, zeros{}, int64(parts*downloadPart))
				return err
			}}
			return newDownload(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/usage", nil), file, all).send(t.Context())
		}
		var running sync.WaitGroup
		for range 2 * mostMade {
			running.Go(func() {
				if err := send(downloadPatience-time.Second, 20, 0); err != nil {
					t.Errorf("a slow client: %v", err)
				}
			})
		}
		time.Sleep(time.Second)
		began := time.Now()
		if err := send(0, 20, 0); err != nil || time.Since(began) > 0 {
			t.Errorf("whoever reads at once has the file after %v (%v)", time.Since(began), err)
		}
		running.Wait()

		for range mostMade {
			running.Go(func() {
				if err := send(0, 1, time.Minute); err != nil {
					t.Errorf("a file that takes long to be made: %v", err)
				}
			})
		}
		synctest.Wait()
		began = time.Now()
		if err := send(0, 1, 0); !errors.Is(err, errTurn) || time.Since(began) != turnPatience {
			t.Errorf("while as many are made as may be: %v after %v", err, time.Since(began))
		}
		running.Wait()
		if len(all.making) != 0 {
			t.Errorf("%d turns were not given back", len(all.making))
		}
	})
}

// zeros are as many as one likes.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return len(b), nil }

func TestTurns(t *testing.T) {
	all := newTurns()
	taken := 0
	who := func(n int) turn { return turn{"", fmt.Sprint(n)} }
	for n := range mostFiles {
		if all.take(who(n / mostFilesEach)) {
			taken++
		}
	}
	if taken != mostFiles || all.take(who(mostFiles)) || all.take(who(0)) {
		t.Errorf("%d turns were taken, and not more", taken)
	}
	all.give(who(0))
	if all.take(who(1)) || !all.take(turn{"other", "0"}) {
		t.Error("a turn that was given back is not for whoever comes")
	}
	all.give(turn{"other", "0"})
	all.give(who(0))
	if len(all.each) != mostFiles/mostFilesEach-1 || all.total != mostFiles-2 {
		t.Errorf("%d turns of %d are left", all.total, len(all.each))
	}
}
