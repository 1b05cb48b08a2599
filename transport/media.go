package transport

import (
	"mime"
	"strconv"
	"strings"
)

// The media types that an answer in JSON can have.
const (
	JSON            = "application/json"
	GraphQLResponse = "application/graphql-response+json"
)

// EventStream is the media type of server-sent events.
const EventStream = "text/event-stream"

// A Media is one range of an Accept header.
type Media struct {
	Type    string            // in lower case: "text/event-stream", "application/*", "*/*"
	Params  map[string]string // without q; names in lower case
	Quality float64           // 0: not wanted
}

// An Accept says what a client can read, in the order of its header.
type Accept []Media

// ParseAccept reads the values of Accept headers. A client that sends none takes anything; a range
// that cannot be understood is passed over.
func ParseAccept(values []string) Accept {
	header := strings.Join(values, ",")
	if strings.TrimSpace(header) == "" {
		return Accept{{Type: "*/*", Quality: 1}}
	}
	var a Accept
	for _, text := range splitList(header) {
		if media, ok := parseMedia(text); ok {
			a = append(a, media)
		}
	}
	return a
}

func parseMedia(text string) (Media, bool) {
	essence, params, err := mime.ParseMediaType(text)
	if err != nil || !strings.Contains(essence, "/") {
		return Media{}, false
	}
	media := Media{Type: essence, Params: params, Quality: 1}
	if q, ok := params["q"]; ok {
		quality, err := strconv.ParseFloat(q, 64)
		if err != nil || !(quality >= 0 && quality <= 1) { // also refuses NaN
			return Media{}, false
		}
		media.Quality = quality
		delete(params, "q")
	}
	return media, true
}

// splitList cuts a header at its commas, but not within quotes.
func splitList(header string) []string {
	var parts []string
	start, quoted := 0, false
	for i := 0; i < len(header); i++ {
		switch c := header[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case c == ',' && !quoted:
			parts = append(parts, header[start:i])
			start = i + 1
		}
	}
	return append(parts, header[start:])
}

// Has reports whether a type is asked for by its name, not only by a wildcard.
func (a Accept) Has(essence string) bool {
	for _, m := range a {
		if m.Type == essence && m.Quality > 0 {
			return true
		}
	}
	return false
}

// Takes reports whether a type may be sent, be it by a wildcard.
func (a Accept) Takes(essence string) bool {
	quality, _ := a.match(essence)
	return quality > 0
}

// BestJSON is the JSON type to answer with: the one of the highest quality, of equals the one listed
// first, of equals in one wildcard application/json, which every client knows. It is empty when the
// client takes none.
func (a Accept) BestJSON() string {
	best, bestQuality, bestPlace := "", 0.0, 0
	for _, essence := range []string{JSON, GraphQLResponse} {
		quality, place := a.match(essence)
		if quality > bestQuality || quality > 0 && quality == bestQuality && place < bestPlace {
			best, bestQuality, bestPlace = essence, quality, place
		}
	}
	return best
}

// match finds the quality of a type, and where in the list it stands: the most specific range that
// names it decides (RFC 9110, section 12.5.1), the first of equals.
func (a Accept) match(essence string) (quality float64, place int) {
	family, _, _ := strings.Cut(essence, "/")
	found := 0
	for i, m := range a {
		specific := 0
		switch {
		case m.Type == essence && utf8Only(m.Params):
			specific = 3
		case m.Type == family+"/*":
			specific = 2
		case m.Type == "*/*":
			specific = 1
		}
		if specific > found {
			found, quality, place = specific, m.Quality, i
		}
	}
	return quality, place
}

// utf8Only reports whether media type parameters leave UTF-8, the only encoding here.
func utf8Only(params map[string]string) bool {
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "utf8")
}
