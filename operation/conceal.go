package operation

import (
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// concealed stands for a name that the client did not write.
const concealed = "…"

// maxMessage is how many bytes of an error's message are told. Messages quote values.
const maxMessage = 1000

// brief cuts what errors say.
func brief(errs gqlerror.List) gqlerror.List {
	for _, err := range errs {
		if len(err.Message) > maxMessage {
			err.Message = strings.ToValidUTF8(err.Message[:maxMessage], "") + "…"
		}
	}
	return errs
}

// conceal takes out of errors what only the schema knows: everything quoted and every type of which
// some part does not stand in what the client wrote. Where suggestions are on it does nothing.
func (e *Engine) conceal(errs gqlerror.List, wrote string) {
	if e.options.Suggestions {
		return
	}
	known := namesIn(wrote)
	for _, err := range errs {
		err.Message = e.concealTypes(concealQuoted(err.Message, known), known)
		for i, element := range err.Path {
			// The first element says that a variable is meant.
			if name, ok := element.(ast.PathName); ok && i > 0 && !known.all(string(name)) {
				err.Path[i] = ast.PathName(concealed)
			}
		}
	}
}

func (e *Engine) concealTypes(message string, wrote names) string {
	for name := range strings.FieldsFuncSeq(message, notInName) {
		if def := e.schema.Schema().Types[name]; def != nil && !def.BuiltIn && !wrote[name] {
			message = strings.ReplaceAll(message, name, concealed)
		}
	}
	return message
}

func concealQuoted(message string, wrote names) string {
	parts := strings.Split(message, `"`)
	if len(parts)%2 == 0 { // a quote that does not end: rather nothing than too much
		return "the document is not valid"
	}
	for i := 1; i < len(parts); i += 2 {
		if !wrote.all(parts[i]) {
			parts[i] = concealed
		}
	}
	return strings.Join(parts, `"`)
}

// names are those that stand somewhere, as words of their own.
type names map[string]bool

func namesIn(text string) names {
	n := make(names)
	for name := range strings.FieldsFuncSeq(text, notInName) {
		n[name] = true
	}
	return n
}

// all reports whether every name in a text is there.
func (n names) all(text string) bool {
	for name := range strings.FieldsFuncSeq(text, notInName) {
		if !n[name] {
			return false
		}
	}
	return true
}

func notInName(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }
