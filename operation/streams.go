package operation

import "github.com/vektah/gqlparser/v2/ast"

// Results say how many results an operation gives.
type Results uint8

// What an operation gives.
const (
	OneResult  Results = iota
	LiveResult         // one that is kept true; a client that cannot read a stream may have it once
	ManyResults
)

// Results say how many results the operation gives.
func (op *Operation) Results() Results {
	switch {
	case op.kind == ast.Subscription:
		return ManyResults
	case op.live != nil:
		return LiveResult
	}
	return OneResult
}

// ResultsOf says how many results a request wants that Prepare refused, as far as its syntax tells: the
// refusal is then sent in the form that the client expects the results in.
func (e *Engine) ResultsOf(req Request) Results {
	text := req.Query
	if text == "" {
		text = e.remembered(req)
	}
	parsed, errs := e.syntax(text)
	if errs != nil {
		return OneResult
	}
	def, errs := choose(parsed.Operations, req.OperationName)
	switch {
	case errs != nil:
	case def.Operation == ast.Subscription:
		return ManyResults
	case def.Operation == ast.Query && def.Directives.ForName("live") != nil:
		return LiveResult
	}
	return OneResult
}
