package policy

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A Wish is what @live on an operation asks for.
type Wish struct {
	Live     bool
	Throttle time.Duration // the least time between two results; 0: the server's
}

// Wish reads the @live of an operation.
func (o *Operation) Wish(variables map[string]any) Wish {
	if o.live == nil {
		return Wish{}
	}
	args := o.live.ArgumentMap(variables)
	wish := Wish{Live: args["if"] != false}
	switch throttle := args["throttle"].(type) {
	case int64:
		wish.Throttle = time.Duration(max(0, throttle)) * time.Millisecond
	case json.Number:
		ms, _ := throttle.Int64()
		wish.Throttle = time.Duration(max(0, ms)) * time.Millisecond
	}
	return wish
}

// Wished are the variables that only @live needs: the result does not depend on them.
func (o *Operation) Wished() []string { return o.wished }

// withoutLive is an operation as an ordinary one.
func withoutLive(op *ast.OperationDefinition) *ast.OperationDefinition {
	plain := *op
	plain.Directives = slices.DeleteFunc(slices.Clone(op.Directives), func(d *ast.Directive) bool { return d.Name == "live" })
	return &plain
}

// wished finds the variables that stand in @live and nowhere else.
func wished(op *ast.OperationDefinition, fragments ast.FragmentDefinitionList) []string {
	var names []string
	plain := withoutLive(op)
	plain.VariableDefinitions = nil
	var text strings.Builder
	format(&text, plain, fragments)
	for _, a := range op.Directives.ForName("live").Arguments {
		if a.Value.Kind != ast.Variable {
			continue
		}
		used, err := regexp.MatchString(`\$`+a.Value.Raw+`\b`, text.String())
		if err == nil && !used {
			names = append(names, a.Value.Raw)
		}
	}
	return names
}

// minPoll is the shortest interval of @poll.
const minPoll = 100 * time.Millisecond

// compilePoll reads the @poll of a field.
func compilePoll(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition) (time.Duration, error) {
	d := field.Directives.ForName("poll")
	if d == nil {
		return 0, nil
	}
	if def != schema.Query {
		return 0, complain(d, def, field, "only a field of the query type is asked again and again")
	}
	interval, err := time.ParseDuration(argument(d, "interval"))
	if err != nil || interval < minPoll {
		return 0, complain(d, def, field, "interval is a time of %v or more, such as 5s", minPoll)
	}
	return interval, nil
}

// compileInvalidates reads the @invalidates of a field.
func compileInvalidates(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition) ([]KeyTemplate, error) {
	var all []KeyTemplate
	for _, d := range field.Directives.ForNames("invalidates") {
		switch {
		case def != schema.Mutation && def != schema.Subscription:
			return nil, complain(d, def, field, "only a mutation changes something, or an event of a subscription's topic tells that something has")
		case def == schema.Subscription && !heard(field):
			return nil, complain(d, def, field, "it is the events of a topic that tell of changes: give the field a @topic that has no placeholder but at its end")
		}
		for _, text := range texts(d, "keys") {
			t, wrong := parseKey(text)
			if wrong != "" {
				return nil, complain(d, def, field, "%q: %s", text, wrong)
			}
			result := schema.Types[field.Type.Name()]
			for _, name := range t.names() {
				if of := result.Fields.ForName(name); of == nil || !schema.Types[of.Type.Name()].IsLeafType() {
					return nil, complain(d, def, field, "{%s} is no field of %s that has a value to name something by", name, result.Name)
				}
			}
			all = append(all, t)
		}
	}
	return all, nil
}

// heard reports whether every event that feeds a field can be heard at once.
func heard(field *ast.FieldDefinition) bool {
	d := field.Directives.ForName("topic")
	if d == nil {
		return false
	}
	t, err := pubsub.ParseTemplate(argument(d, "name"))
	if err != nil { // which is complained of elsewhere
		return true
	}
	_, ok := t.Pattern()
	return ok
}

// texts are the strings of a list argument, or the one string in its place.
func texts(d *ast.Directive, name string) []string {
	a := d.Arguments.ForName(name)
	if a == nil || a.Value == nil {
		return nil
	}
	if a.Value.Kind != ast.ListValue {
		return []string{a.Value.Raw}
	}
	list := make([]string, len(a.Value.Children))
	for i, child := range a.Value.Children {
		list[i] = child.Value.Raw
	}
	return list
}

// A KeyTemplate makes keys of what live queries depend on, such as "Product:{productId}".
type KeyTemplate struct {
	parts []string // text and names by turns, text first
}

func parseKey(text string) (t KeyTemplate, wrong string) {
	if text == "" {
		return t, "a key is not empty"
	}
	for rest := text; ; {
		before, after, found := strings.Cut(rest, "{")
		t.parts = append(t.parts, before)
		if !found {
			return t, ""
		}
		name, after, closed := strings.Cut(after, "}")
		if !closed || name == "" {
			return t, "write a placeholder as {field}"
		}
		t.parts = append(t.parts, name)
		rest = after
	}
}

func (t KeyTemplate) names() []string {
	var names []string
	for i := 1; i < len(t.parts); i += 2 {
		names = append(names, t.parts[i])
	}
	return names
}

// Keys are those that the template makes of a result's or a payload's fields: one for each element where
// a field is a list, none where one is missing.
func (t KeyTemplate) Keys(fields map[string]any) []string {
	keys := []string{t.parts[0]}
	for i := 1; i+1 < len(t.parts); i += 2 {
		var longer []string
		for _, key := range keys {
			for _, value := range names(fields[t.parts[i]]) {
				longer = append(longer, key+value+t.parts[i+1])
			}
		}
		keys = longer
	}
	return keys
}

// names are the texts of a value of JSON that can name something.
func names(value any) []string {
	switch value := value.(type) {
	case string:
		return []string{value}
	case json.Number:
		return []string{value.String()}
	case bool:
		return []string{strconv.FormatBool(value)}
	case []any:
		var all []string
		for _, v := range value {
			all = append(all, names(v)...)
		}
		return all
	}
	return nil
}

// Membership are the types of which a result of the operation shows as many as there are: a new object of
// one of them, or one that went or changed its place, may change the result. They are those with an id
// whose objects stand in a list, in its elements, or in what pages it, as in
// { edges { node { id } } }, selected or not.
func (o *Operation) Membership() []string { return o.membership }

func (s *Schema) membership(doc *ast.QueryDocument, op *ast.OperationDefinition) []string {
	m := members{schema: s, document: doc, types: make(map[string]bool), seen: make(map[memberVisit]bool)}
	m.selections(op.SelectionSet, false, false)
	list := make([]string, 0, len(m.types))
	for name := range m.types {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// members finds the types of Membership.
type members struct {
	schema   *Schema
	document *ast.QueryDocument
	types    map[string]bool
	seen     map[memberVisit]bool
}

type memberVisit struct {
	fragment      string
	listed, owned bool
}

// selections reads a selection set. listed says that a list leads here from the last object with an id;
// owned, that this is such an object: what its lists hold without an id of their own belongs to it.
func (m *members) selections(selections ast.SelectionSet, listed, owned bool) {
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			m.field(sel, listed, owned)
		case *ast.InlineFragment:
			m.selections(sel.SelectionSet, listed, owned)
		case *ast.FragmentSpread:
			at := memberVisit{sel.Name, listed, owned}
			if def := m.document.Fragments.ForName(sel.Name); def != nil && !m.seen[at] {
				m.seen[at] = true
				m.selections(def.SelectionSet, listed, owned)
			}
		}
	}
}

func (m *members) field(sel *ast.Field, listed, owned bool) {
	if sel.Definition == nil || len(sel.SelectionSet) == 0 || strings.HasPrefix(sel.Name, "__") {
		return
	}
	isList := sel.Definition.Type.Elem != nil
	identified := true
	for _, o := range m.schema.possible(sel.Definition.Type.Name()).objects {
		switch {
		case !o.identified:
			identified = false
			if !owned || !isList {
				m.paged(o, nil)
			}
		case isList || listed:
			m.types[o.name] = true
		}
	}
	if identified {
		m.selections(sel.SelectionSet, false, true)
		return
	}
	m.selections(sel.SelectionSet, listed || isList && !owned, false)
}

// paged adds the types whose objects stand in lists of an object without an id, whatever is selected of
// it: its totalCount changes with them.
func (m *members) paged(o *object, within []*object) {
	if slices.Contains(within, o) {
		return
	}
	def := m.schema.ast.Types[o.name]
	for _, field := range def.Fields {
		isList := field.Type.Elem != nil || len(within) > 0
		if !isList {
			continue
		}
		for _, of := range m.schema.possible(field.Type.Name()).objects {
			if of.identified {
				m.types[of.name] = true
			} else {
				m.paged(of, append(slices.Clip(within), o))
			}
		}
	}
}

// Identified are the object types with an id that a value of a type can be.
func (s *Schema) Identified(name string) []string { return s.identified[name] }

// An Announcement is a topic whose events tell of changes.
type Announcement struct {
	Pattern string // of the topics
	Keys    []KeyTemplate
}

// Announcements are the topics of subscriptions with @invalidates.
func (s *Schema) Announcements() []Announcement {
	var all []Announcement
	if s.ast.Subscription == nil {
		return nil
	}
	for _, field := range s.ast.Subscription.Fields {
		f := s.objects[s.ast.Subscription.Name].fields[field.Name]
		if len(f.Invalidates) > 0 {
			pattern, _ := f.Topic.Pattern()
			all = append(all, Announcement{Pattern: pattern, Keys: f.Invalidates})
		}
	}
	return all
}
