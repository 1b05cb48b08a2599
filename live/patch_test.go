package live

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// applied is what a client has that applies a patch.
func applied(t *testing.T, data, patch []byte) []byte {
	t.Helper()
	operations, err := jsonpatch.DecodePatch(patch)
	if err != nil {
		t.Fatalf("%v: %s", err, patch)
	}
	got, err := operations.Apply(data)
	if err != nil {
		t.Fatalf("%v: %s to %s", err, patch, data)
	}
	return got
}

// equalJSON compares texts by what they mean, numbers by their digits.
func equalJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	x, ok := decode(a)
	y, also := decode(b)
	if !ok || !also {
		t.Fatalf("%s or %s is no JSON", a, b)
	}
	return reflect.DeepEqual(x, y)
}

func TestPatch(t *testing.T) {
	filler := strings.Repeat("-", maxCompared/maxMoved)
	much := strings.Repeat("-", maxBytes)
	long := strings.Repeat("long ", 20)
	for _, tt := range []struct{ name, from, to, want string }{
		{
			"a value that changed is replaced", `{"a":1,"b":"` + long + `"}`, `{"a":2,"b":"` + long + `"}`,
			`[{"value":2,"op":"replace","path":"/a"}]`,
		},
		{
			"a value becomes null", `{"a":1,"b":"` + long + `"}`, `{"a":null,"b":"` + long + `"}`,
			`[{"value":null,"op":"replace","path":"/a"}]`,
		},
		{
			"names are escaped", `{"~":{"/":1},"b":"` + long + `"}`, `{"~":{"/":2},"b":"` + long + `"}`,
			`[{"value":2,"op":"replace","path":"/~0/~1"}]`,
		},
		{
			"an element goes first", `["x","` + long + `","` + long + `"]`, `["` + long + `","` + long + `"]`,
			`[{"op":"remove","path":"/0"}]`,
		},
		{
			"an element comes first", `["` + long + `","` + long + `"]`, `["x","` + long + `","` + long + `"]`,
			`[{"value":"x","op":"add","path":"/0"}]`,
		},
		{
			"numbers differ in a digit that no float has", `{"a":9007199254740992,"b":"` + long + `"}`, `{"a":9007199254740993,"b":"` + long + `"}`,
			`[{"value":9007199254740993,"op":"replace","path":"/a"}]`,
		},
		{
			"numbers are larger than a float", `{"a":1e999,"b":"` + long + `"}`, `{"a":2e999,"b":"` + long + `"}`,
			`[{"value":2e999,"op":"replace","path":"/a"}]`,
		},
		{"all elements of a list move up", numbers(1000, maxMoved), numbers(1001, maxMoved-1), `[{"op":"remove","path":"/0"}]`},
		{"lists are too long to look for what moved", numbers(1000, maxMoved+1), numbers(1001, maxMoved), ""},
		{"texts are too long to look for what moved", numbersAnd(1000, filler), numbersAnd(1001, filler), ""},
		{
			"values are nested", `{"a":` + nested("1", maxDepth-1) + `,"b":"` + long + long + `"}`, `{"a":` + nested("2", maxDepth-1) + `,"b":"` + long + long + `"}`,
			`[{"value":2,"op":"replace","path":"/a` + strings.Repeat("/0", maxDepth-1) + `"}]`,
		},
		{"values are nested too deeply", `{"a":` + nested("1", maxDepth) + `,"b":"` + long + long + `"}`, `{"a":` + nested("2", maxDepth) + `,"b":"` + long + long + `"}`, ""},
		{"texts are too long to compare", `{"a":1,"b":"` + much + `"}`, `{"a":2,"b":"` + much + `"}`, ""},
		{"texts have too many values to compare", numbers(1000, maxValues), strings.Replace(numbers(1000, maxValues), "1000", "1", 1), ""},
		{"there is none that leads nowhere", `{"a":1,"b":2}`, `{"b":2,"a":1}`, ""},
		{"there is none that is no shorter", `{"a":1}`, `{"a":2}`, ""},
		{"there is none of what is no JSON", `{"a":1,"b":"` + long + `"}`, `{"a":2,"b":"` + long, ""},
		{"there is none to what was no JSON", `{"a":2,"b":"` + long, `{"a":1,"b":"` + long + `"}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := patch([]byte(tt.from), []byte(tt.to))
			if string(got) != tt.want {
				t.Fatalf("got  %s\nwant %s", got, tt.want)
			}
			if got != nil && !equalJSON(t, applied(t, []byte(tt.from), got), []byte(tt.to)) {
				t.Error("it leads elsewhere")
			}
		})
	}
}

// numbers is a list of some from one on.
func numbers(first, count int) string {
	list := make([]int, count)
	for i := range list {
		list[i] = first + i
	}
	return strings.ReplaceAll(fmt.Sprint(list), " ", ",")
}

// numbersAnd is a list of the numbers up to 1450, and a text.
func numbersAnd(first int, text string) string {
	return strings.TrimSuffix(numbers(first, 1450-first), "]") + `,"` + text + `"]`
}

func TestADifferRestsWhereNoPatchIsWorthIt(t *testing.T) {
	long := strings.Repeat("long ", 20)
	one, two := []byte(`{"a":1,"b":"`+long+`"}`), []byte(`{"a":2,"b":"`+long+`"}`)
	other := []byte(`[1]`)
	d := differ{find: patch}
	rests := func() (n int) {
		for d.patch(one, two) == nil {
			n++
		}
		return n
	}
	for _, want := range []int{8, 16, 32, 64, 64} {
		if d.patch(one, other) != nil {
			t.Fatal("a patch that is longer")
		}
		rest := d.rest
		for range rest {
			if d.patch(one, two) != nil {
				t.Fatal("it does not rest")
			}
		}
		if rest != want {
			t.Errorf("it rests %d times, want %d", rest, want)
		}
	}
	if n := rests(); n != 0 {
		t.Errorf("it rests %d times more", n)
	}
	d.patch(one, other)
	if n := rests(); n != 8 {
		t.Errorf("after a patch it rests %d times, want 8", n)
	}
}

func nested(value string, depth int) string {
	return strings.Repeat("[", depth) + value + strings.Repeat("]", depth)
}

// plain is the JSON text of what another means: a name stands in an object once. It reports false for
// what is nested too deeply, and for names that are empty: the library that applies patches finds no way
// to them.
func plain(text string) ([]byte, bool) {
	value, ok := decode([]byte(text))
	if !ok || !json.Valid([]byte(text)) {
		return nil, false
	}
	b, err := json.Marshal(value)
	return b, err == nil && !bytes.Contains(b, []byte(`"":`)) && depth(value) < maxDepth
}

func FuzzPatch(f *testing.F) {
	f.Add(`{"a":[1,2,3],"b":{"c":null}}`, `{"a":[2,3,4],"b":{"c":[]}}`)
	f.Add(`{"a":9007199254740992}`, `{"a":9007199254740993}`)
	f.Add(`[[],{},"",0,false,null]`, `[null,false,0,"",{},[]]`)
	f.Add(`{" ":{"~":1},"~1":2,"-":[1]}`, `{" ":{"~":2},"/":2,"-":[1,2]}`)
	f.Add(`[{"id":1,"n":1},{"id":2,"n":1},{"id":3,"n":1}]`, `[{"id":2,"n":2},{"id":3,"n":1},{"id":4,"n":1}]`)
	f.Fuzz(func(t *testing.T, from, to string) {
		before, ok := plain(from)
		after, also := plain(to)
		if !ok || !also {
			return
		}
		// With much beside it that stays, almost any patch is shorter than the text, and than by place.
		for _, rest := range []int{0, len(from) + len(to), 3000} {
			if rest < 3000 || len(from)+len(to) < 60 {
				patchAndApply(t, beside(before, rest), beside(after, rest))
			}
		}
	})
}

// beside is an object that has a value and something long.
func beside(value []byte, length int) []byte {
	return fmt.Appendf(nil, `{"x":%s,"rest":"%s"}`, value, strings.Repeat("-", length))
}

func patchAndApply(t *testing.T, from, to []byte) {
	t.Helper()
	got := patch(from, to)
	if got == nil {
		if len(to) > 3000 && !equalJSON(t, from, to) {
			t.Errorf("no patch from %s to %s", from, to)
		}
		return
	}
	if len(got) >= len(to) {
		t.Errorf("a patch of %d bytes to a text of %d", len(got), len(to))
	}
	if text := applied(t, from, got); !equalJSON(t, text, to) {
		t.Errorf("from %s by %s to %s, want %s", from, got, text, to)
	}
}
