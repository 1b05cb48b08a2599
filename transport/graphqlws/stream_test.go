package graphqlws

import (
	"encoding/json"
	"testing"

	"github.com/sluice-gateway/sluice/internal/outbox"
)

// silent is a writer that the test stands in for.
type silent struct{}

func (silent) Ready()        {}
func (silent) Urge(int) bool { return false }
func (silent) Slow() bool    { return false }

func TestWhereAClientCanGoOnStandsInThePayload(t *testing.T) {
	for place, want := range map[outbox.CursorPlace]string{
		outbox.NoCursor:     `{"id":"1","type":"next","payload":{"data":{}}}`,
		outbox.InExtensions: `{"id":"1","type":"next","payload":{"data":{},"extensions":{"cursor":"c1"}}}`,
	} {
		o := outbox.New(framer{}, &outbox.Limits{Events: 10, Bytes: 1000}, silent{})
		s := &outbox.Stream{Head: nextHead(json.RawMessage(`"1"`)), Tail: nextTail, Cursor: place}
		o.Offer(s, outbox.Event{Body: []byte(`{"data":{}}`), Origin: &outbox.Origin{Cursor: []byte("c1")}})
		if got, _ := o.Take(nil, 1000); string(got) != string(textFrame([]byte(want))) {
			t.Errorf("%q, want the frame of %s", got, want)
		}
	}
}
