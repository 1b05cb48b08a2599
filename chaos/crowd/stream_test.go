package crowd

import (
	"bufio"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// pieces are those of a stream, as they say it.
func pieces(text string, f *form) (all []said) {
	scanner := bufio.NewScanner(iotest.OneByteReader(strings.NewReader(text)))
	scanner.Split(splitAt(f.delimiter))
	for scanner.Scan() {
		p := f.read(scanner.Bytes())
		p.result = slices.Clone(p.result)
		all = append(all, p)
	}
	return all
}

func TestPiecesOfAStream(t *testing.T) {
	for _, test := range []struct {
		name, text string
		form       *form
		want       []said
	}{
		{"comments and pauses", ":\n\nretry: 2000\n\n", eventStream, []said{{}, {}}},
		{"where it begins", "id: abc\n\n", eventStream, []said{{marked: true, cursor: "abc"}}},
		{"a result and its place", "event: next\ndata: {}\nid: abc\n\n", eventStream, []said{{result: []byte("{}"), marked: true, cursor: "abc"}}},
		{"without a place", "event: next\ndata: {}\n\n", eventStream, []said{{result: []byte("{}")}}},
		{"a place that is forgotten", "event: next\ndata: {}\nid:\n\n", eventStream, []said{{result: []byte("{}"), marked: true}}},
		{"its end", "event: complete\ndata:\n\n", eventStream, []said{{over: true}}},
		{"an event of another name", "event: news\ndata: {}\n\n", eventStream, []said{{}}},
		{"a place that is cut off is none", "event: next\ndata: {}\nid: ab", eventStream, nil},

		{"the beginning", "\r\n--graphql", multipart, []said{{}}},
		{"a heartbeat", "\r\n--graphql\r\ncontent-type: application/json\r\n\r\n{}\r\n--graphql", multipart, []said{{}, {}}},
		{"a part", "\r\ncontent-type: application/json\r\n\r\n{\"payload\":{\"data\":1}}\r\n--graphql", multipart, []said{{result: []byte(`{"data":1}`)}}},
		{"errors beside the payload", "\r\n\r\n{\"payload\":null,\"errors\":[]}\r\n--graphql", multipart, []said{{result: []byte(`{"payload":null,"errors":[]}`)}}},
		{"no JSON", "\r\n\r\n{\r\n--graphql", multipart, []said{{result: []byte("{")}}},
		{"a part that is cut off is none", "\r\n\r\n{\"payload\":{}}\r\n--graph", multipart, nil},
		{"the end", "--\r\n", multipart, nil},
	} {
		if got := pieces(test.text, test.form); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

// FuzzPieces: whatever a gateway says, reading it ends, and a place has no line break.
func FuzzPieces(f *testing.F) {
	f.Add("event: next\ndata: {}\nid: abc\n\n")
	f.Add("\r\n--graphql\r\n\r\n{\"payload\":{}}\r\n--graphql--\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, form := range []*form{eventStream, multipart} {
			for _, p := range pieces(text, form) {
				if strings.Contains(p.cursor, "\n") {
					t.Errorf("a place is %q", p.cursor)
				}
			}
		}
	})
}
