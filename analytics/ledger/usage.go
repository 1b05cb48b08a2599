package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// A Key says whose usage it is, and of what.
type Key struct {
	Issuer   string `json:"issuer"`   // of the consumer's tokens; empty for keys
	Consumer string `json:"consumer"` // empty: anonymous
	Plan     string `json:"plan"`
	Field    string `json:"field"` // such as "Subscription.priceChanged"
}

// Usage is how much. A correction may be negative.
type Usage struct {
	Events          int64 `json:"events"` // delivered
	Bytes           int64 `json:"bytes"`  // of them
	ConnectedMillis int64 `json:"connected_ms"`
	Requests        int64 `json:"requests"` // queries and mutations
}

// Plus is the sum of two usages.
func (u Usage) Plus(other Usage) Usage {
	return Usage{
		Events:          u.Events + other.Events,
		Bytes:           u.Bytes + other.Bytes,
		ConnectedMillis: u.ConnectedMillis + other.ConnectedMillis,
		Requests:        u.Requests + other.Requests,
	}
}

// longest is how many bytes of a name are kept: four of them are a key of an index, which PostgreSQL
// wants below 2,704 bytes.
const longest = 512

// Kept is a name as the ledger keeps it: as it is, or cut with a hash at its end if it is too long or no text
// that every store can keep. It is what a Query asks for.
func Kept(name string) string { return fit(name) }

// fit makes every name one that all stores can keep. Names that differ still differ.
func (k Key) fit() Key {
	return Key{fit(k.Issuer), fit(k.Consumer), fit(k.Plan), fit(k.Field)}
}

func fit(name string) string {
	if len(name) <= longest && utf8.ValidString(name) && !strings.Contains(name, "\x00") {
		return name
	}
	hash := sha256.Sum256([]byte(name))
	end := "…" + hex.EncodeToString(hash[:])
	clean := strings.ReplaceAll(strings.ToValidUTF8(name, "�"), "\x00", "�")
	if room := longest - len(end); len(clean) > room {
		clean = strings.ToValidUTF8(clean[:room], "") // a letter may have been cut in two
	}
	return clean + end
}
