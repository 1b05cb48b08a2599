package documents_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/documents"
)

const (
	text = "{ product { name } }"
	hash = "80ae4cb29bf2a658a19b7d88a4b608e1a135f4bec0f5b4ad5acfb330527546e5"
)

func TestHashIsTheSHA256InLowerCaseHex(t *testing.T) {
	if got := documents.Hash(text); got != hash || !documents.IsHash(got) {
		t.Errorf("Hash = %s", got)
	}
}

func TestIsHash(t *testing.T) {
	for name, test := range map[string]struct {
		s    string
		want bool
	}{
		"a hash":                        {hash, true},
		"a hash in upper case is none":  {strings.ToUpper(hash), false},
		"a hash with a prefix is none":  {"sha256:" + hash, false},
		"something shorter is none":     {hash[1:], false},
		"something longer is none":      {hash + "0", false},
		"nothing is none":               {"", false},
		"what is not hex is no hash":    {strings.Repeat("g", 64), false},
		"a line break does not slip in": {hash[:63] + "\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := documents.IsHash(test.s); got != test.want {
				t.Errorf("IsHash(%q) = %v", test.s, got)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	largest := strings.Repeat(" ", documents.MaxText)
	for name, test := range map[string]struct {
		hash, text string
		want       error
	}{
		"a text passes under its hash":            {hash, text, nil},
		"a text fails under the hash of another":  {documents.Hash("{ other }"), text, documents.ErrMismatch},
		"a text fails under its hash in capitals": {strings.ToUpper(hash), text, documents.ErrMismatch},
		"the largest text passes":                 {documents.Hash(largest), largest, nil},
		"a larger one fails":                      {documents.Hash(largest + " "), largest + " ", documents.ErrTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if err := documents.Check(test.hash, test.text); !errors.Is(err, test.want) {
				t.Errorf("Check = %v, want %v", err, test.want)
			}
		})
	}
}

func BenchmarkHash(b *testing.B) {
	document := strings.Repeat("x", 2<<10)
	b.ReportAllocs()
	for b.Loop() {
		documents.Hash(document)
	}
}
