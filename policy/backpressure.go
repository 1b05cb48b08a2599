package policy

import (
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/internal/outbox"
)

// Backpressure is what @backpressure says. The zero value disconnects whoever reads too slowly, once a
// session holds what it may.
type Backpressure struct {
	Overflow outbox.Overflow
	Events   int // of one subscription that may wait; 0: as many as a session holds
}

// maxHeld is the most events that @backpressure may ask a session to hold.
const maxHeld = 100_000

var overflows = map[string]outbox.Overflow{
	"DISCONNECT":  outbox.Disconnect,
	"DROP_OLDEST": outbox.DropOldest,
	"LATEST":      outbox.Latest,
}

// compileBackpressure reads the @backpressure of a field.
func compileBackpressure(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition) (b Backpressure, err error) {
	d := field.Directives.ForName("backpressure")
	if d == nil {
		return b, nil
	}
	if def != schema.Subscription {
		return b, complain(d, def, field, "only a field of the subscription type has subscribers that can be too slow")
	}
	if len(field.Directives.ForNames("backpressure")) > 1 {
		return b, complain(d, def, field, "stands there twice")
	}
	if a := d.Arguments.ForName("policy"); a != nil {
		overflow, ok := overflows[a.Value.Raw]
		if !ok || a.Value.Kind != ast.EnumValue {
			return b, complain(d, def, field, "policy is DISCONNECT, DROP_OLDEST or LATEST")
		}
		b.Overflow = overflow
	}
	if a := d.Arguments.ForName("events"); a != nil && a.Value.Kind != ast.NullValue {
		b.Events, err = strconv.Atoi(a.Value.Raw)
		if err != nil || a.Value.Kind != ast.IntValue || b.Events < 1 || b.Events > maxHeld {
			return b, complain(d, def, field, "events is a number from 1 to %d; leave it out to hold as much as a session may", maxHeld)
		}
	}
	return b, nil
}
