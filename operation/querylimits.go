package operation

import (
	"cmp"
	"encoding/json"
	"math"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/policy"
)

// QueryLimits bound what one operation may ask for. They hold before it is executed, whatever
// transport it comes by. A zero stands for the default, math.MaxInt for no limit.
type QueryLimits struct {
	// DocumentBytes is the size of the largest document, comments and spaces included; default 96 KiB.
	DocumentBytes int
	// Tokens a document may have, counted before it is validated, which takes time with the
	// square of them; default 1,000.
	Tokens int
	// Directives a document may have; default 50.
	Directives int
	// Depth of fields, through fragments; default 10. What is below __schema and __type does not
	// count. Braces, brackets and parentheses, which the parser descends into, may nest four times as
	// deep, and at least 100.
	Depth int
	// Aliases are the fields of an operation that have another name than their own, counted in each
	// place where a fragment is spread; default 30.
	Aliases int
	// RootFields an operation may have, by their response keys; default 20.
	RootFields int
	// Cost of an operation, see policy.Operation.Cost; default 1,000.
	Cost int
	// ListSize is how many elements a list counts for in the cost, where neither first, last nor limit
	// says how many it may have; default 20.
	ListSize int
	// OperationName is the size of the longest name of an operation, in bytes; default 128.
	OperationName int
	// Variables is the size of the variables as JSON, without spaces and escapes, in bytes; default
	// 32 KiB. Of lists and objects in each other they may have VariableDepth, default 20, and of
	// members and elements VariableElements, default 1,000.
	Variables, VariableDepth, VariableElements int
	// Digits is how many characters the longest number may have, in variables and in the document; default 64.
	Digits int
}

func (l QueryLimits) withDefaults() QueryLimits {
	return QueryLimits{
		DocumentBytes:    cmp.Or(l.DocumentBytes, 96<<10),
		Tokens:           cmp.Or(l.Tokens, 1000),
		Directives:       cmp.Or(l.Directives, 50),
		Depth:            cmp.Or(l.Depth, 10),
		Aliases:          cmp.Or(l.Aliases, 30),
		RootFields:       cmp.Or(l.RootFields, 20),
		Cost:             cmp.Or(l.Cost, 1000),
		ListSize:         cmp.Or(l.ListSize, 20),
		OperationName:    cmp.Or(l.OperationName, 128),
		Variables:        cmp.Or(l.Variables, 32<<10),
		VariableDepth:    cmp.Or(l.VariableDepth, 20),
		VariableElements: cmp.Or(l.VariableElements, 1000),
		Digits:           cmp.Or(l.Digits, 64),
	}
}

// nesting is how deep braces, brackets and parentheses may stand in each other.
func (l QueryLimits) nesting() int {
	if l.Depth > math.MaxInt/4 {
		return math.MaxInt
	}
	return max(100, 4*l.Depth)
}

// request says why a request is too large, whatever its document says.
func (l QueryLimits) request(req Request) gqlerror.List {
	if n := len(req.OperationName); n > l.OperationName {
		return over("max-operation-name", CodeQueryTooLarge, "the name of the operation has %d bytes, more than the limit of %d", n, l.OperationName)
	}
	return l.variables(req.Variables)
}

// over is a refusal by a limit.
func over(limit, code, format string, args ...any) gqlerror.List {
	return gqlerror.List{overLimit(limit, code, format, args...)}
}

// text says why a document is not parsed.
func (l QueryLimits) text(text string) gqlerror.List {
	if n := len(text); n > l.DocumentBytes {
		return over("max-document", CodeQueryTooLarge, "the document has %d bytes, more than the limit of %d", n, l.DocumentBytes)
	}
	switch o := scan(text); {
	case o.nesting > l.nesting():
		return over("max-depth", CodeDepthLimit, "braces, brackets and parentheses nest %d deep, more than the limit of %d", o.nesting, l.nesting())
	case o.directives > l.Directives:
		return over("max-directives", CodeDirectiveLimit, "the document has %d directives, more than the limit of %d", o.directives, l.Directives)
	case o.digits > l.Digits:
		return over("max-digits", CodeQueryTooLarge, "a number has %d characters, more than the limit of %d", o.digits, l.Digits)
	}
	return nil
}

// shape says why a document is not validated.
func (l QueryLimits) shape(doc *ast.QueryDocument) gqlerror.List {
	for _, def := range doc.Operations {
		switch s := policy.ShapeOf(doc, def); {
		case s.Depth > int64(l.Depth):
			return over("max-depth", CodeDepthLimit, "fields nest %d deep, more than the limit of %d", s.Depth, l.Depth)
		case s.Aliases > int64(l.Aliases):
			return over("max-aliases", CodeAliasLimit, "the operation has %d aliases, more than the limit of %d", s.Aliases, l.Aliases)
		case s.RootFields > int64(l.RootFields):
			return over("max-root-fields", CodeRootFieldLimit, "the operation has %d root fields, more than the limit of %d", s.RootFields, l.RootFields)
		}
	}
	return nil
}

// cost says why an operation is too expensive.
func (l QueryLimits) cost(cost int64) gqlerror.List {
	if cost > int64(l.Cost) {
		return over("max-cost", CodeCostLimit, "the operation costs %d, more than the limit of %d", cost, l.Cost)
	}
	return nil
}

// rate says why a live query is too expensive, which runs again and again.
func (l QueryLimits) rate(cost int64, query *liveQuery) gqlerror.List {
	if float64(cost)*query.rate() > float64(l.Cost) {
		return over("max-cost", CodeCostLimit, "the operation costs %d each time, and %.0f a second, more than the limit of %d: ask for a longer throttle",
			cost, float64(cost)*query.rate(), l.Cost)
	}
	return nil
}

// variables says why variables are too large.
func (l QueryLimits) variables(variables map[string]any) gqlerror.List {
	m := measure{limits: l}
	m.object(variables, 0)
	switch {
	case m.digits > l.Digits:
		return over("max-digits", CodeQueryTooLarge, "a number in the variables has %d characters, more than the limit of %d", m.digits, l.Digits)
	case m.depth > l.VariableDepth:
		return over("max-variable-depth", CodeQueryTooLarge, "the variables nest deeper than the limit of %d", l.VariableDepth)
	case m.elements > l.VariableElements:
		return over("max-variable-elements", CodeQueryTooLarge, "the variables have more members and elements than the limit of %d", l.VariableElements)
	case m.bytes > l.Variables:
		return over("max-variables", CodeQueryTooLarge, "the variables have more bytes than the limit of %d", l.Variables)
	}
	return nil
}

// A measure is how large variables are, up to where that is too much.
type measure struct {
	limits                         QueryLimits
	bytes, depth, elements, digits int
}

func (m *measure) tooMuch() bool {
	l := &m.limits
	return m.bytes > l.Variables || m.depth > l.VariableDepth || m.elements > l.VariableElements || m.digits > l.Digits
}

// value measures a value inside of so many others.
func (m *measure) value(v any, depth int) {
	switch v := v.(type) {
	case string:
		m.bytes += len(v) + len(`""`)
	case json.Number:
		m.bytes += len(v)
		m.digits = max(m.digits, len(v))
	case []any:
		m.list(v, depth)
	case map[string]any:
		m.object(v, depth)
	default: // true, false, null
		m.bytes += len("null")
	}
}

func (m *measure) list(list []any, depth int) {
	m.bytes += len("[]")
	m.depth = max(m.depth, depth+1)
	for _, v := range list {
		m.elements++
		m.bytes += len(",")
		if m.tooMuch() {
			return
		}
		m.value(v, depth+1)
	}
}

func (m *measure) object(members map[string]any, depth int) {
	m.bytes += len("{}")
	m.depth = max(m.depth, depth+1)
	for name, v := range members {
		m.elements++
		m.bytes += len(name) + len(`"":,`)
		if m.tooMuch() {
			return
		}
		m.value(v, depth+1)
	}
}
