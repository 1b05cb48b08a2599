package policy

import (
	"errors"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// A need is what a viewer needs to use a field or a type. The zero need is that the viewer is
// authenticated.
type need struct {
	scopes []string
	rule   *rule
}

// authenticated is the need of a root field without @public and without @auth.
var authenticated = &need{}

const (
	maxScopeLength = 100
	allowedInScope = "letters, digits and the marks _ - . : / *"
)

// compileNeeds reads the @auth of a field, or of a type where field is nil: one for each part of the
// type, as each `extend type` may bring its own, and all of them hold.
func compileNeeds(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition) (needs []*need, err error) {
	directives := def.Directives
	if field != nil {
		directives = field.Directives
	}
	var bad []error
	for _, d := range directives.ForNames("auth") {
		if directives.ForName("public") != nil {
			bad = append(bad, complain(d, def, field, "contradicts @public: anyone may call the one, not the other"))
			continue
		}
		n, err := compileNeed(schema, def, field, d)
		if err != nil {
			bad = append(bad, err)
			continue
		}
		needs = append(needs, n)
	}
	return needs, errors.Join(bad...)
}

func compileNeed(schema *ast.Schema, def *ast.Definition, field *ast.FieldDefinition, d *ast.Directive) (*need, error) {
	n := new(need)
	if a := d.Arguments.ForName("scopes"); a != nil && a.Value.Kind != ast.NullValue {
		n.scopes = scopesOf(a.Value)
		if len(n.scopes) == 0 {
			return nil, complain(d, def, field, "scopes is an empty list; leave it out where any authenticated caller may")
		}
	}
	for _, scope := range n.scopes {
		if !validScope(scope) {
			return nil, complain(d, def, field, "%q is no scope: it has 1 to %d %s", scope, maxScopeLength, allowedInScope)
		}
	}
	if a := d.Arguments.ForName("rule"); a != nil && a.Value.Kind != ast.NullValue {
		r, err := compileRule(schema, field, a.Value.Raw)
		if err != nil {
			return nil, complain(d, def, field, "the rule does not compile: %v", err)
		}
		n.rule = r
	}
	return n, nil
}

func scopesOf(v *ast.Value) []string {
	if v.Kind != ast.ListValue { // a single value stands for a list of one
		return []string{v.Raw}
	}
	scopes := make([]string, len(v.Children))
	for i, child := range v.Children {
		scopes[i] = child.Value.Raw
	}
	return scopes
}

func validScope(scope string) bool {
	foreign := func(c rune) bool {
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !alphanumeric && !strings.ContainsRune("_-.:/*", c)
	}
	return scope != "" && len(scope) <= maxScopeLength && !strings.ContainsFunc(scope, foreign)
}

// needsOf are the needs of a field of an object: of the field and the type, in the object itself and
// in every interface that it implements. A root field without any has the need to be authenticated,
// unless it is public.
func (c *compiler) needsOf(o *ast.Definition, field *ast.FieldDefinition) []*need {
	needs := c.typeNeeds(o)
	add := func(f *ast.FieldDefinition) {
		needs = append(needs, c.fieldNeeds[f]...)
	}
	for _, name := range o.Interfaces {
		add(c.schema.Types[name].Fields.ForName(field.Name))
	}
	add(field)
	public := field.Directives.ForName("public") != nil || o.Directives.ForName("public") != nil
	if len(needs) == 0 && !public && isRoot(c.schema, o) {
		return []*need{authenticated}
	}
	return needs
}

// typeNeeds are the needs of every use of an object type.
func (c *compiler) typeNeeds(o *ast.Definition) []*need {
	var needs []*need
	for _, name := range append([]string{o.Name}, o.Interfaces...) {
		needs = append(needs, c.defNeeds[name]...)
	}
	return needs
}

func isRoot(schema *ast.Schema, def *ast.Definition) bool {
	return def == schema.Query || def == schema.Mutation || def == schema.Subscription
}

// checkPublic refuses @public where it would take back a need.
func (c *compiler) checkPublic(def *ast.Definition, field *ast.FieldDefinition) error {
	d := field.Directives.ForName("public")
	if d == nil {
		return nil
	}
	for _, name := range append([]string{def.Name}, def.Interfaces...) {
		if c.defNeeds[name] != nil {
			return complain(d, def, field, "contradicts the @auth of %s, which holds for all of its fields", name)
		}
	}
	for _, name := range def.Interfaces {
		if of := c.schema.Types[name].Fields.ForName(field.Name); of != nil && c.fieldNeeds[of] != nil {
			return complain(d, def, field, "contradicts the @auth of %s.%s", name, field.Name)
		}
	}
	return nil
}

// lacks are the scopes that are needed and not held.
func (n *need) lacks(held []string) []string {
	for i, scope := range n.scopes {
		if !slices.Contains(held, scope) {
			missing := []string{scope}
			for _, other := range n.scopes[i+1:] {
				if !slices.Contains(held, other) {
					missing = append(missing, other)
				}
			}
			return missing
		}
	}
	return nil
}
