package operation

import "github.com/vektah/gqlparser/v2/ast"

// Streams reports whether a request that Prepare refused asks for more than one result, as far as
// its syntax tells: the refusal is then sent in the form that the client expects the results in.
func (e *Engine) Streams(req Request) bool {
	text := req.Query
	if text == "" {
		text = e.remembered(req)
	}
	parsed, errs := e.syntax(text)
	if errs != nil {
		return false
	}
	def, errs := choose(parsed.Operations, req.OperationName)
	return errs == nil && def.Operation == ast.Subscription
}
