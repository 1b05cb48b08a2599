package pubsub_test

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

func TestNamesAndPatterns(t *testing.T) {
	long := strings.Repeat("a", pubsub.MaxTopicLength)
	deep := strings.Repeat("a.", pubsub.MaxSegments-1) + "a"
	for _, test := range []struct {
		topic         string
		name, pattern string // what the reason must contain; "" for valid
	}{
		{"price.42", "", ""},
		{"a", "", ""},
		{"order.user@example:1~2+3=4_5-6%2F", "", ""},
		{long, "", ""},
		{deep, "", ""},
		{"price.*", "pattern", ""},
		{"", "empty", "empty"},
		{".", "segment 1 is empty", "segment 1 is empty"},
		{"price.", "segment 2 is empty", "segment 2 is empty"},
		{"price..42", "segment 2 is empty", "segment 2 is empty"},
		{"price 42", `" " at byte 5`, `" " at byte 5`},
		{"price.é", "at byte 6", "at byte 6"},
		{"price.4*", `"*" at byte 7`, `"*" at byte 7`},
		{"*", "pattern", "lone *"},
		{"*.price", "pattern", "segment 1 is *"},
		{"price.*.eu", "pattern", "segment 2 is *"},
		{long + "a", "201 bytes", "201 bytes"},
		{deep + ".a", "17 segments", "17 segments"},
		{deep + ".*", "pattern", "17 segments"},
	} {
		for _, check := range []struct {
			err  error
			want string
		}{{pubsub.ValidName(test.topic), test.name}, {pubsub.ValidPattern(test.topic), test.pattern}} {
			var bad *pubsub.TopicError
			switch {
			case check.want == "" && check.err != nil:
				t.Errorf("%q: %v", test.topic, check.err)
			case check.want != "" && (!errors.As(check.err, &bad) || !strings.Contains(bad.Reason, check.want)):
				t.Errorf("%q: %v, want a reason with %q", test.topic, check.err, check.want)
			}
		}
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"price.*", "price.42", true},
		{"price.*", "price.42.eu", false},
		{"price.*", "price", false},
		{"price.*", "price.", false},
		{"price.*", "price.a b", false},
		{"price.*", "prices.42", false},
		{"shop.price.*", "shop.price.42", true},
		{"price.42", "price.42", true},
		{"price.42", "price.421", false},
	} {
		if got := pubsub.Match(test.pattern, test.name); got != test.want {
			t.Errorf("Match(%q, %q) = %v", test.pattern, test.name, got)
		}
	}
}

func TestThePatternOfANameMatchesIt(t *testing.T) {
	for name, want := range map[string]string{"price.42": "price.*", "a.b.c": "a.b.*", "price": ""} {
		got := pubsub.PatternOf(name)
		if got != want || want != "" && !pubsub.Match(got, name) {
			t.Errorf("PatternOf(%q) = %q", name, got)
		}
	}
}

func ExampleEscape() {
	fmt.Println("file." + pubsub.Escape("a/b.txt"))
	// Output: file.a%2Fb%2Etxt
}

func ExampleMatch() {
	fmt.Println(pubsub.Match("price.*", "price.42"), pubsub.Match("price.*", "price.42.eu"))
	// Output: true false
}

func FuzzEscape(f *testing.F) {
	for _, seed := range []string{"42", "a/b.c", "100%", "é", "\x00", "%2F", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		escaped := pubsub.Escape(value)
		if back, err := url.PathUnescape(escaped); err != nil || back != value {
			t.Fatalf("Escape(%q) = %q, which is %q, %v", value, escaped, back, err)
		}
		if value != "" && len(escaped) <= pubsub.MaxTopicLength && pubsub.ValidName(escaped) != nil {
			t.Fatalf("Escape(%q) = %q is no segment", value, escaped)
		}
	})
}
