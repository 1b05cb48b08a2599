package keys

import (
	"regexp"
	"strings"
	"testing"
)

// Scanners for secrets know keys by this form: it does not change.
func TestTheFormOfAKey(t *testing.T) {
	form := regexp.MustCompile(`^sluice_[a-z2-7]{16}_[a-z2-7]{52}$`)
	seen := make(map[string]bool)
	for range 100 {
		id, s := newID(), newSecret()
		text := write(id, s)
		if !form.MatchString(text) || seen[text] {
			t.Fatalf("%q is no new key", text)
		}
		seen[text] = true
		if gotID, got, ok := parse(text); !ok || gotID != id || got != s {
			t.Fatalf("%q is read as %q, %x", text, gotID, got)
		}
	}
	if got := write("aaaaaaaaaaaaaaaa", secret{}); got != "sluice_aaaaaaaaaaaaaaaa_"+strings.Repeat("a", 52) {
		t.Errorf("a key of nothing is %q", got)
	}
}

func TestWhatIsNoKey(t *testing.T) {
	id, rest := strings.Repeat("a", 16), strings.Repeat("a", 52)
	for name, text := range map[string]string{
		"nothing":                         "",
		"the prefix alone":                "sluice_",
		"an id without a secret":          "sluice_" + id,
		"an empty secret":                 "sluice_" + id + "_",
		"another prefix":                  "sluise_" + id + "_" + rest,
		"upper-case letters":              strings.ToUpper("sluice_" + id + "_" + rest),
		"an upper-case letter in the id":  "sluice_A" + id[1:] + "_" + rest,
		"a digit that base32 has not":     "sluice_1" + id[1:] + "_" + rest,
		"a short id":                      "sluice_" + id[1:] + "_" + rest,
		"a short secret":                  "sluice_" + id + "_" + rest[1:],
		"a long secret":                   "sluice_" + id + "_" + rest + "a",
		"another text of the same secret": "sluice_" + id + "_" + rest[1:] + "b",
		"a line end within":               "sluice_" + id + "_" + rest[1:] + "\n",
		"a line end behind":               "sluice_" + id + "_" + rest + "\n",
		"a space before":                  " sluice_" + id + "_" + rest,
		"padding":                         "sluice_" + id + "_" + rest[1:] + "=",
		"a third part":                    "sluice_" + id + "_" + rest[27:] + "_" + rest[26:],
		"a JSON Web Token":                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
	} {
		t.Run(name, func(t *testing.T) {
			if id, _, ok := parse(text); ok {
				t.Errorf("%q is a key with the id %q", text, id)
			}
		})
	}
}

// Whatever is read as a key is the one text of that key.
func FuzzParse(f *testing.F) {
	f.Add("sluice_" + strings.Repeat("a", 16) + "_" + strings.Repeat("a", 52))
	f.Add("sluice_" + strings.Repeat("7", 16) + "_" + strings.Repeat("7", 51) + "q")
	f.Add("sluice_" + strings.Repeat("a", 16) + "_" + strings.Repeat("a", 50) + "\r\n")
	f.Add("sluice__")
	f.Fuzz(func(t *testing.T, text string) {
		if id, s, ok := parse(text); ok && write(id, s) != text {
			t.Fatalf("%q is read as the key %q", text, write(id, s))
		}
	})
}
