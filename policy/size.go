package policy

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
)

// A size is how long a list may be by the arguments of its field: the largest of them.
type size struct {
	stated    int64 // the largest that stands in the document or, where an argument is left out, in the schema
	variables []sizeVariable
	standard  int64 // where none says more than 0: what the resolver makes of that is its own
}

// A sizeVariable is a variable that stands for such an argument.
type sizeVariable struct {
	name      string
	otherwise int64 // the argument's default, for when the variable is left out
}

// sizeOf reads the size that a selection of a field gives to lists.
func sizeOf(field *ast.Field, c fieldCost, standard int64) size {
	s := size{standard: standard}
	for _, def := range c.sizes {
		arg := field.Arguments.ForName(def.Name)
		switch {
		case arg == nil:
			s.stated = max(s.stated, literal(def.DefaultValue))
		case arg.Value.Kind == ast.Variable:
			s.variables = append(s.variables, sizeVariable{arg.Value.Raw, literal(def.DefaultValue)})
		default:
			s.stated = max(s.stated, literal(arg.Value))
		}
	}
	return s
}

func (s size) equal(other size) bool {
	return s.stated == other.stated && s.standard == other.standard && slices.Equal(s.variables, other.variables)
}

func (s size) with(variables map[string]any) int64 {
	largest := s.stated
	for _, v := range s.variables {
		value, given := variables[v.name]
		if !given {
			largest = max(largest, v.otherwise)
			continue
		}
		largest = max(largest, whole(value))
	}
	if largest < 1 {
		return s.standard
	}
	return largest
}

// literal is a number as a document or a schema writes it; 0 for what is none.
func literal(v *ast.Value) int64 {
	if v == nil {
		return 0
	}
	switch v.Kind {
	case ast.IntValue, ast.FloatValue, ast.StringValue, ast.BlockValue:
		return digits(v.Raw)
	}
	return 0
}

// whole is a number as variables hold it; 0 for what is none. A string counts: resolvers read "5"
// as the Int 5.
func whole(value any) int64 {
	switch n := value.(type) {
	case int64:
		return n
	case int:
		return int64(n)
	case float64:
		return rounded(n)
	case json.Number:
		return digits(string(n))
	case string:
		return digits(n)
	}
	return 0
}

func digits(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) { // then n is the nearest there is
		return n
	}
	f, _ := strconv.ParseFloat(text, 64)
	return rounded(f)
}

// rounded rounds up.
func rounded(f float64) int64 {
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f > 0:
		return int64(math.Ceil(f))
	}
	return 0
}
