package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func answer(headers, body string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\nDate: today\r\n\r\n%s", headers, len(body), body)
}

func answered(wire string, piece int) (got []string, err error) {
	var a answers
	for part := range slices.Chunk([]byte(wire), piece) {
		err := a.feed(part, func(body []byte) error {
			got = append(got, string(body))
			return nil
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func TestAnswersAreCutTheSameHoweverTheyArrive(t *testing.T) {
	want := []string{`{"data":1}`, "", strings.Repeat("long ", 1000), "\r\n\r\n"}
	var wire string
	for i, body := range want {
		wire += answer(strings.Repeat("Vary: Origin\r\n", i), body)
	}
	for _, piece := range []int{1, 2, 7, 100, len(wire)} {
		got, err := answered(wire, piece)
		if err != nil {
			t.Fatalf("in pieces of %d: %v", piece, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: got %q", piece, got)
		}
	}
}

func TestBrokenAnswersAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		wire string
		want error // nil: any
	}{
		"another status":             {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", nil},
		"no length":                  {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errLength},
		"a length that is no number": {"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", errLength},
		"a length over all measures": {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", errLength},
		"a body over 1 MiB":          {"HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", errTooBig},
		"a head without end":         {"HTTP/1.1 200 OK\r\n" + strings.Repeat("Vary: Origin\r\n", 2000), errHead},
		"a head over 16 KiB":         {answer(strings.Repeat("Vary: Origin\r\n", 2000), "late"), errHead},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := answered(c.wire, len(c.wire))
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add("Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 3)
	f.Add("content-length: 1\r\n\r\n", 1)
	f.Fuzz(func(t *testing.T, rest string, piece int) {
		if piece < 1 {
			return
		}
		wire := "HTTP/1.1 200 OK\r\n" + rest
		whole, errWhole := answered(wire, len(wire))
		parts, errParts := answered(wire, piece)
		if !slices.Equal(whole, parts) || (errWhole == nil) != (errParts == nil) {
			t.Errorf("whole %q %v, in pieces of %d %q %v", whole, errWhole, piece, parts, errParts)
		}
	})
}
