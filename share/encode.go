package share

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Root is the root field of a subscription, as the encoder must know it.
type Root struct {
	Key     string // its response key: the alias or the name
	NonNull bool
}

// An encoder turns the responses of one execution into bytes that members share. It repairs what
// gqlgen leaves out for a subscription: error paths begin with the root field, and a null of a
// non-null root field makes the whole data null.
type encoder struct {
	root     Root
	nullRoot []byte // data in which only the root stands, and is null
	max      int
	errors   func(gqlerror.List) gqlerror.List
}

func newEncoder(root Root, o Options) encoder {
	key, _ := json.Marshal(root.Key)
	return encoder{
		root:     root,
		nullRoot: slices.Concat([]byte("{"), key, []byte(":null}")),
		max:      o.MaxResult,
		errors:   o.Errors,
	}
}

// encode returns a JSON object that aliases nothing of r, whose buffer gqlgen uses again, and whether it
// tells of errors.
func (e *encoder) encode(r *graphql.Response) (body []byte, failed bool) {
	errs := r.Errors
	for _, err := range errs {
		err.Path = slices.Concat(ast.Path{ast.PathName(e.root.Key)}, err.Path)
	}
	data := []byte(r.Data)
	if e.root.NonNull && bytes.Equal(data, e.nullRoot) {
		data = []byte("null")
	}
	return Encode(data, e.errors(errs), e.max), len(errs) > 0 || len(data) > e.max
}

// Encode writes an execution result as JSON, at most max bytes of it: a larger one becomes an
// error, never silence. Nil data is left out. There are no extensions: each receiver has its own.
func Encode(data []byte, errs gqlerror.List, max int) []byte {
	if len(data) > max {
		errs = gqlerror.List{{
			Message:    "the result has " + strconv.Itoa(len(data)) + " bytes, more than the limit of " + strconv.Itoa(max) + "; select less",
			Extensions: map[string]any{"code": "RESULT_TOO_LARGE"},
		}}
		data = []byte("null")
	}
	b := make([]byte, 0, len(data)+len(`{"data":}`))
	b = append(b, '{')
	if len(errs) > 0 {
		b = append(b, `"errors":`...)
		b = appendJSON(b, errs)
		b = append(b, ',')
	}
	if data != nil {
		b = append(b, `"data":`...)
		b = appendLine(b, data)
		b = append(b, ',')
	}
	if len(b) > 1 {
		b = b[:len(b)-1]
	}
	return append(b, '}')
}

// appendLine appends JSON as one line, which the frames of SSE need. Line breaks stand in it only
// between tokens, where a scalar of the schema was encoded with some.
func appendLine(b, data []byte) []byte {
	start := len(b)
	b = append(b, data...)
	if bytes.IndexByte(data, '\n') < 0 && bytes.IndexByte(data, '\r') < 0 {
		return b
	}
	for i, c := range b[start:] {
		if c == '\n' || c == '\r' {
			b[start+i] = ' '
		}
	}
	return b
}

// appendJSON appends errors. One that cannot be encoded (an extension that is no JSON value) is
// told without its extensions.
func appendJSON(b []byte, errs gqlerror.List) []byte {
	text, err := json.Marshal(errs)
	if err != nil {
		plain := make(gqlerror.List, len(errs))
		for i, e := range errs {
			plain[i] = &gqlerror.Error{Message: e.Message, Path: e.Path, Locations: e.Locations}
		}
		text, _ = json.Marshal(plain)
	}
	return append(b, text...)
}
