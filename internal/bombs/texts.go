package bombs

import (
	"encoding/json"
	"strings"
)

// repeat is a text that is as large as a document may be.
func repeat(text string) string { return strings.Repeat(text, (most-200)/len(text)) }

func texts() []Bomb {
	return []Bomb{
		{Name: "a document that is too large", Query: "{whoami}" + strings.Repeat(" ", 96<<10), Code: tooLarge},
		{Name: "a comment that is too large", Query: "{whoami}#" + strings.Repeat("x", 96<<10), Code: tooLarge},
		{Name: "a comment as large as may be, before nothing", Query: "#" + repeat("{"), Code: noName},
		{Name: "commas", Query: repeat(",") + "{nothing}", Code: invalid},
		{Name: "byte order marks", Query: repeat("\ufeff") + "{nothing}", Code: invalid},
		{Name: "a field with a huge name", Query: "{" + repeat("a") + "}", Code: invalid},
		{Name: "a type with a huge name", Query: "query($a:" + repeat("a") + "){whoami}", Code: invalid},
		{Name: "an enum value with a huge name", Query: "{hello(name:" + repeat("a") + ")}", Code: invalid},
		{Name: "an alias with a huge name", Query: "{" + repeat("a") + ":nothing}", Code: invalid},
		{Name: "many fields with large names", Query: "{tree{" + each(300, numbered(" f#"+strings.Repeat("x", 280))) + "}}", Code: invalid},
		{Name: "a list of names that are parts of another", Query: "{hello(name:[" + strings.Repeat("a ", 900) + "])}#" + strings.Repeat("a", most-3000), Code: invalid},
		{Name: "a comment of all names there are, beside errors", Query: "{tree{" + each(300, numbered(" f#")) + "}}#" + each(14000, numbered(" n#")), Code: invalid},
		{Name: "a huge string", Query: `{nothing(a:"` + repeat("a") + `")}`, Code: invalid},
		{Name: "a string of escapes", Query: `{nothing(a:"` + strings.Repeat(`\u0041`, 9000) + `")}`, Code: invalid},
		{Name: "an escape that does not end", Query: `{hello(name:"` + strings.Repeat(`\\`, 30000) + `\`, Code: parse},
		{Name: "a block string of lines", Query: `{nothing(a:"""` + strings.Repeat("\n x", 20000) + `""")}`, Code: invalid},
		{Name: "a block string of quotes", Query: `{nothing(a:"""` + strings.Repeat(`"" `, 15000) + `x""")}`, Code: invalid},
		{Name: "a block string that does not end", Query: `{nothing(a:"""` + strings.Repeat(`\"""`, 10000), Code: parse},
		{Name: "a string that does not end", Query: `{nothing(a:"` + repeat("{"), Code: parse},
		{Name: "a number with thousands of digits", Query: "{plants(first:" + repeat("9") + "){name}}", Code: tooLarge},
		{Name: "a fraction with thousands of digits", Query: "{plants(first:0." + repeat("9") + "){name}}", Code: tooLarge},
		{Name: "control characters", Query: "{whoami" + strings.Repeat("\u007f", 30000) + "}", Code: parse},
		{Name: "points", Query: "{" + repeat("...") + "}", Code: parse},
		{Name: "dollars", Query: "query(" + repeat("$") + "){whoami}", Code: parse},
	}
}

// takes is an operation with a variable.
const takes = "query($a:String){hello(name:$a)}"

func variable(value any) map[string]any { return map[string]any{"a": value} }

// nestedList is a list in lists.
func nestedList(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

func nestedObject(n int) any {
	var v any = 1
	for range n {
		v = map[string]any{"a": v}
	}
	return v
}

func values() []Bomb {
	members := make(map[string]any)
	for i := range 1500 {
		members[numbered("m#")(i)] = i
	}
	return []Bomb{
		{Name: "a huge variable", Query: takes, Variables: variable(strings.Repeat("x", 40<<10)), Code: tooLarge},
		{Name: "a huge variable that nobody defines", Query: "{whoami}", Variables: variable(strings.Repeat("x", 40<<10)), Code: tooLarge},
		{Name: "a variable with a huge name", Query: takes, Variables: map[string]any{strings.Repeat("x", 40<<10): 1}, Code: tooLarge},
		{Name: "thousands of variables in the request", Query: takes, Variables: members, Code: tooLarge},
		{Name: "a variable that is a long list", Query: takes, Variables: variable(make([]any, 2000)), Code: tooLarge},
		{Name: "a variable that is a list of lists", Query: takes, Variables: variable([]any{make([]any, 600), make([]any, 600)}), Code: tooLarge},
		{Name: "a variable of lists that nest", Query: takes, Variables: variable(nestedList(5000)), Code: tooLarge},
		{Name: "a variable of objects that nest", Query: takes, Variables: variable(nestedObject(5000)), Code: tooLarge},
		{Name: "a variable that is a long number", Query: takes, Variables: variable(json.Number(strings.Repeat("9", 1000))), Code: tooLarge},
		{Name: "a variable of another kind, with long names", Query: takes, Variables: variable(map[string]any{strings.Repeat("a ", 8000): 1}), Code: badInput},
		{Name: "an operation with a huge name", Query: "{whoami}", Operation: strings.Repeat("x", 60<<10), Code: tooLarge},
	}
}
