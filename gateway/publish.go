package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gateway/sluice/analytics/trace"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/transport"
)

// publishScope is the scope of those who publish, each to topics of their own.
const publishScope = "publish"

// publish is POST /publish/{topic}: the body, a JSON object, becomes an event. It answers 204 when
// the broker has it.
func (g *Gateway) publish(w http.ResponseWriter, r *http.Request) {
	if g.reader.Begin(w, r, http.MethodPost) {
		return
	}
	refusal := g.publishTo(w, r, r.PathValue("topic"))
	if refusal != nil {
		refusal.Write(w, transport.ParseAccept(r.Header.Values("Accept")))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (g *Gateway) publishTo(w http.ResponseWriter, r *http.Request, topic string) *transport.Refusal {
	if r.Method != http.MethodPost {
		return transport.RefuseMethod("events are published by POST", http.MethodPost)
	}
	viewer, refusal := g.reader.Viewer(r)
	if refusal == nil {
		refusal = g.mayPublish(viewer, topic)
	}
	if refusal != nil {
		return refusal
	}
	payload, refusal := g.event(w, r)
	if refusal != nil {
		return refusal
	}
	ctx, refusal := g.withIdempotencyKey(r, topic)
	if refusal != nil {
		return refusal
	}
	ctx = g.options.Operation.Tracer.WithParent(ctx, trace.Traceparent(r.Header))
	switch err := g.broker.Publish(ctx, topic, payload); {
	case err == nil:
		return nil
	case errors.Is(err, pubsub.ErrUnavailable), errors.Is(err, pubsub.ErrClosed):
		g.troubles.Warn(g.options.Log, "an event was not published", "topic", topic, "error", err)
		return transport.Refuse(http.StatusServiceUnavailable, operation.CodeBroker, "the broker does not take the event: nothing was published, or nobody knows; try again")
	default:
		g.options.Log.Error("publishing failed", "topic", topic, "error", err)
		return transport.Refuse(http.StatusInternalServerError, operation.CodeInternal, "the event could not be published")
	}
}

// maxIdempotencyKey is how many bytes an idempotency key may have: it stands in the broker's memory.
const maxIdempotencyKey = 128

// withIdempotencyKey is the context of a request whose repetitions are to have no effect.
func (g *Gateway) withIdempotencyKey(r *http.Request, topic string) (context.Context, *transport.Refusal) {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return r.Context(), nil
	}
	visible := func(c rune) bool { return '!' <= c && c <= '~' }
	switch key := keys[0]; {
	case len(keys) > 1, key == "", len(key) > maxIdempotencyKey, strings.ContainsFunc(key, func(c rune) bool { return !visible(c) }):
		return nil, transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "Idempotency-Key is one text of 1 to %d visible ASCII characters, such as a UUID", maxIdempotencyKey)
	case g.engine.Retention(topic).IsZero():
		return nil, transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "the events of topic %q are not kept, so nobody can tell whether one was published before; leave Idempotency-Key out, or have the topic kept by @topic(retain:) or the setting retain", topic)
	default:
		return pubsub.WithIdempotencyKey(r.Context(), key), nil
	}
}

// mayDo refuses a viewer who lacks the scope for what it is doing.
func mayDo(viewer *auth.Viewer, what, scope string) *transport.Refusal {
	switch {
	case viewer.IsAnonymous():
		return transport.Refuse(http.StatusUnauthorized, operation.CodeUnauthenticated, "%s needs credentials with the scope %s", what, scope)
	case !viewer.Has(scope):
		refusal := transport.Refuse(http.StatusForbidden, operation.CodeForbidden, "%s needs the scope %s", what, scope)
		refusal.Errors[0].Extensions["missingScopes"] = []string{scope}
		return refusal
	}
	return nil
}

// mayPublish refuses a topic that there is not, or that is not the viewer's.
func (g *Gateway) mayPublish(viewer *auth.Viewer, topic string) *transport.Refusal {
	if refusal := mayDo(viewer, "publishing", publishScope); refusal != nil {
		return refusal
	}
	covers := func(pattern string) bool { return pubsub.Match(pattern, topic) }
	switch err := pubsub.ValidName(topic); {
	case err != nil:
		return transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "%v", err)
	case !slices.ContainsFunc(viewer.Publish, covers):
		refusal := transport.Refuse(http.StatusForbidden, operation.CodeForbidden, "these credentials do not allow to publish to topic %q", topic)
		refusal.Errors[0].Extensions["topic"] = topic
		return refusal
	case !g.engine.Policy().Feeds(topic):
		return transport.Refuse(http.StatusNotFound, operation.CodeBadRequest, "no subscription is fed by topic %q; the topics are %s",
			topic, strings.Join(g.engine.Policy().Topics(), ", "))
	}
	return nil
}

// event reads the body: a JSON object.
func (g *Gateway) event(w http.ResponseWriter, r *http.Request) ([]byte, *transport.Refusal) {
	if !transport.IsJSON(r.Header) {
		return nil, transport.RefuseType()
	}
	payload, refusal := g.reader.Body(w, r, g.options.PublishBytes)
	if refusal != nil {
		if refusal.Status == http.StatusRequestEntityTooLarge {
			g.engine.Refusals().Note("max-event", 1)
		}
		return nil, refusal
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(payload, &object); err != nil || object == nil || !utf8.Valid(payload) {
		return nil, transport.Refuse(http.StatusBadRequest, operation.CodeBadRequest, "an event is a JSON object in UTF-8, with the fields of its type")
	}
	return payload, nil
}
