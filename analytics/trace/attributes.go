package trace

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// What OpenTelemetry has no name for.
const (
	documentKey  = attribute.Key("sluice.document")
	fieldKey     = attribute.Key("sluice.field")
	transportKey = attribute.Key("sluice.transport")
	clientKey    = attribute.Key("sluice.client")
	membersKey   = attribute.Key("sluice.members")
)

// longest is the length of the longest text in a span, in bytes.
const longest = 256

// text is what a client may have chosen, as a span may have it: one byte that is not UTF-8 would cost
// every span that travels with it.
func text(of string) string {
	return strings.ToValidUTF8(of[:min(len(of), longest)], "\uFFFD")
}
