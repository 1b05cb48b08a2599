package operation

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/policy"
)

// A tracker sees what the fields of one execution give, and notes keys of package live. What it calls is
// called concurrently.
type tracker struct {
	schema *policy.Schema
	root   string // the type of root fields

	field  func(fc *graphql.FieldContext)                  // sees each root field; may be nil
	object func(fc *graphql.FieldContext, name, id string) // sees each object with an id
	absent func(types []string)                            // sees that there is none, of any of these types; may be nil

	mu   sync.Mutex // guards keys
	keys map[string]struct{}
}

func newTracker(schema *policy.Schema, root string) *tracker {
	return &tracker{schema: schema, root: root, keys: make(map[string]struct{})}
}

// middleware is the resolver middleware that sees the value of every field, selected in full or not.
func (t *tracker) middleware(ctx context.Context, next graphql.Resolver) (any, error) {
	value, err := next(ctx)
	fc := graphql.GetFieldContext(ctx)
	if fc.Field.Definition == nil {
		return value, err
	}
	if t.field != nil && isRootField(fc, t.root) {
		t.field(fc)
	}
	if names := t.schema.Identified(fc.Field.Definition.Type.Name()); len(names) > 0 && err == nil {
		t.value(fc, names, reflect.ValueOf(value))
	}
	return value, err
}

// rootOf is the root field that a field stands below.
func rootOf(fc *graphql.FieldContext) *graphql.FieldContext {
	for fc.Parent != nil && fc.Parent.Parent != nil {
		fc = fc.Parent
	}
	return fc
}

// isRootField reports whether a field is one of the root type, at the root.
func isRootField(fc *graphql.FieldContext, root string) bool {
	return fc.Object == root && (fc.Parent == nil || fc.Parent.Parent == nil)
}

func (t *tracker) add(keys ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, key := range keys {
		t.keys[key] = struct{}{}
	}
}

// list returns the keys up to now.
func (t *tracker) list() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]string, 0, len(t.keys))
	for key := range t.keys {
		list = append(list, key)
	}
	return list
}

// value sees the objects of a field's value, or that there is none.
func (t *tracker) value(fc *graphql.FieldContext, types []string, v reflect.Value) {
	for v.IsValid() && (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) {
		if v.IsNil() {
			break
		}
		v = v.Elem()
	}
	switch {
	case !v.IsValid(), v.Kind() == reflect.Pointer, v.Kind() == reflect.Interface: // null
		if t.absent != nil {
			t.absent(types)
		}
	case v.Kind() == reflect.Slice, v.Kind() == reflect.Array:
		for i := range v.Len() {
			t.value(fc, types, v.Index(i))
		}
	default:
		id, ok := idOf(v)
		if !ok {
			return
		}
		for _, name := range typesOf(types, v.Type()) {
			t.object(fc, name, id)
		}
	}
}

// typesOf are the types that a Go value of an interface or union can be: the one that its Go type is
// called by, as gqlgen has it, or any.
func typesOf(types []string, of reflect.Type) []string {
	for i, name := range types {
		if name == of.Name() {
			return types[i : i+1]
		}
	}
	return types
}

// idFields are the places of the field ID, by type; nil: there is none.
var idFields sync.Map

// idOf returns the id of an object as gqlgen finds it: from a method, or in the field of this name, in
// upper or lower case.
func idOf(v reflect.Value) (string, bool) {
	for _, of := range []reflect.Value{v, addressOf(v)} {
		if named, ok := of.Interface().(interface{ ID() string }); ok {
			return named.ID(), true
		}
	}
	if v.Kind() != reflect.Struct {
		return "", false
	}
	found, ok := idFields.Load(v.Type())
	if !ok {
		field, has := v.Type().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, "id") })
		var index []int
		if has && field.IsExported() {
			index = field.Index
		}
		found, _ = idFields.LoadOrStore(v.Type(), index)
	}
	index := found.([]int)
	if index == nil {
		return "", false
	}
	field, err := v.FieldByIndexErr(index)
	if err != nil { // it is promoted from what is embedded and nil
		return "", false
	}
	return idText(field)
}

// addressOf is a pointer to a value, if it can be had, or else the value.
func addressOf(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v.Addr()
	}
	return v
}

func idText(v reflect.Value) (string, bool) {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "", false
		}
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.String:
		return v.String(), true
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), true
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), true
	}
	if text, ok := v.Interface().(fmt.Stringer); ok {
		return text.String(), true
	}
	return "", false
}

// rootArguments are the arguments of a root field that are not null, those with defaults too, as JSON
// with its keys in order.
func rootArguments(args map[string]any) string {
	given := make(map[string]json.RawMessage, len(args))
	for name, value := range args {
		if text, err := json.Marshal(value); err == nil && string(text) != "null" {
			given[name] = text
		}
	}
	text, _ := json.Marshal(given) // of texts that are JSON
	return string(text)
}
