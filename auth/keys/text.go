package keys

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// The text of a key is sluice_<id>_<secret>: 10 and 32 random bytes, in base32. The prefix lets
// scanners find keys that were committed somewhere; no dot tells it from a JSON Web Token.
const (
	prefix     = "sluice_"
	idSize     = 10 // bytes
	secretSize = 32
)

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// A secret is what proves that a caller has the key.
type secret [secretSize]byte

func newID() string {
	var id [idSize]byte
	_, _ = rand.Read(id[:]) // it ends the process rather than fail
	return letters.EncodeToString(id[:])
}

func newSecret() (s secret) {
	_, _ = rand.Read(s[:])
	return s
}

// write is the text of a key.
func write(id string, s secret) string {
	return prefix + id + "_" + letters.EncodeToString(s[:])
}

// parse takes the text of a key apart. Each key has one text, which is read as write wrote it.
func parse(text string) (id string, s secret, ok bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return "", secret{}, false
	}
	id, encoded, _ := strings.Cut(rest, "_")
	raw, ok := decode(encoded, secretSize)
	if !ok || !validID(id) {
		return "", secret{}, false
	}
	return id, secret(raw), true
}

func validID(id string) bool {
	_, ok := decode(id, idSize)
	return ok
}

// decode reads text that stands for size bytes. The decoder of the library skips line ends and
// ignores what the last letter has too much of, so the bytes must be written as text again.
func decode(text string, size int) ([]byte, bool) {
	if len(text) != letters.EncodedLen(size) {
		return nil, false
	}
	raw, err := letters.DecodeString(text)
	return raw, err == nil && letters.EncodeToString(raw) == text
}
