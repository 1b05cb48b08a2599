package share

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestEncode(t *testing.T) {
	oops := gqlerror.List{{Message: "oops"}}
	for _, tt := range []struct {
		name string
		data string
		errs gqlerror.List
		max  int
		want string
	}{
		{"data", `{"a":1}`, nil, 100, `{"data":{"a":1}}`},
		{"data and errors", `{"a":null}`, oops, 100, `{"errors":[{"message":"oops"}],"data":{"a":null}}`},
		{"errors alone", ``, oops, 100, `{"errors":[{"message":"oops"}]}`},
		{"null data is not absent data", `null`, oops, 100, `{"errors":[{"message":"oops"}],"data":null}`},
		{"as large as allowed", `{"a":1}`, nil, 7, `{"data":{"a":1}}`},
		{"line breaks between tokens", "{\"a\":{}\r\n}\n", nil, 100, `{"data":{"a":{}  } }`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var data []byte
			if tt.data != "" {
				data = []byte(tt.data)
			}
			if got := string(Encode(data, tt.errs, tt.max)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	got := string(Encode([]byte(`{"a":1}`), nil, 6))
	if !strings.Contains(got, "RESULT_TOO_LARGE") || !strings.HasSuffix(got, `"data":null}`) {
		t.Error(got)
	}
	bad := gqlerror.List{{Message: "oops", Extensions: map[string]any{"x": math.NaN()}}}
	if got := string(Encode(nil, bad, 100)); got != `{"errors":[{"message":"oops"}]}` {
		t.Errorf("an error that is no JSON is told as %s", got)
	}
}

func TestEncodeCopies(t *testing.T) {
	e := newEncoder(Root{Key: "a"}, Options{}.withDefaults())
	buffer := []byte(`{"a":1}`)
	got, failed := e.encode(&graphql.Response{Data: buffer})
	copy(buffer, "garbage")
	if string(got) != `{"data":{"a":1}}` || failed {
		t.Error("the result aliases the executor's buffer")
	}
}

func TestRootsAreMended(t *testing.T) {
	for nonNull, data := range map[bool]string{true: `null`, false: `{"a\"b":null}`} {
		e := newEncoder(Root{Key: `a"b`, NonNull: nonNull}, Options{}.withDefaults())
		got, failed := e.encode(&graphql.Response{
			Data:   []byte(`{"a\"b":null}`),
			Errors: gqlerror.List{{Message: "oops", Path: ast.Path{ast.PathName("x"), ast.PathIndex(1)}}},
		})
		if want := `{"errors":[{"message":"oops","path":["a\"b","x",1]}],"data":` + data + `}`; string(got) != want || !failed {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// FuzzEncode: a result is one line, and the JSON that went in.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("{\"data\":{\"any\":{}\n}}\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got := Encode(data, nil, len(data))
		if bytes.ContainsAny(got, "\r\n") {
			t.Fatalf("%q", got)
		}
		if json.Valid(data) != json.Valid(got) && data != nil {
			t.Errorf("%q became %q", data, got)
		}
	})
}
