package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
)

// publish is POST /publish/{topic}: the body, a JSON object, becomes an event. It answers 204 when
// the broker has it.
func (g *Gateway) publish(w http.ResponseWriter, r *http.Request) {
	topic := r.PathValue("topic")
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, operation.CodeBadRequest, "send the event as Content-Type: application/json")
		return
	}
	if err := pubsub.ValidName(topic); err != nil {
		refuse(w, http.StatusBadRequest, operation.CodeBadRequest, err.Error())
		return
	}
	if !g.engine.Policy().Feeds(topic) {
		refuse(w, http.StatusNotFound, operation.CodeBadRequest, fmt.Sprintf(
			"no subscription is fed by topic %q; the topics are %s", topic, strings.Join(g.engine.Policy().Topics(), ", ")))
		return
	}
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, g.options.PublishBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		refuse(w, http.StatusRequestEntityTooLarge, operation.CodeBadRequest, fmt.Sprintf("an event has at most %d bytes", g.options.PublishBytes))
		return
	case err != nil:
		refuse(w, http.StatusBadRequest, operation.CodeBadRequest, "the body could not be read to its end")
		return
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil || object == nil || !utf8.Valid(payload) {
		refuse(w, http.StatusBadRequest, operation.CodeBadRequest, "an event is a JSON object in UTF-8, with the fields of its type")
		return
	}
	switch err := g.broker.Publish(r.Context(), topic, payload); {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, pubsub.ErrUnavailable), errors.Is(err, pubsub.ErrClosed):
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusServiceUnavailable, operation.CodeBroker, "the broker cannot be reached; nothing was published")
	default:
		g.options.Log.Error("publishing failed", "topic", topic, "error", err)
		refuse(w, http.StatusInternalServerError, operation.CodeInternal, "the event could not be published")
	}
}

// refuse answers with one GraphQL-shaped error.
func refuse(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"errors": []any{operation.Errorf(code, "%s", message)}})
}
