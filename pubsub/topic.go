package pubsub

import (
	"fmt"
	"strings"
)

// The grammar of topics:
//
//	name    = segment *15( "." segment )        at most 200 bytes
//	segment = 1*( letter / digit / one of _:@%~+=- )
//	pattern = name ".*"                         exactly one more segment, whatever it is
//
// A value that comes from outside is put into a segment with Escape. The marks leave out what
// Redis, shells and URLs give a meaning to, so a topic is the same text everywhere.
const (
	// MaxTopicLength is the length of the longest name or pattern, in bytes.
	MaxTopicLength = 200
	// MaxSegments is how many segments a name or pattern has at most.
	MaxSegments = 16

	anySegment = "*"
)

// A TopicError says what is wrong with a topic name, pattern or template, and how to mend it.
type TopicError struct {
	Name   string // as it was given, shortened when it is too long to show
	Reason string
}

func (e *TopicError) Error() string { return fmt.Sprintf("pubsub: topic %q: %s", e.Name, e.Reason) }

// ValidName returns nil when name may be published to, or else a *TopicError.
func ValidName(name string) error { return refuse(name, checkTopic(name, false)) }

// ValidPattern returns nil when topic may be subscribed to, or else a *TopicError. It may be a name,
// or a pattern: a name whose last segment is *. The pattern "price.*" matches "price.42", but
// neither "price" nor "price.42.eu". A lone * is refused: it would take in every service's topics.
func ValidPattern(topic string) error { return refuse(topic, checkTopic(topic, true)) }

// IsPattern reports whether topic, which is a valid name or pattern, is a pattern.
func IsPattern(topic string) bool { return strings.HasSuffix(topic, "."+anySegment) }

// PatternOf returns the one pattern that matches name, and "" for a name of a single segment.
func PatternOf(name string) string {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return ""
	}
	return name[:dot+1] + anySegment
}

// Match reports whether an event of topic name belongs to a subscription of pattern, which may be
// a name too: then the two must be equal.
func Match(pattern, name string) bool {
	if !IsPattern(pattern) {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, pattern[:len(pattern)-len(anySegment)])
	return ok && firstForeign(rest) < 0 && rest != ""
}

// Escape makes one segment of any value that is not empty: every byte outside the alphabet of
// segments becomes %XX in upper-case hexadecimal, and so does %. url.PathUnescape undoes it.
func Escape(value string) string {
	extra := 0
	for i := range len(value) {
		if mustEscape(value[i]) {
			extra += 2
		}
	}
	if extra == 0 {
		return value
	}
	var b strings.Builder
	b.Grow(len(value) + extra)
	for i := range len(value) {
		if c := value[i]; mustEscape(c) {
			const hex = "0123456789ABCDEF"
			b.Write([]byte{'%', hex[c>>4], hex[c&15]})
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// refuse makes a *TopicError of what is wrong with topic, and nil of "".
func refuse(topic, reason string) error {
	if reason == "" {
		return nil
	}
	if len(topic) > MaxTopicLength {
		topic = topic[:32] + "…"
	}
	return &TopicError{Name: topic, Reason: reason}
}

// checkTopic returns what is wrong with topic, or "".
func checkTopic(topic string, patternToo bool) (reason string) {
	if topic == "" {
		return "it is empty; a name is segments joined by dots, such as price.42"
	}
	if len(topic) > MaxTopicLength {
		return fmt.Sprintf("it has %d bytes and may have %d; shorten it", len(topic), MaxTopicLength)
	}
	number, start := 0, 0
	for segment := range strings.SplitSeq(topic, ".") {
		number++
		last := start+len(segment) == len(topic)
		if reason := checkSegment(segment, number, start, last, patternToo); reason != "" {
			return reason
		}
		start += len(segment) + 1
	}
	if number > MaxSegments {
		return fmt.Sprintf("it has %d segments and may have %d; join some", number, MaxSegments)
	}
	return ""
}

// checkSegment returns what is wrong with segment, which is the number-th of its topic and begins
// at byte start, or "".
func checkSegment(segment string, number, start int, last, patternToo bool) string {
	switch {
	case segment == "":
		return fmt.Sprintf("segment %d is empty; write something between the dots", number)
	case segment == anySegment && !patternToo:
		return "this is a pattern and a name is needed; replace the * by one segment"
	case segment == anySegment && !last:
		return fmt.Sprintf("segment %d is *, which stands for the last segment only; subscribe to each name instead", number)
	case segment == anySegment && number == 1:
		return "a lone * matches the topics of every service; name at least one segment before it"
	case segment == anySegment:
		return ""
	}
	if at := firstForeign(segment); at >= 0 {
		return fmt.Sprintf("%q at byte %d is not allowed in a segment; use letters, digits and _:@%%~+=-, or Escape the value",
			segment[at:at+1], start+at)
	}
	return ""
}

// firstForeign returns the index of the first byte that no segment may hold, or -1.
func firstForeign(segment string) int {
	for i := range len(segment) {
		if !inSegment(segment[i]) {
			return i
		}
	}
	return -1
}

func mustEscape(c byte) bool { return c == '%' || !inSegment(c) }

func inSegment(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("_:@%~+=-", c) >= 0
}
