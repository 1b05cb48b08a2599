package gateway

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/sluice-gateway/sluice/internal/testschema"
)

func askSDL(h http.Handler, method string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/schema.graphql", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestTheSchemaIsServedWithItsDirectives(t *testing.T) {
	schema := testschema.New().Schema()
	answer := askSDL(newSDL(schema), http.MethodGet)
	if got := answer.Header().Get("Content-Type"); answer.Code != http.StatusOK || got != "text/plain; charset=utf-8" {
		t.Fatalf("%d, %q", answer.Code, got)
	}
	read, err := gqlparser.LoadSchema(&ast.Source{Name: "served", Input: answer.Body.String()})
	if err != nil {
		t.Fatal(err)
	}
	if len(read.Types) != len(schema.Types) {
		t.Errorf("%d types were served, of %d", len(read.Types), len(schema.Types))
	}
	seen := 0
	for name, def := range schema.Types {
		sameDirectives(t, name, read.Types[name].Directives, def.Directives)
		for _, field := range def.Fields {
			if served := read.Types[name].Fields.ForName(field.Name); served == nil {
				t.Errorf("%s.%s was not served", name, field.Name)
			} else if !def.BuiltIn {
				sameDirectives(t, name+"."+field.Name, served.Directives, field.Directives)
				seen += len(field.Directives)
			}
		}
	}
	if seen == 0 {
		t.Error("the schema of the test has no directives")
	}
}

func sameDirectives(t *testing.T, of string, got, want ast.DirectiveList) {
	t.Helper()
	said := func(list ast.DirectiveList) (all []string) {
		for _, d := range list {
			text := d.Name
			for _, a := range d.Arguments {
				text += " " + a.Name + ":" + a.Value.String()
			}
			all = append(all, text)
		}
		return all
	}
	if !slices.Equal(said(got), said(want)) {
		t.Errorf("%s: %q was served of %q", of, said(got), said(want))
	}
}

func TestABrowserThatHasTheSchemaIsToldSo(t *testing.T) {
	h := newSDL(testschema.New().Schema())
	tag := askSDL(h, http.MethodGet).Header().Get("ETag")
	for _, tt := range []struct {
		name, method string
		header       []string
		status       int
		empty        bool
	}{
		{"one that has none", http.MethodGet, nil, http.StatusOK, false},
		{"one that has this", http.MethodGet, []string{"If-None-Match", tag}, http.StatusNotModified, true},
		{"one that has another", http.MethodGet, []string{"If-None-Match", `"other"`}, http.StatusOK, false},
		{"one that asks what there is", http.MethodHead, nil, http.StatusOK, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			answer := askSDL(h, tt.method, tt.header...)
			if answer.Code != tt.status || answer.Body.Len() == 0 != tt.empty || answer.Header().Get("Cache-Control") != "no-cache" {
				t.Errorf("%d, %d bytes, %v", answer.Code, answer.Body.Len(), answer.Header())
			}
		})
	}
}
