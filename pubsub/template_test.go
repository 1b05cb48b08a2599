package pubsub_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

type color string // as gqlgen makes enums

func TestExpand(t *testing.T) {
	text := "x"
	var none *string
	hundred := make([]any, 0, pubsub.MaxTopics+1)
	for i := range cap(hundred) {
		hundred = append(hundred, i)
	}
	for _, test := range []struct {
		name     string
		template string
		values   map[string]any
		want     string // topics, or what the error must contain after "!"
	}{
		{"nothing to fill in", "price.all", nil, "price.all"},
		{"a literal pattern", "price.*", nil, "price.*"},
		{"a string is escaped", "file.{p}", map[string]any{"p": "a/b.c"}, "file.a%2Fb%2Ec"},
		{
			"numbers of every kind are the same segment", "n.{a}.{b}.{c}.{d}.{e}",
			map[string]any{"a": 42, "b": int64(42), "c": 42.0, "d": json.Number("42"), "e": uint8(42)},
			"n.42.42.42.42.42",
		},
		{"a large float has no exponent", "n.{a}", map[string]any{"a": 1e15}, "n.1000000000000000"},
		{
			"booleans, enums, pointers and stringers", "n.{a}.{b}.{c}.{d}",
			map[string]any{"a": true, "b": color("RED"), "c": &text, "d": big.NewInt(7)},
			"n.true.RED.x.7",
		},
		{"a path is one placeholder", "order.{viewer.subject}", map[string]any{"viewer.subject": "ann"}, "order.ann"},
		{"a list makes a topic per element", "price.{ids}", map[string]any{"ids": []any{"b", "a", "b", 1}}, "price.b price.a price.1"},
		{"a list of strings in the middle", "price.{ids}.eu", map[string]any{"ids": []string{"1", "2"}}, "price.1.eu price.2.eu"},
		{"a list of pointers", "price.{ids}", map[string]any{"ids": []*string{&text}}, "price.x"},
		{"duplicates do not count", "p.{ids}", map[string]any{"ids": append(hundred[:100:100], 1, 2)}, "p.0*100"},
		{"a missing value is any", "price.{id}", nil, "price.*"},
		{"a nil pointer is any", "price.{id}", map[string]any{"id": none}, "price.*"},
		{"a missing value before the end", "price.{region}.{id}", map[string]any{"id": 1}, "!{region}: it has no value"},
		{"nobody's subject is not everybody's", "order.{viewer.subject}", nil, "!{viewer.subject}: it has no value"},
		{"an empty string", "price.{id}", map[string]any{"id": ""}, "!{id}: it is an empty text"},
		{"an empty list", "price.{id}", map[string]any{"id": []any{}}, "!{id}: its list is empty"},
		{"too many topics", "p.{ids}", map[string]any{"ids": hundred}, "!{ids}: its list has more than 100"},
		{"two lists", "p.{a}.{b}", map[string]any{"a": []int{1}, "b": []int{1}}, "!{b}: it is a second list"},
		{"a list in a list", "p.{a}", map[string]any{"a": []any{[]any{1}}}, "!{a}: element 0 is a list"},
		{"nil in a list", "p.{a}", map[string]any{"a": []any{1, nil}}, "!{a}: element 1 has no value"},
		{"an empty string in a list", "p.{a}", map[string]any{"a": []any{""}}, "!{a}: element 0: it is an empty text"},
		{"an object", "p.{a}", map[string]any{"a": map[string]any{}}, "!{a}: a map[string]interface {} cannot"},
		{"a text that is too long", "p.{a}", map[string]any{"a": strings.Repeat("a", 201)}, "!{a}: it has 201 bytes"},
		{"a topic that is too long", "p.{a}", map[string]any{"a": strings.Repeat("é", 99)}, "!{a}: it has 596 bytes"},
		{"a template of nothing but any", "{a}", nil, "!{a}: a lone *"},
	} {
		t.Run(test.name, func(t *testing.T) {
			template, err := pubsub.ParseTemplate(test.template)
			if err != nil {
				t.Fatal(err)
			}
			topics, err := template.Expand(func(name string) (any, bool) {
				v, ok := test.values[name]
				return v, ok
			})
			if reason, fails := strings.CutPrefix(test.want, "!"); fails {
				var bad *pubsub.TopicError
				if !errors.As(err, &bad) || !strings.Contains(bad.Error(), reason) {
					t.Errorf("err = %v, want %q", err, reason)
				}
				return
			}
			got := strings.Join(topics, " ")
			if len(topics) == 100 {
				got = topics[0] + "*100"
			}
			if err != nil || got != test.want {
				t.Errorf("%q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestBadTemplates(t *testing.T) {
	for text, reason := range map[string]string{
		"":             "empty",
		"price.x{id}":  "mixes text and a placeholder",
		"price.{id":    "mixes text",
		"price.id}":    "mixes text",
		"price.{}":     "is not a name",
		"price.{a b}":  "is not a name",
		"price.{a..b}": "is not a name",
		"price.{1a}":   "is not a name",
		"price.{{a}}":  "is not a name",
		"price..{id}":  "segment 2 is empty",
		"price .{id}":  `" " at byte 5`,
		"*.{id}":       "segment 1 is *",
	} {
		_, err := pubsub.ParseTemplate(text)
		var bad *pubsub.TopicError
		if !errors.As(err, &bad) || bad.Name != text || !strings.Contains(bad.Reason, reason) {
			t.Errorf("%q: %v, want %q", text, err, reason)
		}
	}
}

func TestNamesAreGivenOnceInOrder(t *testing.T) {
	template, err := pubsub.ParseTemplate("{b}.x.{a.c}.{b}")
	if err != nil {
		t.Fatal(err)
	}
	if got := template.Names(); !slices.Equal(got, []string{"b", "a.c"}) {
		t.Errorf("names = %v", got)
	}
}

func TestTemplateMatch(t *testing.T) {
	for _, test := range []struct {
		template, topic string
		want            bool
	}{
		{"price.{id}", "price.42", true},
		{"price.{id}", "price", false},
		{"price.{id}", "price.42.eu", false},
		{"price.{id}", "stock.42", false},
		{"price.{id}", "price.*", false},
		{"price.*", "price.42", true},
		{"{a}.eu", "price.eu", true},
	} {
		template, err := pubsub.ParseTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := template.Match(test.topic); got != test.want {
			t.Errorf("%s matches %s: %v", test.template, test.topic, got)
		}
	}
}

func ExampleTemplate_Expand() {
	template, _ := pubsub.ParseTemplate("price.{productIds}")
	topics, _ := template.Expand(func(string) (any, bool) { return []any{"42", "43"}, true })
	fmt.Println(topics)
	// Output: [price.42 price.43]
}

func FuzzParseTemplate(f *testing.F) {
	for _, seed := range []string{"price.{id}", "order.{viewer.subject}", "a.*", "{", "}{", "{a}.{b}", "..", "{a.b"} {
		f.Add(seed, "value")
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		template, err := pubsub.ParseTemplate(text)
		if err != nil {
			return
		}
		if template.String() != text {
			t.Fatalf("%q became %q", text, template)
		}
		checkExpanded(t, template, value)
		checkExpanded(t, template, nil)
	})
}

func FuzzExpand(f *testing.F) {
	for _, seed := range []string{"42", "", "*", "a.b", "{x}", "\xff", "%"} {
		f.Add(seed, seed, 1.5)
	}
	template, err := pubsub.ParseTemplate("a.{list}.{b}")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b string, n float64) {
		for _, v := range []any{a, n, []any{a, b, n}, []string{b, a}} {
			checkExpanded(t, template, v)
		}
	})
}

// checkExpanded gives the first placeholder value and the others its text: whatever comes out must
// be a topic that belongs to the template.
func checkExpanded(t *testing.T, template pubsub.Template, value any) {
	t.Helper()
	first := true
	topics, err := template.Expand(func(string) (any, bool) {
		if first {
			first = false
			return value, true
		}
		return fmt.Sprint(value), true
	})
	if err != nil {
		return
	}
	for _, topic := range topics {
		if pubsub.ValidPattern(topic) != nil {
			t.Fatalf("%q with %#v expands to %q", template, value, topic)
		}
		if pubsub.ValidName(topic) == nil && !template.Match(topic) {
			t.Fatalf("%q does not match its own %q", template, topic)
		}
	}
}
