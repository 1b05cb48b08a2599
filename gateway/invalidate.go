package gateway

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

const (
	// invalidateScope is the scope of those who may say that something has changed.
	invalidateScope = "invalidate"
	// maxKeys and maxKey are how many keys one request may have, and of how many bytes.
	maxKeys, maxKey = 1000, 512
)

// invalidate is POST /invalidate: {"keys": ["Product:42"]} has the live queries run again whose results
// were made from what the keys name. It answers 204 when every node was told.
func (g *Gateway) invalidate(w http.ResponseWriter, r *http.Request) {
	if g.reader.Begin(w, r, http.MethodPost) {
		return
	}
	if refusal := g.invalidateFor(w, r); refusal != nil {
		refusal.Write(w, transport.ParseAccept(r.Header.Values("Accept")))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gateway) invalidateFor(w http.ResponseWriter, r *http.Request) *transport.Refusal {
	if r.Method != http.MethodPost {
		return transport.RefuseMethod("keys are invalidated by POST", http.MethodPost)
	}
	viewer, refusal := g.reader.Viewer(r)
	if refusal == nil {
		refusal = mayDo(viewer, "invalidating", invalidateScope)
	}
	if refusal != nil {
		return refusal
	}
	if !transport.IsJSON(r.Header) {
		return transport.RefuseType()
	}
	body, refusal := g.reader.Body(w, r, g.options.PublishBytes)
	if refusal != nil {
		return refusal
	}
	var request struct{ Keys []string }
	tooLong := func(key string) bool { return key == "" || len(key) > maxKey }
	switch err := json.Unmarshal(body, &request); {
	case err != nil || len(request.Keys) == 0:
		return transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, `send the keys of what has changed, as in {"keys": ["Product:42"]}`)
	case len(request.Keys) > maxKeys || slices.ContainsFunc(request.Keys, tooLong):
		return transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest,
			"send at most %d keys, each of 1 to %d bytes", maxKeys, maxKey)
	}
	if err := g.engine.Invalidate(r.Context(), request.Keys...); err != nil {
		return transport.Refuse(http.StatusServiceUnavailable, operation.CodeBroker,
			"the broker cannot be reached: this node has heard of it, the others find out when they reconcile; or try again")
	}
	return nil
}
