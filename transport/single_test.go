package transport

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
)

// single is the format of lines for one operation, and numbered that which says where a client can go on.
type single struct{ lines }

func (single) Around() (head, tail []byte) { return []byte("<"), []byte(">") }
func (single) Last(gqlerror.List) []byte   { return []byte("end\n") }

type numbered struct{ single }

func (numbered) CursorMark() []byte      { return []byte("|") }
func (numbered) At(cursor []byte) []byte { return append(append([]byte("at "), cursor...), '\n') }

func TestWhereASubscriptionBeginsIsToldWhereItCanBe(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format SingleFormat
		want   string
	}{
		{"by a protocol that has a place for it", numbered{}, "at c0\n<{}|c1>\nend\n"},
		{"by no other", single{}, "<{}>\nend\n"},
	} {
		options := StreamOptions{}.WithDefaults(1 << 40)
		s := NewSingle(tt.format, nil, options)
		sink := s.newSink(NewStream(tt.format, newSessions(t, operation.Options{}, SessionLimits{}), &options))
		sink.At([]byte("c0"))
		sink.Next(outbox.Event{Body: []byte("{}"), Origin: &outbox.Origin{Cursor: []byte("c1")}})
		sink.End(nil)
		w := httptest.NewRecorder()
		sink.stream.Run(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
		if got := w.Body.String(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
