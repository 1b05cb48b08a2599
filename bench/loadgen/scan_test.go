package main

import (
	"encoding/json"
	"fmt"
	"testing"
)

func TestScan(t *testing.T) {
	for _, c := range []struct {
		name           string
		message        string
		revision, sent int64
		ok             bool
	}{
		{"both in order", `{"revision":7,"note":"t123..."}`, 7, 123, true},
		{"both the other way round", `{"note":"t123","revision":7}`, 7, 123, true},
		{"revision 0, a probe", `{"revision":0,"note":"t1"}`, 0, 1, true},
		{"a note that imitates a revision", `{"note":"t5 \"revision\":9","revision":3}`, 3, 5, true},
		{"no note", `{"revision":7}`, 0, 0, false},
		{"a note that is not ours", `{"revision":7,"note":"sale"}`, 0, 0, false},
		{"a note without digits", `{"revision":7,"note":"t"}`, 0, 0, false},
		{"a revision that is null", `{"revision":null,"note":"t1"}`, 0, 0, false},
		{"a negative revision", `{"revision":-1,"note":"t1"}`, 0, 0, false},
		{"more than int64 holds", `{"revision":9999999999999999999,"note":"t1"}`, 0, 0, false},
		{"cut within the number", `{"note":"t1","revision":`, 0, 0, false},
		{"an acknowledgement", `{"type":"connection_ack"}`, 0, 0, false},
		{"nothing", ``, 0, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			revision, sent, ok := scan([]byte(c.message))
			if revision != c.revision || sent != c.sent || ok != c.ok {
				t.Errorf("got %d %d %t", revision, sent, ok)
			}
		})
	}
}

// Whatever the other values are, the scanner agrees with a JSON parser about events of our making.
func FuzzScan(f *testing.F) {
	f.Add(int64(1), int64(1785585600123456789), "EUR", "....")
	f.Add(int64(0), int64(0), `"revision":5,"note":"t6`, `\"revision\":7`)
	f.Fuzz(func(t *testing.T, revision, sent int64, currency, padding string) {
		if revision < 0 || sent < 0 {
			return
		}
		if padding != "" && '0' <= padding[0] && padding[0] <= '9' {
			padding = "." + padding
		}
		message, err := json.Marshal(struct {
			Currency string `json:"currency"`
			Revision int64  `json:"revision"`
			Note     string `json:"note"`
		}{currency, revision, fmt.Sprintf("t%d%s", sent, padding)})
		if err != nil {
			return
		}
		gotRevision, gotSent, ok := scan(message)
		if !ok || gotRevision != revision || gotSent != sent {
			t.Errorf("%s: got %d %d %t", message, gotRevision, gotSent, ok)
		}
		scan([]byte(currency)) // anything at all: no panic
	})
}
