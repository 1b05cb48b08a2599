package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

const okHead = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

func chunks(parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(part), part)
	}
	return b.String()
}

func streamed(wire string, piece int) (got []string, err error) {
	var s stream
	for part := range slices.Chunk([]byte(wire), piece) {
		err := s.feed(part, func(event []byte) error {
			got = append(got, string(event))
			return nil
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func TestEventsAreCutTheSameHoweverTheyArrive(t *testing.T) {
	want := []string{":", "event: next\ndata: {\"a\":1}", "event: next\ndata: {\"a\":2}", "event: complete\ndata:"}
	chunked := okHead + "Transfer-Encoding: chunked\r\n\r\n"
	for name, wire := range map[string]string{
		"a chunk per event": chunked + chunks(":\n\n", want[1]+"\n\n", want[2]+"\n\n", want[3]+"\n\n") + "0\r\n\r\n",
		"one chunk for all": chunked + chunks(strings.Join(want, "\n\n")+"\n\n"),
		"chunks that cut events": chunked +
			chunks(":\n", "\nevent: next\ndata: {\"a\"", ":1}\n\n"+want[2]+"\n", "\n"+want[3], "\n\n"),
		"no chunks": okHead + "Connection: close\r\n\r\n" + strings.Join(want, "\n\n") + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{1, 2, 5, 16, len(wire)} {
				got, err := streamed(wire, piece)
				if err != nil {
					t.Fatalf("in pieces of %d: %v", piece, err)
				}
				if !slices.Equal(got, want) {
					t.Errorf("in pieces of %d: got %q", piece, got)
				}
			}
		})
	}
}

func TestBrokenStreamsAreRefused(t *testing.T) {
	chunked := okHead + "Transfer-Encoding: chunked\r\n\r\n"
	for name, wire := range map[string]string{
		"another status":                   "HTTP/1.1 429 Too Many Requests\r\n\r\nslow down",
		"another content type":             "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"a chunk size that is not":         chunked + "zz\r\n",
		"an empty chunk size":              chunked + "\r\n",
		"a chunk size beyond all measures": chunked + "ffffffffff\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := streamed(wire, len(wire)); err == nil {
				t.Errorf("got %q and no error", got)
			}
		})
	}
}

func FuzzStream(f *testing.F) {
	f.Add("Transfer-Encoding: chunked\r\n\r\n"+chunks(":\n", "\nevent: next\ndata: 1\n\n"), 3)
	f.Add("\r\nevent: next\ndata: 1\n\n", 2)
	f.Fuzz(func(t *testing.T, rest string, piece int) {
		if piece < 1 {
			return
		}
		whole, errWhole := streamed(okHead+rest, len(okHead)+len(rest))
		parts, errParts := streamed(okHead+rest, piece)
		if !slices.Equal(whole, parts) || (errWhole == nil) != (errParts == nil) {
			t.Errorf("whole %q %v, in pieces of %d %q %v", whole, errWhole, piece, parts, errParts)
		}
	})
}
