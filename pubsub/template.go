package pubsub

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// MaxTopics is how many topics one Expand makes at most: what a single subscription may cost.
const MaxTopics = 100

// A Template is a topic name with placeholders, each of which is a whole segment, as in
// "price.{productIds}" or "order.{viewer.subject}". The last segment may also be a literal *.
// The zero Template is not valid: ParseTemplate makes one. It is safe for concurrent use.
type Template struct {
	text     string
	segments []templateSegment
}

// templateSegment is a literal, or a placeholder when name is set.
type templateSegment struct {
	literal string
	name    string
}

// ParseTemplate reads a template. The error is a *TopicError.
func ParseTemplate(text string) (Template, error) {
	fail := func(format string, args ...any) (Template, error) {
		return Template{}, &TopicError{Name: text, Reason: fmt.Sprintf(format, args...)}
	}
	parts := splitTemplate(text)
	if len(parts) > MaxSegments {
		return fail("it has %d segments and may have %d; join some", len(parts), MaxSegments)
	}
	t := Template{text: text, segments: make([]templateSegment, 0, len(parts))}
	example := make([]string, 0, len(parts)) // what is left to check when placeholders are filled in
	for i, part := range parts {
		if !strings.ContainsAny(part, "{}") {
			t.segments = append(t.segments, templateSegment{literal: part})
			example = append(example, part)
			continue
		}
		name, opened := strings.CutPrefix(part, "{")
		name, closed := strings.CutSuffix(name, "}")
		if !opened || !closed {
			return fail("segment %d, %q, mixes text and a placeholder; make the placeholder a segment of its own, as in price.{id}", i+1, part)
		}
		if !isPath(name) {
			return fail("placeholder {%s} is not a name; write {argument} or {argument.field}", name)
		}
		t.segments = append(t.segments, templateSegment{name: name})
		example = append(example, "x")
	}
	if reason := checkTopic(strings.Join(example, "."), true); reason != "" {
		return fail("%s", reason)
	}
	return t, nil
}

// String returns the template as it was parsed.
func (t Template) String() string { return t.text }

// Names returns the placeholders' names in order of first use, each once.
func (t Template) Names() []string {
	var names []string
	seen := make(map[string]bool)
	for _, s := range t.segments {
		if s.name != "" && !seen[s.name] {
			seen[s.name] = true
			names = append(names, s.name)
		}
	}
	return names
}

// Expand fills in the placeholders and returns the topics, in order and without duplicates. value
// is asked once for every placeholder and says whether there is such a value.
//
// A string, number, boolean or fmt.Stringer becomes one segment (see Escape). A list becomes one
// topic per element, at most MaxTopics; only one placeholder may be a list. A value that is nil or
// missing becomes *, "any", which only the last segment may be, and never a path: without a subject
// {viewer.subject} must not become everybody's topic. Whatever cannot be a topic is a *TopicError
// that names the placeholder, never a wider subscription than was asked for.
func (t Template) Expand(value func(name string) (any, bool)) ([]string, error) {
	var (
		fixed    = make([]string, len(t.segments))
		elements []string // of the list, if there is one
		listAt   = -1
	)
	for i, s := range t.segments {
		if s.name == "" {
			fixed[i] = s.literal
			continue
		}
		v, ok := value(s.name)
		if !ok {
			v = nil
		}
		texts, isList, err := segmentsOf(v)
		switch {
		case err != nil:
			return nil, t.fail(s.name, err.Error())
		case texts == nil && i < len(t.segments)-1:
			return nil, t.fail(s.name, "it has no value; only a template's last segment may stand for any")
		case texts == nil && strings.Contains(s.name, "."):
			return nil, t.fail(s.name, "it has no value; only a plain {argument} may stand for any")
		case texts == nil:
			fixed[i] = anySegment
		case isList && listAt >= 0:
			return nil, t.fail(s.name, "it is a second list; one placeholder of a template may be a list")
		case isList:
			listAt, elements = i, texts
		default:
			fixed[i] = texts[0]
		}
	}
	if listAt < 0 {
		elements, listAt = fixed[:1:1], 0 // one topic: a list of the first segment as it is
	}
	topics := make([]string, len(elements))
	for n, element := range elements {
		fixed[listAt] = element
		topics[n] = strings.Join(fixed, ".")
		if err := t.check(topics[n]); err != nil {
			return nil, err
		}
	}
	return topics, nil
}

// Match reports whether Expand could make the name topic, with some values.
func (t Template) Match(topic string) bool {
	if ValidName(topic) != nil {
		return false
	}
	n := 0
	for segment := range strings.SplitSeq(topic, ".") {
		if n == len(t.segments) {
			return false
		}
		if s := t.segments[n]; s.name == "" && s.literal != anySegment && s.literal != segment {
			return false
		}
		n++
	}
	return n == len(t.segments)
}

// Pattern is the one topic, or pattern, that every topic of the template belongs to. There is none
// where a placeholder stands before the last segment.
func (t Template) Pattern() (pattern string, ok bool) {
	parts := make([]string, len(t.segments))
	for i, s := range t.segments {
		last := i == len(t.segments)-1
		switch {
		case s.name == "":
			parts[i] = s.literal
		case last:
			parts[i] = anySegment
		default:
			return "", false
		}
	}
	return strings.Join(parts, "."), true
}

func (t Template) fail(placeholder, reason string) error {
	return &TopicError{Name: t.text, Reason: fmt.Sprintf("placeholder {%s}: %s", placeholder, reason)}
}

// check finds what the parts cannot show: the length of the whole, and a template of nothing but *.
func (t Template) check(topic string) error {
	reason := checkTopic(topic, true)
	if reason == "" {
		return nil
	}
	if names := t.Names(); len(names) > 0 {
		return t.fail(strings.Join(names, "}, {"), reason)
	}
	return &TopicError{Name: t.text, Reason: reason}
}

// splitTemplate splits at the dots that stand outside braces.
func splitTemplate(text string) []string {
	var parts []string
	start, inside := 0, false
	for i := range len(text) {
		switch text[i] {
		case '{':
			inside = true
		case '}':
			inside = false
		case '.':
			if !inside {
				parts = append(parts, text[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, text[start:])
}

// isPath reports whether name is GraphQL names joined by dots.
func isPath(name string) bool {
	for word := range strings.SplitSeq(name, ".") {
		if word == "" || '0' <= word[0] && word[0] <= '9' {
			return false
		}
		for i := range len(word) {
			c := word[i]
			if c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
				return false
			}
		}
	}
	return true
}

// segmentsOf makes escaped segments of a placeholder's value: nil for no value, one for a scalar,
// one per distinct element for a list.
func segmentsOf(v any) (texts []string, isList bool, err error) {
	text, ok, err := scalar(v)
	if err != nil {
		return nil, false, err
	}
	if ok {
		return []string{text}, false, nil
	}
	if v == nil {
		return nil, false, nil
	}
	rv := reflect.ValueOf(v)
	switch rv.Kind() {
	case reflect.Pointer, reflect.Interface:
		if rv.IsNil() {
			return nil, false, nil
		}
		return segmentsOf(rv.Elem().Interface())
	case reflect.Slice, reflect.Array:
		if rv.Kind() == reflect.Slice && rv.IsNil() {
			return nil, false, nil
		}
		texts, err = elementsOf(rv)
		return texts, true, err
	}
	return nil, false, fmt.Errorf("a %T cannot be part of a topic; use a string, a number, a boolean or a list of them", v)
}

func elementsOf(list reflect.Value) ([]string, error) {
	if list.Len() == 0 {
		return nil, fmt.Errorf("its list is empty and names no topic; leave it out to mean any")
	}
	var texts []string
	seen := make(map[string]bool)
	for i := range list.Len() {
		element, inner, err := segmentsOf(list.Index(i).Interface())
		switch {
		case err != nil:
			return nil, fmt.Errorf("element %d: %w", i, err)
		case element == nil:
			return nil, fmt.Errorf("element %d has no value; leave it out", i)
		case inner:
			return nil, fmt.Errorf("element %d is a list itself; give a flat list", i)
		case seen[element[0]]:
			continue
		case len(texts) == MaxTopics:
			return nil, fmt.Errorf("its list has more than %d different elements; subscribe to fewer", MaxTopics)
		}
		seen[element[0]] = true
		texts = append(texts, element[0])
	}
	return texts, nil
}

// scalar makes an escaped segment of a single value; ok is false when v is not one.
func scalar(v any) (text string, ok bool, err error) {
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	case fmt.Stringer:
		if rv := reflect.ValueOf(v); rv.Kind() == reflect.Pointer && rv.IsNil() {
			return "", false, nil // its String method might not expect nil
		}
		text = v.String()
	default:
		rv := reflect.ValueOf(v) // by kind, so that enums and other named types are what they look like
		switch rv.Kind() {
		case reflect.String:
			text = rv.String()
		case reflect.Bool:
			text = strconv.FormatBool(rv.Bool())
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			text = strconv.FormatInt(rv.Int(), 10)
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			text = strconv.FormatUint(rv.Uint(), 10)
		case reflect.Float32, reflect.Float64:
			// Never an exponent: an id of 42 that passed through JSON is the segment 42.
			text = strconv.FormatFloat(rv.Float(), 'f', -1, rv.Type().Bits())
		default:
			return "", false, nil
		}
	}
	if text == "" {
		return "", false, fmt.Errorf("it is an empty text, which cannot be a segment")
	}
	if len(text) > MaxTopicLength {
		return "", false, fmt.Errorf("it has %d bytes and a whole topic may have %d", len(text), MaxTopicLength)
	}
	return Escape(text), true, nil
}
