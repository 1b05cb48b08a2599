package jwt

import (
	"encoding/base64"
	"strings"
)

const maxToken = 8 << 10 // bytes

// A token is what the text of one says. Nothing in it is to be believed before its signature.
type token struct {
	algorithm string
	key       string // the kid; empty: it has none
	claims    claims
	signed    string // the part that the signature is over
	signature []byte
}

// looksSigned reports whether a text has the shape of a signed token: three parts of base64url with
// dots between them, of which the last, the signature, may be missing. An API key has no dots, and
// an encrypted token has five parts.
func looksSigned(text string) bool {
	header, rest, _ := strings.Cut(text, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	return ok && header != "" && payload != "" && isBase64(header) && isBase64(payload) && isBase64(signature)
}

func isBase64(part string) bool {
	for i := range len(part) {
		c := part[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// canonical decodes in one way only: two texts never mean the same token.
var canonical = base64.RawURLEncoding.Strict()

// parse reads a text that looksSigned.
func parse(text string) (*token, error) {
	dot := strings.LastIndexByte(text, '.')
	header, payload, _ := strings.Cut(text[:dot], ".")
	head, err := decode(header)
	if err != nil {
		return nil, err
	}
	t := &token{signed: text[:dot]}
	if err := t.readHeader(head); err != nil {
		return nil, err
	}
	if t.claims, err = decode(payload); err != nil {
		return nil, err
	}
	if t.signature, err = canonical.DecodeString(text[dot+1:]); err != nil {
		return nil, errNotCanonical
	}
	return t, nil
}

func decode(part string) (map[string]any, error) {
	text, err := canonical.DecodeString(part)
	if err != nil {
		return nil, errNotCanonical
	}
	return readObject(text)
}

// readHeader takes from a header what it may say. Where to find a key (jku, jwk, x5u, x5c) it may
// not: those parameters are never looked at.
func (t *token) readHeader(head map[string]any) error {
	var ok bool
	if t.algorithm, ok = head["alg"].(string); !ok {
		return refuse("the token names no algorithm")
	}
	if _, critical := head["crit"]; critical { // RFC 7515, section 4.1.11
		return refuse("the token demands an extension that is not known here")
	}
	if kind, given := head["typ"]; given && !isTokenType(kind) {
		return refuse("the token's typ is neither JWT nor at+jwt")
	}
	if id, given := head["kid"]; given {
		if t.key, ok = id.(string); !ok || !isText(t.key) {
			return refuse("the token's kid is not a string of 1 to 256 bytes")
		}
	}
	return nil
}

// isTokenType keeps out tokens that are signed for something else, such as logout+jwt (RFC 8725,
// section 3.11).
func isTokenType(kind any) bool {
	name, _ := kind.(string)
	name = strings.ToLower(name)
	name = strings.TrimPrefix(name, "application/")
	return name == "jwt" || name == "at+jwt"
}
