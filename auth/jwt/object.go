package jwt

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep a token's JSON may nest; each level of a hostile one costs stack.
const maxDepth = 20

var errJSON = errors.New("not JSON")

// readObject reads one JSON object as encoding/json does, but refuses names that stand twice, text
// that is not UTF-8, and whatever follows. Of two claims with one name encoding/json believes the
// last, and whoever looked at the token before us may have believed the first.
func readObject(text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, errMalformed
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	value, err := readValue(d, maxDepth)
	if err != nil {
		return nil, errMalformed
	}
	object, ok := value.(map[string]any)
	if _, more := d.Token(); !ok || !errors.Is(more, io.EOF) {
		return nil, errMalformed
	}
	return object, nil
}

func readValue(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	opening, nested := t.(json.Delim)
	switch {
	case !nested:
		return exact(t), nil
	case depth == 0:
		return nil, errJSON
	case opening == '{':
		return readMembers(d, depth-1)
	}
	return readElements(d, depth-1)
}

func readMembers(d *json.Decoder, depth int) (any, error) {
	object := make(map[string]any)
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := t.(string)
		if _, twice := object[name]; !ok || twice {
			return nil, errJSON
		}
		if object[name], err = readValue(d, depth); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return object, err
}

func readElements(d *json.Decoder, depth int) (any, error) {
	list := []any{}
	for d.More() {
		value, err := readValue(d, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.Token()
	return list, err
}

// exact keeps whole numbers whole: a float makes two ids of 64 bits equal. What is whole and too
// large for an integer stays text.
func exact(t json.Token) any {
	number, ok := t.(json.Number)
	if !ok {
		return t
	}
	if n, err := number.Int64(); err == nil {
		return n
	}
	f, err := number.Float64()
	if err != nil || f == math.Trunc(f) && !strings.ContainsAny(number.String(), ".eE") {
		return number.String()
	}
	return f
}
