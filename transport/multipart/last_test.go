package multipart

import (
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/operation"
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
