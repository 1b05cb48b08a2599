package policy

import (
	"regexp"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// compileSnapshot reads which field of Query gives what stands before the events of a @topic.
func compileSnapshot(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition, d *ast.Directive) (string, error) {
	a := d.Arguments.ForName("snapshot")
	if a == nil || a.Value.Kind == ast.NullValue {
		return "", nil
	}
	name := a.Value.Raw
	if schema.Query == nil || schema.Query.Fields.ForName(name) == nil {
		return "", complain(d, def, field, "snapshot: there is no Query.%s", name)
	}
	of := schema.Query.Fields.ForName(name)
	if of.Type.Name() != field.Type.Name() || (of.Type.Elem == nil) != (field.Type.Elem == nil) {
		return "", complain(d, def, field, "snapshot: Query.%s is of type %s and must be of the field's own, %s; it may be null where there is no value yet", name, of.Type, field.Type)
	}
	for _, arg := range of.Arguments {
		own := field.Arguments.ForName(arg.Name)
		switch {
		case own == nil && arg.Type.NonNull && arg.DefaultValue == nil:
			return "", complain(d, def, field, "snapshot: Query.%s needs the argument %s, which the field does not have", name, arg.Name)
		case own != nil && own.Type.String() != arg.Type.String():
			return "", complain(d, def, field, "snapshot: the argument %s of Query.%s is of type %s and must be of the field's own, %s", arg.Name, name, arg.Type, own.Type)
		}
	}
	if d.Arguments.ForName("retain") == nil {
		return "", complain(d, def, field, "snapshot needs retain: what came while the snapshot was made is read from the log")
	}
	return name, nil
}

// Snapshot writes the query that gives what stands before the events of a subscription: its root field is the
// one of Query that @topic(snapshot:) names, under the same key and with the same selection. It has those
// variables of the subscription that it needs. Without a snapshot it is empty.
func (o *Operation) Snapshot(def *ast.OperationDefinition, fragments ast.FragmentDefinitionList, schema *ast.Schema) string {
	if o.field == nil || o.field.Snapshot == "" {
		return ""
	}
	of := schema.Query.Fields.ForName(o.field.Snapshot)
	query := &ast.OperationDefinition{Operation: ast.Query, Name: def.Name, SelectionSet: asQuery(def.SelectionSet, of)}
	var used ast.FragmentDefinitionList
	spreads(query.SelectionSet, func(f *ast.FragmentDefinition) bool {
		if slices.Contains(used, f) {
			return false
		}
		used = append(used, f)
		return true
	})
	var text strings.Builder
	format(&text, query, used)
	for _, v := range def.VariableDefinitions {
		if found, _ := regexp.MatchString(`\$`+v.Variable+`\b`, text.String()); found {
			query.VariableDefinitions = append(query.VariableDefinitions, v)
		}
	}
	text.Reset()
	format(&text, query, used)
	return text.String()
}

// asQuery are the root fields of a selection, through its fragments, as another field.
func asQuery(selected ast.SelectionSet, of *ast.FieldDefinition) (fields ast.SelectionSet) {
	for _, s := range selected {
		switch s := s.(type) {
		case *ast.Field:
			field := *s
			field.Name, field.Definition = of.Name, of
			field.Arguments = slices.DeleteFunc(slices.Clone(s.Arguments), func(a *ast.Argument) bool { return of.Arguments.ForName(a.Name) == nil })
			fields = append(fields, &field)
		case *ast.InlineFragment:
			fields = append(fields, asQuery(s.SelectionSet, of)...)
		case *ast.FragmentSpread:
			fields = append(fields, asQuery(s.Definition.SelectionSet, of)...)
		}
	}
	return fields
}

// spreads visits the fragments below a selection; below one of them only where visit says so.
func spreads(selected ast.SelectionSet, visit func(*ast.FragmentDefinition) bool) {
	for _, s := range selected {
		switch s := s.(type) {
		case *ast.Field:
			spreads(s.SelectionSet, visit)
		case *ast.InlineFragment:
			spreads(s.SelectionSet, visit)
		case *ast.FragmentSpread:
			if visit(s.Definition) {
				spreads(s.Definition.SelectionSet, visit)
			}
		}
	}
}
