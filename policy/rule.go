package policy

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/auth"
)

// checkEvery is after how many elements of a list a rule looks at the clock. The language has no loops,
// but macros visit every element, and lists come from outside. CEL's own count of costs is no
// help: keeping it takes time with the square of the elements.
const checkEvery = 100

// A rule is a condition that a caller and the arguments of a field must meet. CEL is a language
// without side effects that always ends: https://github.com/google/cel-spec.
type rule struct {
	program cel.Program
	schema  *ast.Schema
	args    ast.ArgumentDefinitionList
}

// compileRule compiles a rule for a field, or for a type where field is nil, which has no arguments.
func compileRule(schema *ast.Schema, field *ast.FieldDefinition, text string) (*rule, error) {
	r := &rule{schema: schema}
	if field != nil {
		r.args = field.Arguments
	}
	options := []cel.EnvOption{
		cel.Variable("viewer.consumer", cel.StringType),
		cel.Variable("viewer.subject", cel.StringType),
		cel.Variable("viewer.issuer", cel.StringType),
		cel.Variable("viewer.plan", cel.StringType),
		cel.Variable("viewer.scopes", cel.ListType(cel.StringType)),
		cel.Variable("viewer.claims", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("viewer.anonymous", cel.BoolType),
	}
	for _, arg := range r.args {
		options = append(options, cel.Variable("args."+arg.Name, celType(schema, arg.Type)))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, errors.New(firstLine(issues.Err().Error()))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("its value is a %s, not true or false", checked.OutputType())
	}
	r.program, err = env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.InterruptCheckFrequency(checkEvery))
	return r, err
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimPrefix(line, "ERROR: ")
}

// celType is the type of an argument in a rule. What may be null can be compared with null.
func celType(schema *ast.Schema, t *ast.Type) *cel.Type {
	if t.Elem != nil {
		if !t.NonNull {
			return cel.DynType
		}
		return cel.ListType(celType(schema, t.Elem))
	}
	of := cel.DynType
	switch def := schema.Types[t.NamedType]; {
	case t.NamedType == "String", t.NamedType == "ID", def != nil && def.Kind == ast.Enum:
		of = cel.StringType
	case t.NamedType == "Int":
		of = cel.IntType
	case t.NamedType == "Float":
		of = cel.DoubleType
	case t.NamedType == "Boolean":
		of = cel.BoolType
	case def != nil && def.Kind == ast.InputObject && t.NonNull:
		return cel.MapType(cel.StringType, cel.DynType)
	}
	if !t.NonNull && of != cel.DynType {
		return cel.NullableType(of)
	}
	return of
}

// holds evaluates the rule, until ctx is done. A rule that fails, for example because it reads a claim
// that the viewer does not have, does not hold; the error says why.
func (r *rule) holds(ctx context.Context, v *auth.Viewer, args map[string]any) (bool, error) {
	value, _, err := r.program.ContextEval(ctx, &activation{viewer: v, args: args, rule: r})
	if err != nil {
		return false, err
	}
	return value == types.True, nil
}

// An activation gives a rule its variables, without a map to build for each evaluation.
type activation struct {
	viewer *auth.Viewer
	args   map[string]any
	rule   *rule
	read   map[string]any // arguments that were converted
}

// Parent implements cel.Activation.
func (*activation) Parent() cel.Activation { return nil }

// ResolveName implements cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	if arg, ok := strings.CutPrefix(name, "args."); ok {
		def := a.rule.args.ForName(arg)
		if def == nil {
			return nil, false
		}
		value, ok := a.read[arg]
		if !ok {
			if a.read == nil {
				a.read = make(map[string]any, len(a.rule.args))
			}
			value = a.rule.value(a.args[arg], def.Type)
			a.read[arg] = value
		}
		return value, true
	}
	switch name {
	case "viewer.consumer":
		return a.viewer.Consumer, true
	case "viewer.subject":
		return a.viewer.Subject, true
	case "viewer.issuer":
		return a.viewer.Issuer, true
	case "viewer.plan":
		return a.viewer.Plan, true
	case "viewer.scopes":
		return a.viewer.Scopes, true
	case "viewer.claims":
		return a.viewer.Claims, true
	case "viewer.anonymous":
		return a.viewer.IsAnonymous(), true
	}
	return nil, false
}
