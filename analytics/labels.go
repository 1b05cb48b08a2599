// Package analytics counts what was delivered, to whom.
//
// Each operation that runs has a Record, which counts without a lock. A Series is the sum of the operations
// that have, or had, the same Labels. A Recorder keeps the records, and a bounded number of series, whatever
// clients call themselves and their operations. The package knows neither GraphQL nor HTTP, and keeps nothing on disk. Everything here
// is safe for concurrent use.
package analytics

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Labels say what an operation is, for who counts.
type Labels struct {
	Kind      string `json:"kind"`      // "query", "mutation", "subscription" or "live"
	Operation string `json:"operation"` // its name in the document; empty: it has none
	Document  string `json:"document"`  // the beginning of the normalised document's hash, in hexadecimal
	Field     string `json:"field"`     // the first root field, such as "Subscription.priceChanged"
	Topic     string `json:"topic"`     // the template of the topics that feed it; empty: none do
	Consumer  string `json:"consumer"`  // empty: anonymous
	Issuer    string `json:"issuer"`    // of the consumer's tokens; empty for keys
	Subject   string `json:"subject"`   // the end user, where these are told apart; or empty
	Plan      string `json:"plan"`
	Transport string `json:"transport"` // "websocket", "sse", "multipart", "http" or "program"
	Client    string `json:"client"`    // what the client says that it is
	Version   string `json:"version"`   // and which version of it
	Country   string `json:"country"`   // that its address is of, such as "DE"; or empty
}

// Other stands for names of which there were too many.
const Other = "other"

// longest is how many bytes of a name are kept: clients choose some of them.
const longest = 128

// names are those that clients, tokens and operators choose.
func (l *Labels) names() []*string {
	return []*string{&l.Operation, &l.Consumer, &l.Issuer, &l.Subject, &l.Plan, &l.Client, &l.Version}
}

// Kept is what is kept of a name: all of a short one; of a long one the beginning and a hash, so that names
// that differ still do; and of Other, which nobody is, another one.
func Kept(name string) string {
	switch {
	case name == Other:
		return Other + "…"
	case len(name) <= longest:
		return name
	}
	hash := sha256.Sum256([]byte(name))
	end := "…" + hex.EncodeToString(hash[:8])
	return strings.ToValidUTF8(name[:longest-len(end)], "") + end
}

// kept returns labels whose names are.
func (l Labels) kept() Labels {
	for _, name := range l.names() {
		*name = Kept(*name)
	}
	return l
}

// own returns labels that keep nothing else in memory: a name may be a part of a document.
func (l Labels) own() Labels {
	for _, name := range l.names() {
		*name = strings.Clone(*name)
	}
	return l
}

// common returns labels without what clients choose freely: there are as many of these as the schema has
// fields and the operator has consumers. known operations keep their names.
func (l Labels) common(known bool) Labels {
	if !known {
		l.Operation = Other
	}
	l.Document, l.Subject, l.Client, l.Version, l.Country = Other, "", Other, "", ""
	return l
}

// crowd returns labels without consumers, too.
func (l Labels) crowd(known bool) Labels {
	l = l.common(known)
	l.Consumer, l.Issuer, l.Plan = Other, "", ""
	return l
}
