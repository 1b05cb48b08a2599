package policy

import (
	"encoding/json"
	"fmt"
	"strconv"

	"cel.dev/cel-go/common/types"
	"github.com/vektah/gqlparser/v2/ast"
)

// value is an argument as resolvers will see it: GraphQL reads 42 as the ID "42", 1 as the Float
// 1.0, one value as a list of one, and puts defaults into input objects. A rule that saw anything else
// could be got round.
func (r *rule) value(v any, t *ast.Type) any {
	switch {
	case v == nil:
		return types.NullValue
	case t.Elem != nil:
		return r.list(v, t.Elem)
	}
	switch t.NamedType {
	case "String", "ID":
		return text(v)
	case "Float":
		return number(v, true)
	}
	def := r.schema.Types[t.NamedType]
	if members, ok := v.(map[string]any); ok && def != nil && def.Kind == ast.InputObject {
		return r.object(members, def)
	}
	return scalar(v)
}

func (r *rule) list(v any, of *ast.Type) any {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	values := make([]any, len(list))
	for i, element := range list {
		values[i] = r.value(element, of)
	}
	return values
}

func (r *rule) object(given map[string]any, def *ast.Definition) any {
	members := make(map[string]any, len(given))
	for _, field := range def.Fields {
		v, ok := given[field.Name]
		if !ok && field.DefaultValue != nil {
			standard, err := field.DefaultValue.Value(nil)
			v, ok = standard, err == nil
		}
		if ok {
			members[field.Name] = r.value(v, field.Type)
		}
	}
	return members
}

// scalar is a value of a type that only its resolvers understand.
func scalar(v any) any {
	switch v := v.(type) {
	case []any:
		values := make([]any, len(v))
		for i, element := range v {
			values[i] = scalar(element)
		}
		return values
	case map[string]any:
		members := make(map[string]any, len(v))
		for name, member := range v {
			members[name] = scalar(member)
		}
		return members
	case nil:
		return types.NullValue
	}
	return number(v, false)
}

func text(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case int64:
		return strconv.FormatInt(v, 10)
	case int:
		return strconv.Itoa(v)
	}
	return v
}

// number makes an int of what is whole, unless a float is wanted, and a double of any other number.
// What is no number stays as it is.
func number(v any, float bool) any {
	switch n := v.(type) {
	case json.Number:
		if i, err := n.Int64(); err == nil && !float {
			return i
		}
		f, err := n.Float64()
		if err != nil {
			return types.NewErr("the number is out of range")
		}
		return f
	case int64:
		if float {
			return float64(n)
		}
	case int:
		return number(int64(n), float)
	}
	return v
}

// Arguments are the values of a field's arguments, with defaults. The error is for the client: a
// number that fits no type.
func Arguments(field *ast.Field, variables map[string]any) (args map[string]any, err error) {
	defer func() { // gqlparser panics on a literal that it cannot convert
		if v := recover(); v != nil {
			args, err = nil, fmt.Errorf("a value of %q is out of range", field.Alias)
		}
	}()
	return field.ArgumentMap(variables), nil
}
