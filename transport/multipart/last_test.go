package multipart

import (
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/internal/outbox"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

func TestLastWords(t *testing.T) {
	const part, next = "\r\ncontent-type: application/json\r\n\r\n", "\r\n--graphql"
	for name, c := range map[string]struct {
		errs gqlerror.List
		want string
	}{
		"complete": {nil, "--\r\n"},
		"an error of the operation stays in the payload": {
			gqlerror.List{operation.Errorf(operation.CodeBroker, "away")},
			part + `{"payload":{"errors":[{"message":"away","extensions":{"code":"BROKER_UNAVAILABLE"}}]}}` + next + "--\r\n",
		},
		"an end of the stream is an error of the protocol": {
			gqlerror.List{operation.Errorf("BUDGET_EVENTS", "spent")},
			part + `{"payload":null,"errors":[{"message":"spent","extensions":{"code":"BUDGET_EVENTS"}}]}` + next + "--\r\n",
		},
	} {
		if got := string((format{}).Last(c.errs)); got != c.want {
			t.Errorf("%s:\n%q\nwant\n%q", name, got, c.want)
		}
	}
}

func TestWhereAClientCanGoOnStandsInThePayload(t *testing.T) {
	for _, tt := range []struct {
		name   string
		format transport.SingleFormat
		want   string
	}{
		{"of a part", format{}, part + `{"payload":{"data":{},"extensions":{"cursor":"c1"}}}` + boundary},
		{"of incremental delivery", incremental{}, nextPart + `{"hasNext":true,"data":{},"extensions":{"cursor":"c1"}}` + delimiter},
	} {
		o := outbox.New(tt.format, &outbox.Limits{Events: 10, Bytes: 1000}, silent{})
		place := &outbox.Stream{Cursor: outbox.InExtensions}
		place.Head, place.Tail = tt.format.Around()
		o.Offer(place, outbox.Event{Body: []byte(`{"data":{}}`), Origin: &outbox.Origin{Cursor: []byte("c1")}})
		if got, _ := o.Take(nil, 1000); string(got) != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// silent is a writer that the test stands in for.
type silent struct{}

func (silent) Ready()        {}
func (silent) Urge(int) bool { return false }
func (silent) Slow() bool    { return false }
