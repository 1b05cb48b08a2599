package operation

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/core"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// enough stops a validation: the client is told no more.
type enough struct{}

// validate says why a document does not fit the schema. It stops at the last error that is told: a
// hostile document has tens of thousands, each with a text.
func (e *Engine) validate(doc *ast.QueryDocument) (errs gqlerror.List) {
	once(doc)
	defer func() {
		if v := recover(); v != nil && v != (enough{}) {
			panic(v)
		}
		errs = withCode(errs, CodeValidationFailed)
	}()
	told := func(name string, options []core.ErrorOption) {
		err := &gqlerror.Error{Rule: name}
		for _, option := range options {
			option(err)
		}
		if errs = append(errs, err); len(errs) == maxErrors {
			panic(enough{})
		}
	}
	bounded := rules.NewRules()
	for name, check := range e.rules().GetInner() {
		bounded.AddRule(name, func(observers *core.Events, _ core.AddErrFunc) {
			check(observers, func(options ...core.ErrorOption) { told(name, options) })
		})
	}
	_ = validator.ValidateWithRules(e.schema.Schema(), doc, bounded)
	return errs
}

// rules are the validation rules.
func (e *Engine) rules() *rules.Rules {
	r := rules.NewDefaultRules()
	if e.options.Suggestions {
		return r
	}
	r.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule(rules.ValuesOfCorrectTypeRule.Name, rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return r
}

// once leaves each plain field in its selection set only once, which means the same: validation
// compares every two fields of one name, and there may be as many as tokens.
func once(doc *ast.QueryDocument) {
	for _, def := range doc.Operations {
		def.SelectionSet = plainOnce(def.SelectionSet)
	}
	for _, def := range doc.Fragments {
		def.SelectionSet = plainOnce(def.SelectionSet)
	}
}

func plainOnce(selections ast.SelectionSet) ast.SelectionSet {
	type plain struct{ alias, name string }
	seen := make(map[plain]bool)
	kept := selections[:0]
	for _, sel := range selections {
		switch sel := sel.(type) {
		case *ast.Field:
			name := plain{sel.Alias, sel.Name}
			if len(sel.Arguments)+len(sel.Directives)+len(sel.SelectionSet) == 0 {
				if seen[name] {
					continue
				}
				seen[name] = true
			}
			sel.SelectionSet = plainOnce(sel.SelectionSet)
		case *ast.InlineFragment:
			sel.SelectionSet = plainOnce(sel.SelectionSet)
		}
		kept = append(kept, sel)
	}
	return kept
}
