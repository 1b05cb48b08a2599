// Package bombs holds requests that try to make a gateway work or remember too much. All are for the
// schema of package testschema, and each has one code by which it must be refused under the default
// limits, whatever transport it comes by. The package is for tests.
package bombs

import (
	"fmt"
	"strings"
)

// A Bomb is a hostile request.
type Bomb struct {
	Name      string
	Query     string
	Operation string
	Variables map[string]any
	Code      string // by which it must be refused
}

// The codes of refusals, as the protocol has them.
const (
	parse      = "GRAPHQL_PARSE_FAILED"
	invalid    = "GRAPHQL_VALIDATION_FAILED"
	badInput   = "BAD_USER_INPUT"
	noName     = "OPERATION_RESOLUTION_FAILURE"
	tokens     = "TOKEN_LIMIT"
	tooLarge   = "QUERY_TOO_LARGE"
	depth      = "DEPTH_LIMIT"
	aliases    = "ALIAS_LIMIT"
	rootFields = "ROOT_FIELD_LIMIT"
	directives = "DIRECTIVE_LIMIT"
	cost       = "COST_LIMIT"
	hidden     = "INTROSPECTION_DISABLED"
)

// most is nearly the size of the largest document.
const most = 96<<10 - 100

// All makes every bomb.
func All() []Bomb {
	var all []Bomb
	for _, kind := range [][]Bomb{nested(), fragments(), floods(), overlaps(), expensive(), texts(), values()} {
		all = append(all, kind...)
	}
	return all
}

// each joins n texts.
func each(n int, text func(i int) string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(text(i))
	}
	return b.String()
}

// always is a text that has no number in it, for each.
func always(text string) func(int) string { return func(int) string { return text } }

// numbered is a text with a number in it, for each.
func numbered(format string) func(int) string {
	return func(i int) string { return strings.ReplaceAll(format, "#", fmt.Sprint(i)) }
}

// in puts a text into n pairs of others.
func in(n int, before, text, after string) string {
	return strings.Repeat(before, n) + text + strings.Repeat(after, n)
}

func nested() []Bomb {
	return []Bomb{
		{Name: "fields 11 deep", Query: "{tree" + in(10, "{parent", "{name}", "}") + "}", Code: depth},
		{Name: "fields 90 deep", Query: "{tree" + in(89, "{parent", "{name}", "}") + "}", Code: depth},
		{Name: "fields that nest as deep as the text is long", Query: strings.Repeat("{a", most/2), Code: depth},
		{Name: "fields that nest and are closed", Query: in(most/3, "{a", "", "}"), Code: depth},
		{Name: "depth by inline fragments", Query: "{tree" + in(11, "{... on Tree{parent", "{name}", "}}") + "}", Code: depth},
		{Name: "inline fragments that nest, in one field", Query: "{tree" + in(120, "{...", "{name}", "}") + "}", Code: depth},
		{Name: "depth by fragments", Query: "{tree{...f0}}" + each(12, func(i int) string {
			return fmt.Sprintf(" fragment f%d on Tree{parent{...f%d}}", i, i+1)
		}) + " fragment f12 on Tree{name}", Code: depth},
		{Name: "lists that nest in an argument", Query: "{hello(name:" + in(200, "[", "1", "]") + ")}", Code: depth},
		{Name: "lists that nest as deep as the text is long", Query: "{hello(name:" + strings.Repeat("[", most), Code: depth},
		{Name: "objects that nest in an argument", Query: "{hello(name:" + in(150, "{a:", "1", "}") + ")}", Code: depth},
		{Name: "types of lists that nest", Query: "query($a:" + in(300, "[", "Int", "]") + "){whoami}", Code: depth},
		{Name: "default values that nest", Query: "query($a:Int=" + in(300, "[", "1", "]") + "){whoami}", Code: depth},
		{Name: "parentheses that never close", Query: "{hello" + strings.Repeat("(", most), Code: depth},
		{Name: "brackets that close more than they open", Query: "{hello" + strings.Repeat("]", most), Code: parse},
	}
}

// tower is a fragment that spreads another n times, which spreads another n times, and so on.
func tower(height, n int, on, bottom string) string {
	return each(height, func(i int) string {
		return fmt.Sprintf(" fragment f%d on %s{%s}", i, on, each(n, always(fmt.Sprintf(" ...f%d", i+1))))
	}) + fmt.Sprintf(" fragment f%d on %s{%s}", height, on, bottom)
}

func fragments() []Bomb {
	return []Bomb{
		{Name: "a tower of fragments, each twice in the one above", Query: "{tree{...f0}}" + tower(90, 2, "Tree", "parent{name}"), Code: cost},
		{Name: "a tower of fragments, each 30 times in the one above", Query: "{tree{...f0}}" + tower(14, 30, "Tree", "parent{name}"), Code: cost},
		{Name: "a tower that doubles aliases", Query: "{tree{...f0}}" + tower(90, 2, "Tree", "a:name"), Code: aliases},
		{Name: "a tower of fields", Query: "{tree{...f0}}" + each(9, func(i int) string {
			return fmt.Sprintf(" fragment f%d on Tree{parent{...f%d} dear{...f%d}}", i, i+1, i+1)
		}) + " fragment f9 on Tree{name}", Code: depth},
		{Name: "a tower of fields under the limit of depth", Query: "{tree{...f0}}" + each(8, func(i int) string {
			return fmt.Sprintf(" fragment f%d on Tree{parent{...f%d} dear{...f%d} any{...f%d}}", i, i+1, i+1, i+1)
		}) + " fragment f8 on Tree{name}", Code: cost},
		{Name: "a fragment that spreads itself", Query: "{tree{...f}} fragment f on Tree{...f}", Code: invalid},
		{Name: "a fragment that spreads itself in a field", Query: "{tree{...f}} fragment f on Tree{parent{...f}}", Code: invalid},
		{Name: "fragments that all spread all", Query: "{tree{...f0}}" + each(20, func(i int) string {
			return fmt.Sprintf(" fragment f%d on Tree{%s}", i, each(20, numbered("...f#")))
		}), Code: invalid},
		{Name: "fragments that all spread all in fields", Query: "{tree{...f0}}" + each(9, func(i int) string {
			return fmt.Sprintf(" fragment f%d on Tree{%s}", i, each(9, numbered("parent{...f#}")))
		}), Code: invalid},
		{Name: "a long cycle of fragments", Query: "{tree{...f0}}" + each(120, func(i int) string {
			return fmt.Sprintf(" fragment f%d on Tree{...f%d}", i, (i+1)%120)
		}), Code: invalid},
		{Name: "fragments that nobody spreads", Query: "{whoami}" + each(140, numbered(" fragment f# on Tree{name}")), Code: invalid},
		{Name: "many operations over a chain of fragments", Query: each(80, numbered(" query q#{...f0}")) + tower(60, 1, "Query", "whoami"), Code: noName},
		{Name: "spreads of fragments that are not there", Query: "{tree{" + each(490, numbered("...f#")) + "}}", Code: invalid},
	}
}

func floods() []Bomb {
	return []Bomb{
		{Name: "31 aliases", Query: "{tree{" + each(31, numbered(" a#:name")) + "}}", Code: aliases},
		{Name: "as many aliases as tokens", Query: "{" + each(331, numbered(" a#:whoami")) + "}", Code: aliases},
		{Name: "aliases in a subscription", Query: "subscription{grown{" + each(50, numbered(" a#:name")) + "}}", Code: aliases},
		{Name: "aliases of a mutation", Query: "mutation{" + each(50, numbered(` a#:say(room:"1",text:"x"){text}`)) + "}", Code: aliases},
		{Name: "21 root fields", Query: "{whoami " + each(20, numbered(" a#:whoami")) + "}", Code: rootFields},
		{Name: "as many root fields as tokens", Query: "{" + each(997, numbered(" f#")) + "}", Code: rootFields},
		{Name: "51 directives", Query: "{" + each(51, always("... @include(if:true){whoami}")) + "}", Code: directives},
		{Name: "as many directives as bytes", Query: "{whoami" + strings.Repeat("@a", most/2) + "}", Code: directives},
		{Name: "directives on variables", Query: "query(" + each(60, numbered("$a#:Int@a")) + "){whoami}", Code: directives},
		{Name: "thousands of fields", Query: "{" + each(5000, always(" whoami")) + "}", Code: tokens},
		{Name: "thousands of __typename", Query: "{" + each(8000, always(" __typename")) + "}", Code: tokens},
		{Name: "thousands of operations", Query: each(4000, numbered("query a#{whoami}")), Code: tokens},
		{Name: "thousands of fragments", Query: "{whoami}" + each(2500, numbered("fragment f# on Tree{name}")), Code: tokens},
		{Name: "thousands of variables", Query: "query(" + each(5000, numbered("$a#:Int ")) + "){whoami}", Code: tokens},
		{Name: "thousands of arguments", Query: "{hello(" + each(5000, numbered("a#:1 ")) + ")}", Code: tokens},
		{Name: "thousands of comments", Query: strings.Repeat("#\n", most/3) + "{whoami}", Code: tokens},
		{Name: "thousands of elements in a list", Query: "{hello(name:[" + strings.Repeat("1 ", most/2-20) + "])}", Code: tokens},
		{Name: "operations without names", Query: each(330, always("{whoami}")), Code: invalid},
		{Name: "operations of one name", Query: each(199, always("query a{whoami}")), Code: invalid},
		{Name: "variables that nobody uses", Query: "query(" + each(240, numbered("$a#:Int ")) + "){whoami}", Code: invalid},
		{Name: "variables that nobody defines", Query: "{tree{" + each(90, numbered(" offspring(first:$a#){name}")) + "}}", Code: invalid},
		{Name: "arguments that are not there", Query: "{hello(" + each(330, numbered("a#:1 ")) + ")}", Code: invalid},
		{Name: "fields that are not there", Query: "{tree{" + each(990, numbered(" f#")) + "}}", Code: invalid},
		{Name: "introspection of all there is", Query: "{" + each(8, always("__schema{types{name fields{name type{name}}}}")) + "}", Code: hidden},
		{Name: "introspection without end", Query: "{__schema{types" + in(20, "{fields{type", "{name}", "}}") + "}}", Code: invalid},
	}
}

func overlaps() []Bomb {
	return []Bomb{
		{Name: "one field with differing arguments", Query: "{tree{" + each(100, numbered(" offspring(first:#){name}")) + "}}", Code: invalid},
		{Name: "one plain field with differing arguments", Query: "{" + each(160, numbered(` hello(name:"#")`)) + "}", Code: invalid},
		{Name: "one response key for differing fields", Query: "{tree{" + each(30, func(i int) string { return " a:" + []string{"name", "__typename"}[i%2] }) + " a:parent{name}}}", Code: aliases},
		{Name: "fields that differ far below", Query: "{tree{" + each(60, numbered(" parent{parent{offspring(first:#){name}}}")) + "}}", Code: invalid},
		{Name: "fields that are equal and differ in the last", Query: "{tree{" + each(230, always(" parent{name}")) + " parent(a:1){name}}}", Code: invalid},
		{Name: "fields that multiply each other", Query: "{tree{" + each(5, always("parent{"+each(5, always("parent{"+each(5, always("parent{name}"))+"}"))+"}")) + " parent{parent{parent{x}}}}}", Code: invalid},
		{Name: "fragments that overlap each other", Query: "{tree{" + each(18, numbered("...f#")) + "}}" + each(18, func(i int) string {
			return fmt.Sprintf(" fragment f%d on Tree{%s}", i, each(4, always(fmt.Sprintf("offspring(first:%d){name}", i))))
		}), Code: invalid},
	}
}

func expensive() []Bomb {
	return []Bomb{
		{Name: "lists in lists", Query: "{plants(first:100){offspring(first:100){offspring(first:100){name}}}}", Code: cost},
		{Name: "lists in lists of no stated length", Query: "{tree{rows{rows{parent{name}}}}}", Code: cost},
		{Name: "a connection of everything", Query: "{tree{forest(first:2147483647){edges{node{name}}}}}", Code: cost},
		{Name: "a length that is no 64-bit number", Query: "{tree{bushes(limit:99999999999999999999999){berries{name}}}}", Code: invalid},
		{Name: "a length from a variable", Query: "query($n:Int){plants(first:$n){parent{name}}}", Variables: map[string]any{"n": 1 << 30}, Code: cost},
		{Name: "a length from a variable that is text", Query: "query($n:Int){plants(first:$n){parent{name}}}", Variables: map[string]any{"n": "1000000"}, Code: cost},
		{Name: "a length from a variable's default", Query: "query($n:Int=5000){plants(first:$n){parent{name}}}", Code: cost},
		{Name: "the dearest of the possible types", Query: "{plants(first:80){... on Bush{berries{dear{dear{name}}}} name}}", Code: cost},
		{Name: "many times the same", Query: "{tree{" + each(150, always(" dear{name}")) + "}}", Code: cost},
		{Name: "an expensive event", Query: "subscription{grown{offspring(first:50){offspring(first:50){parent{name}}}}}", Code: cost},
	}
}
