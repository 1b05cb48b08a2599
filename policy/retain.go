package policy

import (
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/pubsub"
)

// maxRetain is the longest time that @topic(retain:) may say: a log is no archive.
const maxRetain = 7 * 24 * time.Hour

// kept are topics whose events can be read again.
type kept struct {
	topics pubsub.Template
	retain time.Duration
}

// compileRetain reads how long the events of a @topic are kept.
func compileRetain(def *ast.Definition, field *ast.FieldDefinition, d *ast.Directive) (time.Duration, error) {
	a := d.Arguments.ForName("retain")
	if a == nil || a.Value.Kind == ast.NullValue {
		return 0, nil
	}
	retain, err := time.ParseDuration(a.Value.Raw)
	if err != nil || a.Value.Kind != ast.StringValue || retain < time.Second || retain > maxRetain {
		return 0, complain(d, def, field, `retain is a time from "1s" to "168h"; leave it out if nobody needs an event twice`)
	}
	return retain, nil
}

func (s *Schema) keep(topics pubsub.Template, retain time.Duration) {
	if retain > 0 {
		s.kept = append(s.kept, kept{topics, retain})
	}
}

// Retention is how much of a topic can be read again, as the schema says: where several fields are fed by
// it, the longest of what these say.
func (s *Schema) Retention(topic string) pubsub.Retention {
	var r pubsub.Retention
	for _, k := range s.kept {
		if k.retain > r.For && k.topics.Match(topic) {
			r.For = k.retain
		}
	}
	return r
}
