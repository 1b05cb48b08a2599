package transport

import (
	"encoding/json"
	"errors"
	"net/url"
	"testing"
	"unicode/utf8"
)

func TestMostSpecificRangeDecides(t *testing.T) {
	for header, want := range map[string]string{
		"":                        JSON,
		"*/*":                     JSON,
		"*/*, " + GraphQLResponse: JSON, // of equals the first listed
		GraphQLResponse + ", */*": GraphQLResponse,
		"application/*;q=0.2, application/json;q=0.1, " + GraphQLResponse + ";q=0": JSON,
		"*/*;q=0.9, application/*;q=0":                                             "",
		"application/json;q=2":                                                     "",
		"application/json;q=NaN":                                                   "",
		"application/json;q=":                                                      "",
		"json":                                                                     "",
		",,,":                                                                      "",
		`application/json;x="\"",`:                                                 JSON,
	} {
		if got := ParseAccept([]string{header}).BestJSON(); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func FuzzParseAccept(f *testing.F) {
	f.Add("multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9")
	f.Add(`text/html;x="a,b\",c";q=0.5, */*`)
	f.Fuzz(func(t *testing.T, header string) {
		accept := ParseAccept([]string{header})
		for _, m := range accept {
			if !(m.Quality >= 0 && m.Quality <= 1) || m.Type == "" {
				t.Fatalf("%+v", m)
			}
		}
		if best := accept.BestJSON(); best != "" && !accept.Takes(best) {
			t.Fatalf("%q is best and not taken", best)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	f.Add([]byte(`{"query":"{a}","operationName":null,"variables":{"n":1e400},"extensions":{}}`))
	f.Add([]byte(`[{"query":"{a}"}]`))
	f.Add([]byte("\xff{}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		req, err := ParseRequest(body)
		switch {
		case errors.Is(err, ErrNotJSON):
			if json.Valid(body) && utf8.Valid(body) {
				t.Fatalf("%q is JSON", body)
			}
		case err == nil:
			if !json.Valid(body) || !utf8.ValidString(req.Query) {
				t.Fatalf("%q was taken", body)
			}
			if _, err := json.Marshal(req.Variables); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzParseQuery(f *testing.F) {
	f.Add("query={a}&variables={}&extensions=&operationName=")
	f.Add("variables={}{}")
	f.Add("query=%ff")
	f.Fuzz(func(t *testing.T, raw string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		req, err := ParseQuery(values)
		if err == nil && (!utf8.ValidString(req.Query) || !utf8.ValidString(req.OperationName)) {
			t.Fatalf("%q was taken", raw)
		}
	})
}
