package gateway

import (
	"net/http"
	"time"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// A renewal is the answer of POST /auth/renew.
type renewal struct {
	Renewed    int       `json:"renewed"`          // sessions of this node
	Expires    time.Time `json:"expires,omitzero"` // of the credentials; left out: never
	Everywhere bool      `json:"everywhere"`       // the other nodes were told
}

// renew is POST /auth/renew: whoever shows fresh credentials keeps the streams open that stand on
// older ones of the same viewer, on every node.
func (g *Gateway) renew(w http.ResponseWriter, r *http.Request) {
	if g.reader.Begin(w, r, http.MethodPost) {
		return
	}
	answer, refusal := g.renewFor(w, r)
	if refusal != nil {
		refusal.Write(w, transport.ParseAccept(r.Header.Values("Accept")))
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func (g *Gateway) renewFor(w http.ResponseWriter, r *http.Request) (renewal, *transport.Refusal) {
	if r.Method != http.MethodPost {
		return renewal{}, transport.RefuseMethod("credentials are renewed by POST", http.MethodPost)
	}
	viewer, refusal := g.reader.Viewer(r)
	if refusal == nil {
		refusal = g.reader.Discard(w, r)
	}
	switch {
	case refusal != nil:
		return renewal{}, refusal
	case viewer.IsAnonymous():
		return renewal{}, transport.Refuse(http.StatusUnauthorized, operation.CodeUnauthenticated, "send the fresh credentials with this request")
	}
	answer := renewal{Expires: viewer.Expires, Everywhere: true}
	if viewer.Expires.IsZero() { // nobody like this viewer needs to be renewed
		return answer, nil
	}
	fresh := viewer.Renewal()
	answer.Renewed = g.sessions.Grants().Extend(fresh)
	if err := announce(r.Context(), g.broker, announcement{Renewed: &fresh}); err != nil {
		g.control.complaints.Warn(g.options.Log, "a renewal did not reach the other nodes", "error", err)
		answer.Everywhere = false
	}
	return answer, nil
}
