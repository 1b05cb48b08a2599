// Package documents finds GraphQL documents by their hash or id, for clients that do not send them
// whole.
//
// A Store shares what clients have sent once between nodes: automatic persisted queries. Trusted
// are the documents that were deployed with the front ends, read from disk before anything listens.
// To this package a document is a text: it knows no GraphQL, no HTTP and no viewer, so whoever gets
// a text from it still validates it and decides who may run it. It starts no goroutine. What it
// exports is safe for concurrent use.
package documents

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// MaxText is the longest text of a document, in bytes.
const MaxText = 96 << 10

var (
	// ErrTooLarge reports a text of more than MaxText bytes.
	ErrTooLarge = errors.New("documents: the text is too large")
	// ErrMismatch reports a text that has another hash.
	ErrMismatch = errors.New("documents: the text has another hash")
)

// Hash is the name of a text in automatic persisted queries: its SHA-256 in lower-case hex.
func Hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// IsHash reports whether s is what Hash returns for some text. What is not need not be looked for.
func IsHash(s string) bool {
	if len(s) != sha256.Size*2 {
		return false
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// Check says whether text may be kept under hash: nil, or an error wrapping ErrTooLarge or
// ErrMismatch.
func Check(hash, text string) error {
	if len(text) > MaxText {
		return fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(text), MaxText)
	}
	if Hash(text) != hash {
		return ErrMismatch
	}
	return nil
}
