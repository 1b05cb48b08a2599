package operation

import (
	"strings"
	"unicode"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// concealed stands for a name that the client did not write.
const concealed = "…"

// conceal takes out of errors what only the schema knows: everything quoted and every type of which
// some part does not stand in what the client wrote.
func (e *Engine) conceal(errs gqlerror.List, wrote string) {
	for _, err := range errs {
		err.Message = e.concealTypes(concealQuoted(err.Message, wrote), wrote)
		for i, element := range err.Path {
			// The first element says that a variable is meant.
			if name, ok := element.(ast.PathName); ok && i > 0 && !written(string(name), wrote) {
				err.Path[i] = ast.PathName(concealed)
			}
		}
	}
}

func (e *Engine) concealTypes(message, wrote string) string {
	for name := range strings.FieldsFuncSeq(message, notInName) {
		if def := e.schema.Schema().Types[name]; def != nil && !def.BuiltIn && !written(name, wrote) {
			message = strings.ReplaceAll(message, name, concealed)
		}
	}
	return message
}

func concealQuoted(message, wrote string) string {
	parts := strings.Split(message, `"`)
	if len(parts)%2 == 0 { // a quote that does not end: rather nothing than too much
		return "the document is not valid"
	}
	for i := 1; i < len(parts); i += 2 {
		if !written(parts[i], wrote) {
			parts[i] = concealed
		}
	}
	return strings.Join(parts, `"`)
}

// written reports whether every name in text stands in what the client wrote, as a word of its own.
func written(text, wrote string) bool {
	for _, name := range strings.FieldsFunc(text, notInName) {
		if !hasWord(wrote, name) {
			return false
		}
	}
	return true
}

func notInName(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }

func hasWord(text, word string) bool {
	for rest := text; ; {
		at := strings.Index(rest, word)
		if at < 0 {
			return false
		}
		before, after := rest[:at], rest[at+len(word):]
		if !endsInName(before) && !beginsInName(after) {
			return true
		}
		rest = rest[at+1:]
	}
}

func endsInName(s string) bool   { return s != "" && !notInName(rune(s[len(s)-1])) }
func beginsInName(s string) bool { return s != "" && !notInName(rune(s[0])) }
