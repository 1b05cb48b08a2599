// Package policy reads what the schema's directives say about an operation.
//
// The schema is compiled once, at the start, and every document once, when it is first seen. The
// package decides nothing: who enforces a policy asks for it here. It starts no goroutine, does no
// I/O, and everything it returns is read-only and safe for concurrent use.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/pubsub"
)

// A Schema is what the directives of one GraphQL schema say.
type Schema struct {
	ast     *ast.Schema
	fields  map[*ast.FieldDefinition]*Field
	private map[string]bool // object types whose every use is private
	topics  []pubsub.Template
}

// A Field is what the directives of one field say. A field without directives has none.
type Field struct {
	Private bool              // @private: the result depends on the viewer
	Topic   *pubsub.Template  // @topic: the events that feed the field
	Publish []pubsub.Template // @publish: where the field's result goes
}

// Viewer placeholders that a topic of a private field may have.
const (
	viewerConsumer = "viewer.consumer"
	viewerSubject  = "viewer.subject"
)

// OfViewer gives the value of a placeholder that stands for the caller; false for any other name.
func OfViewer(placeholder string, v *auth.Viewer) (string, bool) {
	switch placeholder {
	case viewerConsumer:
		return v.Consumer, true
	case viewerSubject:
		return v.Subject, true
	}
	return "", false
}

// Compile reads a schema's directives. Its error joins everything that contradicts itself, each
// with file and line.
func Compile(schema *ast.Schema) (*Schema, error) {
	s := &Schema{
		ast:     schema,
		fields:  make(map[*ast.FieldDefinition]*Field),
		private: make(map[string]bool),
	}
	var bad []error
	for _, name := range sortedNames(schema.Types) {
		def := schema.Types[name]
		if def.Kind == ast.Object && def.Directives.ForName("private") != nil {
			s.private[def.Name] = true
		}
		for _, field := range def.Fields {
			f, err := compileField(schema, def, field)
			if err != nil {
				bad = append(bad, err)
			}
			if f == nil {
				continue
			}
			s.fields[field] = f
			if f.Topic != nil {
				s.topics = append(s.topics, *f.Topic)
			}
		}
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	return s, nil
}

func sortedNames(types map[string]*ast.Definition) []string {
	names := make([]string, 0, len(types))
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func compileField(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition) (*Field, error) {
	f := &Field{Private: field.Directives.ForName("private") != nil}
	var bad []error
	if d := field.Directives.ForName("topic"); d != nil {
		t, err := compileTopic(schema, def, field, d, f.Private)
		if err != nil {
			bad = append(bad, err)
		} else {
			f.Topic = &t
		}
	}
	for _, d := range field.Directives.ForNames("publish") {
		t, err := compilePublish(schema, def, field, d)
		if err != nil {
			bad = append(bad, err)
		} else {
			f.Publish = append(f.Publish, t)
		}
	}
	if len(bad) > 0 {
		return nil, errors.Join(bad...)
	}
	if !f.Private && f.Topic == nil && f.Publish == nil {
		return nil, nil
	}
	return f, nil
}

// complain says what is wrong with a directive, and where.
func complain(d *ast.Directive, def *ast.Definition, field *ast.FieldDefinition, format string, args ...any) error {
	where := ""
	if p := d.Position; p != nil && p.Src != nil {
		where = fmt.Sprintf("%s:%d: ", p.Src.Name, p.Line)
	}
	return fmt.Errorf("%s@%s on %s.%s: %s", where, d.Name, def.Name, field.Name, fmt.Sprintf(format, args...))
}

func argument(d *ast.Directive, name string) string {
	if a := d.Arguments.ForName(name); a != nil && a.Value != nil {
		return a.Value.Raw
	}
	return ""
}

// compileTopic checks that each placeholder of a topic is an argument of its field, of a type that
// names a topic, and that only the last one may be left out.
func compileTopic(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition, d *ast.Directive, private bool) (pubsub.Template, error) {
	t, err := pubsub.ParseTemplate(argument(d, "name"))
	if err != nil {
		return t, complain(d, def, field, "%v", err)
	}
	if def != schema.Subscription {
		return t, complain(d, def, field, "only a field of the subscription type is fed by a topic")
	}
	for _, name := range t.Names() {
		if strings.HasPrefix(name, "viewer.") {
			switch {
			case name != viewerConsumer && name != viewerSubject:
				return t, complain(d, def, field, "there is no {%s}; write {%s} or {%s}", name, viewerSubject, viewerConsumer)
			case !private:
				return t, complain(d, def, field, "{%s} needs @private: the events depend on the viewer", name)
			}
			continue
		}
		arg := field.Arguments.ForName(name)
		if arg == nil {
			return t, complain(d, def, field, "{%s} is no argument of the field", name)
		}
		if !namesTopic(schema, arg.Type) {
			return t, complain(d, def, field, "{%s} is of type %s; a scalar, an enum, or a list of them can name a topic", name, arg.Type)
		}
		if !arg.Type.NonNull && arg.DefaultValue == nil && !strings.HasSuffix(t.String(), ".{"+name+"}") {
			return t, complain(d, def, field, "{%s} may be null, which names every topic: it must be the last segment", name)
		}
	}
	return t, nil
}

func namesTopic(schema *ast.Schema, t *ast.Type) bool {
	if t.Elem != nil {
		t = t.Elem
	}
	def := schema.Types[t.NamedType]
	return t.Elem == nil && def != nil && (def.Kind == ast.Scalar || def.Kind == ast.Enum)
}

// compilePublish checks that each placeholder of a topic is a field of the mutation's result.
func compilePublish(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition, d *ast.Directive) (pubsub.Template, error) {
	t, err := pubsub.ParseTemplate(argument(d, "topic"))
	if err != nil {
		return t, complain(d, def, field, "%v", err)
	}
	if def != schema.Mutation {
		return t, complain(d, def, field, "only the result of a mutation is published")
	}
	result := schema.Types[field.Type.Name()]
	for _, name := range t.Names() {
		of := result.Fields.ForName(name)
		if of == nil {
			return t, complain(d, def, field, "{%s} is no field of the result %s", name, result.Name)
		}
		if !namesTopic(schema, of.Type) {
			return t, complain(d, def, field, "{%s} is of type %s, which cannot name a topic", name, of.Type)
		}
	}
	return t, nil
}

// Feeds reports whether events of a topic can reach a field of the schema.
func (s *Schema) Feeds(topic string) bool {
	return slices.ContainsFunc(s.topics, func(t pubsub.Template) bool { return t.Match(topic) })
}

// Topics are the templates of every topic that feeds a field, in the order of their fields.
func (s *Schema) Topics() []string {
	names := make([]string, len(s.topics))
	for i, t := range s.topics {
		names[i] = t.String()
	}
	return names
}
