package pubsub_test

import (
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

const (
	id     = "00112233445566778899aabb"
	noID   = "000000000000000000000000"
	at42   = "5f2b-42-" + id
	longAt = "ffffffffffffffff-18446744073709551615-" + id
)

func TestAPositionHasOneText(t *testing.T) {
	for _, text := range []string{at42, longAt, "1-0-" + noID, "1-1-" + noID} {
		p, ok := pubsub.ParsePosition(text)
		if !ok || p.String() != text {
			t.Errorf("%s was read as %v, %v", text, p, ok)
		}
	}
	for name, text := range map[string]string{
		"nothing":                      "",
		"no id":                        "5f2b-42",
		"no offset":                    "5f2b",
		"an epoch of zero":             "0-42-" + id,
		"an epoch with a leading zero": "05f2b-42-" + id,
		"an epoch in capitals":         "5F2B-42-" + id,
		"an epoch that is too long":    "10000000000000000-42-" + id,
		"an offset with a sign":        "5f2b-+42-" + id,
		"an offset with a zero":        "5f2b-042-" + id,
		"an offset that is too large":  "5f2b-18446744073709551616-" + id,
		"an empty offset":              "5f2b--" + id,
		"a short id":                   "5f2b-42-" + id[2:],
		"a long id":                    "5f2b-42-" + id + "00",
		"an id in capitals":            "5f2b-42-" + strings.ToUpper(id),
		"an id before the first event": "5f2b-0-" + id,
		"a fourth part":                "5f2b-42-" + id + "-1",
	} {
		if p, ok := pubsub.ParsePosition(text); ok || !p.IsZero() {
			t.Errorf("%s: %q was read as %v", name, text, p)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, seed := range []string{"", at42, longAt, "1-0-" + noID, "0-0-" + noID, "5f2b-042-" + id} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := pubsub.ParsePosition(text)
		if ok && (p.IsZero() || p.String() != text) || !ok && p != (pubsub.Position{}) {
			t.Fatalf("%q was read as %v, %v", text, p, ok)
		}
	})
}
