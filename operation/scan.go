package operation

import "strings"

// An outline is what can be told of a document's text in one pass, before it is parsed: parsers
// recurse where text nests. Of text that is no GraphQL it says nothing in particular.
type outline struct {
	nesting    int // of braces, brackets and parentheses, all together
	directives int // that stand somewhere
	digits     int // bytes of the longest number
}

// scan reads the outline of a document, as its lexer would: outside of comments and strings.
func scan(text string) outline {
	var o outline
	depth := 0
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '#':
			i += lengthOfComment(text[i:])
		case c == '"':
			i += lengthOfString(text[i:])
		case nameStart(c):
			i += lengthOfName(text[i:])
		case c == '-' || digit(c):
			n := lengthOfNumber(text[i:])
			o.digits = max(o.digits, n)
			i += n
		default:
			switch c {
			case '{', '[', '(':
				depth++
				o.nesting = max(o.nesting, depth)
			case '}', ']', ')':
				depth--
			case '@':
				o.directives++
			}
			i++
		}
	}
	return o
}

func lengthOfComment(text string) int {
	if end := strings.IndexAny(text, "\r\n"); end >= 0 {
		return end
	}
	return len(text)
}

// lengthOfString is that of a string, or of a block string, with its quotes.
func lengthOfString(text string) int {
	if strings.HasPrefix(text, `"""`) {
		return lengthOfBlock(text)
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// lengthOfBlock is that of a block string. Of more than three quotes in a row the last three end it.
func lengthOfBlock(text string) int {
	for i := 3; i < len(text); {
		rest := text[i:]
		switch {
		case strings.HasPrefix(rest, `\"""`):
			i += 4
		case strings.HasPrefix(rest, `"""`):
			return i + len(rest) - len(strings.TrimLeft(rest, `"`))
		default:
			i++
		}
	}
	return len(text)
}

func lengthOfName(text string) int {
	for i := range len(text) {
		if !nameStart(text[i]) && !digit(text[i]) {
			return i
		}
	}
	return len(text)
}

func lengthOfNumber(text string) int {
	i := 1 // the sign, or the first digit
	i += digits(text[i:])
	if strings.HasPrefix(text[i:], ".") {
		i++
		i += digits(text[i:])
	}
	if exponent := text[i:]; strings.HasPrefix(exponent, "e") || strings.HasPrefix(exponent, "E") {
		i++
		if sign := text[i:]; strings.HasPrefix(sign, "+") || strings.HasPrefix(sign, "-") {
			i++
		}
		i += digits(text[i:])
	}
	return i
}

// digits counts those that a text begins with.
func digits(text string) int {
	for i := range len(text) {
		if !digit(text[i]) {
			return i
		}
	}
	return len(text)
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func nameStart(c byte) bool { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
