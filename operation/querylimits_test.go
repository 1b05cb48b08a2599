package operation_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/operation"
)

// limited tries a request that is exactly as large as a limit, and one that is larger by the least there is.
type limited struct {
	name     string
	limit    func(*operation.QueryLimits, int)
	standard int
	request  func(n int) operation.Request // of size n
	code     string
	says     string // of a request over the standard
}

func query(format string, args ...any) operation.Request {
	return operation.Request{Query: fmt.Sprintf(format, args...)}
}

// hello is a request with a variable.
func hello(variable any) operation.Request {
	return operation.Request{Query: `query($a:String){hello(name:$a)}`, Variables: map[string]any{"a": variable}}
}

// ignored is a request with a variable that nothing reads.
func ignored(variable any) operation.Request {
	return operation.Request{Query: `{whoami}`, Variables: map[string]any{"a": variable}}
}

func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(format, "#", fmt.Sprint(i)))
	}
	return b.String()
}

func lists(n int) any {
	var v any = true
	for range n {
		v = []any{v}
	}
	return v
}

var queryLimits = []limited{
	{
		"bytes of a document", func(l *operation.QueryLimits, n int) { l.DocumentBytes = n }, 96 << 10,
		func(n int) operation.Request { return query("{whoami}%s", strings.Repeat(" ", n-8)) },
		"QUERY_TOO_LARGE", "98305 bytes, more than the limit of 98304",
	},
	{
		"tokens", func(l *operation.QueryLimits, n int) { l.Tokens = n }, 1000,
		func(n int) operation.Request { return query("{%s}", strings.Repeat("whoami ", n-2)) },
		"TOKEN_LIMIT", "limit of 1000",
	},
	{
		"directives", func(l *operation.QueryLimits, n int) { l.Directives = n }, 50,
		func(n int) operation.Request { return query("{%s}", strings.Repeat("whoami@include(if:true) ", n)) },
		"DIRECTIVE_LIMIT", "51 directives, more than the limit of 50",
	},
	{
		"depth of fields", func(l *operation.QueryLimits, n int) { l.Depth = n }, 10,
		func(n int) operation.Request {
			return query("{tree%s{name}%s}", strings.Repeat("{parent", n-2), strings.Repeat("}", n-2))
		},
		"DEPTH_LIMIT", "11 deep, more than the limit of 10",
	},
	{
		"aliases", func(l *operation.QueryLimits, n int) { l.Aliases = n }, 30,
		func(n int) operation.Request {
			return query("{tree{...f}} fragment f on Tree{%s}", many(n, " a#:name"))
		},
		"ALIAS_LIMIT", "31 aliases, more than the limit of 30",
	},
	{
		"root fields", func(l *operation.QueryLimits, n int) { l.RootFields, l.Aliases = n, math.MaxInt }, 20,
		func(n int) operation.Request { return query("{whoami ...{%s}}", many(n-1, " a#:whoami")) },
		"ROOT_FIELD_LIMIT", "21 root fields, more than the limit of 20",
	},
	{
		"cost", func(l *operation.QueryLimits, n int) { l.Cost = n }, 1000,
		func(n int) operation.Request { return query("{plants(first:%d){parent{name}}}", n-1) },
		"COST_LIMIT", "costs 1001, more than the limit of 1000",
	},
	{
		"cost with variables", func(l *operation.QueryLimits, n int) { l.Cost = n }, 1000,
		func(n int) operation.Request {
			r := query("query($n:Int){plants(first:$n){parent{name}}}")
			r.Variables = map[string]any{"n": json.Number(fmt.Sprint(n - 1))}
			return r
		},
		"COST_LIMIT", "costs 1001, more than the limit of 1000",
	},
	{
		"the name of the operation", func(l *operation.QueryLimits, n int) { l.OperationName = n }, 128,
		func(n int) operation.Request {
			r := query("query %s{whoami}", strings.Repeat("x", n))
			r.OperationName = strings.Repeat("x", n)
			return r
		},
		"QUERY_TOO_LARGE", "129 bytes, more than the limit of 128",
	},
	{
		"bytes of variables", func(l *operation.QueryLimits, n int) { l.Variables = n }, 32 << 10,
		func(n int) operation.Request { return hello(strings.Repeat("x", n-len(`{"a":,""}`))) },
		"QUERY_TOO_LARGE", "more bytes than the limit of 32768",
	},
	{
		"depth of variables", func(l *operation.QueryLimits, n int) { l.VariableDepth = n }, 20,
		func(n int) operation.Request { return ignored(lists(n - 1)) },
		"QUERY_TOO_LARGE", "deeper than the limit of 20",
	},
	{
		"elements of variables", func(l *operation.QueryLimits, n int) { l.VariableElements = n }, 1000,
		func(n int) operation.Request { return ignored(make([]any, n-1)) },
		"QUERY_TOO_LARGE", "elements than the limit of 1000",
	},
	{
		"members of variables", func(l *operation.QueryLimits, n int) { l.VariableElements = n }, 1000,
		func(n int) operation.Request {
			members := make(map[string]any)
			for i := range n - 1 {
				members[fmt.Sprint(i)] = nil
			}
			return ignored(members)
		},
		"QUERY_TOO_LARGE", "elements than the limit of 1000",
	},
	{
		"digits of a variable", func(l *operation.QueryLimits, n int) { l.Digits = n }, 64,
		func(n int) operation.Request { return ignored(json.Number(strings.Repeat("1", n))) },
		"QUERY_TOO_LARGE", "65 characters, more than the limit of 64",
	},
}

func TestLimits(t *testing.T) {
	standard := newBench(t, operation.Options{})
	for _, tt := range queryLimits {
		t.Run(tt.name, func(t *testing.T) {
			if code := standard.code(tt.request(tt.standard)); code != "" {
				t.Errorf("at the standard limit: %s", code)
			}
			_, errs := standard.engine.Prepare(t.Context(), tt.request(tt.standard+1))
			if errs == nil || operation.Code(errs) != tt.code || !strings.Contains(errs[0].Message, tt.says) {
				t.Errorf("over the standard limit: %v, want %s and %q", errs, tt.code, tt.says)
			}
			another := tt.standard + 7
			var l operation.QueryLimits
			tt.limit(&l, another)
			other := newBench(t, operation.Options{Query: l})
			if code := other.code(tt.request(another)); code != "" {
				t.Errorf("at another limit: %s", code)
			}
			if code := other.code(tt.request(another + 1)); code != tt.code {
				t.Errorf("over another limit: %s", code)
			}
			tt.limit(&l, math.MaxInt)
			if code := newBench(t, operation.Options{Query: l}).code(tt.request(tt.standard * 2)); code != "" {
				t.Errorf("without a limit: %s", code)
			}
		})
	}
}

func TestNumbersInADocument(t *testing.T) {
	b := newBench(t, operation.Options{})
	for digits, code := range map[int]string{64: "GRAPHQL_VALIDATION_FAILED", 65: "QUERY_TOO_LARGE"} {
		if got := b.code(query("{plants(first:%s){name}}", strings.Repeat("1", digits))); got != code {
			t.Errorf("%d digits: %s, want %s", digits, got, code)
		}
	}
}

func TestNestingFollowsTheLimitOfDepth(t *testing.T) {
	nested := func(n int) operation.Request {
		return query("{tree%s{name}%s}", strings.Repeat("{...", n), strings.Repeat("}", n))
	}
	for depth, nesting := range map[int]int{1: 100, 10: 100, 30: 120, math.MaxInt: 900} {
		b := newBench(t, operation.Options{Query: operation.QueryLimits{Depth: depth, Tokens: math.MaxInt}})
		if _, errs := b.engine.Prepare(t.Context(), nested(nesting-2)); errs != nil && strings.Contains(errs[0].Message, "braces") {
			t.Errorf("with a depth of %d: %v", depth, errs)
		}
		if depth == math.MaxInt {
			continue
		}
		if _, errs := b.engine.Prepare(t.Context(), nested(nesting-1)); errs == nil || !strings.Contains(errs[0].Message, fmt.Sprintf("nest %d deep", nesting+1)) {
			t.Errorf("with a depth of %d: %v", depth, errs)
		}
	}
}

// What gqlparser would not descend into any more is too deep, whatever the limit.
func TestDepthHasAnEnd(t *testing.T) {
	b := newBench(t, operation.Options{Query: operation.QueryLimits{Depth: math.MaxInt, Tokens: math.MaxInt}})
	if code := b.code(query("{tree%s", strings.Repeat("{a", 40_000))); code != "DEPTH_LIMIT" {
		t.Errorf("code %s", code)
	}
}

func TestIntrospectionIsNotDeep(t *testing.T) {
	b := newBench(t, operation.Options{Introspection: true, Query: operation.QueryLimits{Depth: 1, Cost: 1}})
	if code := b.code(query("%s", introspection)); code != "" {
		t.Errorf("code %s", code)
	}
	if code := b.code(query("{__schema{types%s{name}%s}}", strings.Repeat("{fields{type", 5), strings.Repeat("}}", 5))); code != "GRAPHQL_VALIDATION_FAILED" {
		t.Errorf("lists of introspection that nest: %s", code)
	}
}

func TestEveryOperationOfADocumentHasToKeepTheLimits(t *testing.T) {
	b := newBench(t, operation.Options{})
	r := query("query small{whoami} query large{tree{%s}} query dear{plants(first:2000){parent{name}}}", many(31, " a#:name"))
	r.OperationName = "small"
	if code := b.code(r); code != "ALIAS_LIMIT" {
		t.Errorf("code %s", code)
	}
	r = query("query small{whoami} query dear{plants(first:2000){parent{name}}}")
	r.OperationName = "small"
	if code := b.code(r); code != "" { // what is not executed costs nothing
		t.Errorf("code %s", code)
	}
	r.OperationName = "dear"
	if code := b.code(r); code != "COST_LIMIT" {
		t.Errorf("code %s", code)
	}
}

func TestATrustedDocumentOverALimitStopsTheStart(t *testing.T) {
	deep := fmt.Sprintf("{tree%s{name}%s}", strings.Repeat("{parent", 10), strings.Repeat("}", 10))
	text, err := json.Marshal(map[string]string{"deep": deep})
	if err != nil {
		t.Fatal(err)
	}
	_, err = operation.New(testschema.New(), nil, nil, operation.Options{Persisted: operation.Persisted{Trusted: trusted(t, string(text))}})
	if err == nil || !strings.Contains(err.Error(), "document deep") || !strings.Contains(err.Error(), "nest 12 deep") {
		t.Errorf("the error is %v", err)
	}
}

// The form of a refusal follows the operation, as long as its text is parsed.
func TestASubscriptionOverALimitIsStillOne(t *testing.T) {
	b := newBench(t, operation.Options{})
	for name, tt := range map[string]struct {
		req     operation.Request
		streams bool
	}{
		"over the cost":       {query("subscription{grown{offspring(first:5000){parent{name}}}}"), true},
		"over the depth":      {query("subscription{grown%s{name}%s}", strings.Repeat("{parent", 10), strings.Repeat("}", 10)), true},
		"over the nesting":    {query("subscription{grown%s{name}%s}", strings.Repeat("{parent", 100), strings.Repeat("}", 100)), false},
		"over the tokens":     {query("subscription{%s}", strings.Repeat("grown ", 2000)), false},
		"over the aliases":    {query("subscription{grown{%s}}", many(31, " a#:name")), true},
		"over the directives": {query("subscription{grown{name%s}}", strings.Repeat("@a", 51)), false},
	} {
		if b.code(tt.req) == "" {
			t.Errorf("%s: it is accepted", name)
		}
		if got := b.engine.ResultsOf(tt.req) == operation.ManyResults; got != tt.streams {
			t.Errorf("%s: streams %t, want %t", name, got, tt.streams)
		}
	}
}

func TestAFieldSaidManyTimesIsOne(t *testing.T) {
	b := newBench(t, operation.Options{})
	for text, want := range map[string]string{
		"{" + strings.Repeat("whoami ", 990) + "}":                           `{"data":{"whoami":"shop/alice"}}`,
		"{tree{...{name " + strings.Repeat("name ", 900) + "} name x:name}}": `{"data":{"tree":{"name":"tree","x":"tree"}}}`,
		`{whoami hello hello(name:"world") whoami @skip(if:true)}`:           "",
		`{hello hello whoami whoami @skip(if:true)}`:                         `{"data":{"hello":"hello world","whoami":"shop/alice"}}`,
		`{whoami @skip(if:true) whoami @skip(if:true)}`:                      `{"data":{}}`,
	} {
		result, err := b.engine.Do(t.Context(), operation.Request{Viewer: alice, Query: text})
		if string(result) != want || (err == nil) != (want != "") {
			t.Errorf("%.60s gives %s %v", text, result, err)
		}
	}
}

func TestAMessageIsNotAsLongAsWhatItQuotes(t *testing.T) {
	for _, suggestions := range []bool{false, true} {
		b := newBench(t, operation.Options{Suggestions: suggestions})
		for _, req := range []operation.Request{
			query("{hello(name:%s)}", strings.Repeat("ä", 10)), // no name, in GraphQL
			query("{hello(name:%s)}", strings.Repeat("a", 50_000)),
			query("{%s}", strings.Repeat("b", 50_000)),
			query("%s{a}", strings.Repeat("c", 50_000)),
			{Query: `query($n:Int){plants(first:$n){name}}`, Variables: map[string]any{"n": strings.Repeat("é", 10_000)}},
			{Query: `query($n:Int){plants(first:$n){name}}`, Variables: map[string]any{"n": map[string]any{strings.Repeat("d ", 10_000): 1}}},
		} {
			_, errs := b.engine.Prepare(t.Context(), req)
			if errs == nil {
				t.Fatalf("%.50s is accepted", req.Query)
			}
			for _, err := range errs {
				if len(err.Message) > 1100 {
					t.Errorf("%.50s: %d bytes: %.100s", req.Query, len(err.Message), err.Message)
				}
			}
		}
	}
}
