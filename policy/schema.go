// Package policy reads what the schema's directives say about an operation.
//
// The schema is compiled once, at the start, and every document once, when it is first seen. What a
// viewer lacks for an operation is told here; who refuses it is package operation. The package is
// the home of CEL. It starts no goroutine, does no I/O, and everything it returns is read-only and
// safe for concurrent use.
package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/pubsub"
)

// A Schema is what the directives of one GraphQL schema say.
type Schema struct {
	ast     *ast.Schema
	objects map[string]*object // object types, by name
	sets    map[string]set     // the object types that each composite type stands for
	topics  []pubsub.Template
	kept    []kept // @topic(retain:)
	// identified are the object types with an id that each composite type stands for.
	identified map[string][]string

	listSize int64 // see WithListSize
}

// A Field is what the directives of one field say. A field without directives has none.
type Field struct {
	Private bool             // @private: the result depends on the viewer
	Topic   *pubsub.Template // @topic: the events that feed the field
	Retain  time.Duration    // @topic(retain:): how long its events can be read again; 0: not at all
	// Snapshot is the field of Query whose result stands before the events, @topic(snapshot:); empty: none does.
	Snapshot string
	Publish  []pubsub.Template // @publish: where the field's result goes
	Budget   limits.Budget     // @budget: how much a consumer may have
	Poll     time.Duration     // @poll: how often a live query asks again; 0: only when something changes
	// Invalidates are the keys of what has changed, @invalidates, of a mutation's result or a topic's event.
	Invalidates []KeyTemplate
	// Backpressure is what @backpressure says of slow subscribers.
	Backpressure Backpressure

	needs []*need   // @auth, of the field and its type; all must be met
	cost  fieldCost // @cost
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

// A compiler reads the directives where they stand, before what types inherit is put together.
type compiler struct {
	schema     *ast.Schema
	fields     map[*ast.FieldDefinition]*Field
	fieldNeeds map[*ast.FieldDefinition][]*need
	defNeeds   map[string][]*need // of types and interfaces, by name
	bad        []error
}

// Compile reads a schema's directives. Its error joins everything that contradicts itself, each
// with file and line.
func Compile(schema *ast.Schema) (*Schema, error) {
	c := &compiler{
		schema:     schema,
		fields:     make(map[*ast.FieldDefinition]*Field),
		fieldNeeds: make(map[*ast.FieldDefinition][]*need),
		defNeeds:   make(map[string][]*need),
	}
	names := sortedNames(schema.Types)
	for _, name := range names {
		c.read(schema.Types[name])
	}
	for _, name := range names {
		for _, field := range schema.Types[name].Fields {
			c.complain(c.checkPublic(schema.Types[name], field))
		}
	}
	if len(c.bad) > 0 {
		return nil, errors.Join(c.bad...)
	}
	s := &Schema{ast: schema, objects: make(map[string]*object), sets: make(map[string]set), identified: make(map[string][]string), listSize: defaultListSize}
	for _, name := range names {
		if def := schema.Types[name]; def.Kind == ast.Object {
			s.objects[name] = c.object(def)
			for _, field := range def.Fields {
				if t := c.fields[field].Topic; t != nil {
					s.topics = append(s.topics, *t)
					s.keep(*t, c.fields[field].Retain)
				}
			}
		}
	}
	s.compileSets()
	return s, nil
}

func (c *compiler) complain(err error) {
	if err != nil {
		c.bad = append(c.bad, err)
	}
}

// read reads the directives of a type and its fields.
func (c *compiler) read(def *ast.Definition) {
	if def.Kind != ast.Object && def.Kind != ast.Interface {
		return
	}
	needs, err := compileNeeds(c.schema, def, nil)
	c.complain(err)
	c.defNeeds[def.Name] = needs
	for _, field := range def.Fields {
		needs, err := compileNeeds(c.schema, def, field)
		c.complain(err)
		c.fieldNeeds[field] = needs
		f, err := compileField(c.schema, def, field)
		c.complain(err)
		c.fields[field] = f
	}
}

// object puts together what holds for an object type: its own directives, and those of the interfaces.
func (c *compiler) object(def *ast.Definition) *object {
	o := &object{
		name:       def.Name,
		identified: def.Fields.ForName("id") != nil && def != c.schema.Query,
		private:    def.Directives.ForName("private") != nil,
		needs:      c.typeNeeds(def),
		fields:     make(map[string]*Field, len(def.Fields)),
	}
	for _, field := range def.Fields {
		f := c.fields[field]
		own := f.cost.stated
		for _, name := range def.Interfaces {
			of := c.schema.Types[name].Fields.ForName(field.Name)
			if of == nil {
				continue
			}
			f.Private = f.Private || c.fields[of].Private
			f.cost.inherit(own, c.fields[of].cost)
		}
		if !strings.HasPrefix(field.Name, "__") {
			f.needs = c.needsOf(def, field)
		}
		o.fields[field.Name] = f
	}
	return o
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
	f := &Field{Private: field.Directives.ForName("private") != nil || isRoot(schema, def) && def.Directives.ForName("private") != nil}
	var bad []error
	if d := field.Directives.ForName("topic"); d != nil {
		t, err := compileTopic(schema, def, field, d, f.Private)
		if err != nil {
			bad = append(bad, err)
		} else {
			f.Topic = &t
		}
		f.Retain, err = compileRetain(def, field, d)
		bad = append(bad, err)
		f.Snapshot, err = compileSnapshot(schema, def, field, d)
		bad = append(bad, err)
	}
	budget, err := compileBudget(schema, def, field)
	if err != nil {
		bad = append(bad, err)
	}
	f.Budget = budget
	cost, err := compileCost(schema, def, field)
	if err != nil {
		bad = append(bad, err)
	}
	f.cost = cost
	f.Poll, err = compilePoll(schema, def, field)
	bad = append(bad, err)
	f.Invalidates, err = compileInvalidates(schema, def, field)
	bad = append(bad, err)
	backpressure, err := compileBackpressure(schema, def, field)
	bad = append(bad, err)
	f.Backpressure = backpressure
	for _, d := range field.Directives.ForNames("publish") {
		t, err := compilePublish(schema, def, field, d)
		if err != nil {
			bad = append(bad, err)
		} else {
			f.Publish = append(f.Publish, t)
		}
	}
	return f, errors.Join(bad...)
}

// complain says what is wrong with a directive of a field, or of a type where field is nil, and where.
func complain(d *ast.Directive, def *ast.Definition, field *ast.FieldDefinition, format string, args ...any) error {
	on := def.Name
	if field != nil {
		on += "." + field.Name
	}
	return fmt.Errorf("%s@%s on %s: %s", position(d), d.Name, on, fmt.Sprintf(format, args...))
}

func position(d *ast.Directive) string {
	if p := d.Position; p != nil && p.Src != nil {
		return fmt.Sprintf("%s:%d: ", p.Src.Name, p.Line)
	}
	return ""
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
	if reserved(t) {
		return t, complain(d, def, field, "a topic begins with text of its own, so that it cannot be made any topic there is, and not with %s, which is for what the gateways tell each other", reservedTopics)
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

// reservedTopics are what the nodes tell each other on.
const reservedTopics = "_sluice."

// reserved reports whether a template may expand to a topic of the gateway's own.
func reserved(t pubsub.Template) bool {
	return strings.HasPrefix(t.String(), reservedTopics) || strings.HasPrefix(t.String(), "{")
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
	if reserved(t) {
		return t, complain(d, def, field, "a topic begins with text of its own, so that it cannot be made any topic there is, and not with %s, which is for what the gateways tell each other", reservedTopics)
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
