package main

import "bytes"

var (
	revisionKey = []byte(`"revision":`)
	noteKey     = []byte(`"note":"t`)
)

// scan finds an event's revision and the send time in its note ("t", then Unix nanoseconds) without
// parsing JSON. Inside a JSON string a quote is escaped, so neither key can match within a value.
func scan(message []byte) (revision, sent int64, ok bool) {
	if revision, ok = numberAfter(message, revisionKey); !ok {
		return 0, 0, false
	}
	if sent, ok = numberAfter(message, noteKey); !ok {
		return 0, 0, false
	}
	return revision, sent, true
}

func numberAfter(message, key []byte) (n int64, ok bool) {
	at := bytes.Index(message, key)
	if at < 0 {
		return 0, false
	}
	digits := 0
	for _, c := range message[at+len(key):] {
		if c < '0' || c > '9' {
			break
		}
		if digits++; digits > 19 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, digits > 0 && n >= 0 // 19 digits may overflow
}
