package pubsub

import (
	"context"
	"strconv"
	"strings"
	"time"
)

// A message of a broker that moves bytes is a payload, or an envelope and a payload:
//
//	message  = [ envelope ] payload
//	envelope = "~1" *( " " key "=" value ) LF        at most 512 bytes
//	key      = 1*( lower-case letter / digit / "_" )
//	value    = *( visible ASCII )
//
//	t   when it was published, in microseconds since 1970
//	tp  the W3C traceparent of the publishing
//	p   where the event stands in its topic's log, as Position.String writes it, with an offset above 0
//
// No JSON begins with a ~, so nobody has to write an envelope. Of a key that stands twice the last
// counts. Keys that nobody knows are passed over, and so are values that are not what their key wants:
// no event is lost for what is said about it. What begins like an envelope and is none is payload. Anybody
// can write a position: a broker believes one that follows the last, and asks the log about any other.
const (
	envelopeMark = "~1"
	// maxEnvelope is the length of the longest envelope, in bytes.
	maxEnvelope = 512
	// traceLength is the length of a traceparent, in bytes.
	traceLength = len("00-0123456789abcdef0123456789abcdef-0123456789abcdef-01")
)

type traceKey struct{}

// WithTrace returns a context in which Publish sends traceparent along with the event. A text that is
// no traceparent of version 00 changes nothing.
func WithTrace(ctx context.Context, traceparent string) context.Context {
	if !isTrace(traceparent) {
		return ctx
	}
	return context.WithValue(ctx, traceKey{}, traceparent)
}

// TraceFrom returns the traceparent of a context, or "". It is for brokers.
func TraceFrom(ctx context.Context) string {
	trace, _ := ctx.Value(traceKey{}).(string)
	return trace
}

// Seal returns the message that is to be published for payload: behind an envelope which tells this
// moment and the context's trace. It copies payload.
func Seal(ctx context.Context, payload []byte) []byte {
	trace := TraceFrom(ctx)
	message := make([]byte, 0, len(envelopeMark+" t=1234567890123456 tp=\n")+len(trace)+len(payload))
	message = append(message, envelopeMark+" t="...)
	message = strconv.AppendInt(message, time.Now().UnixMicro(), 10)
	if trace != "" {
		message = append(message, " tp="...)
		message = append(message, trace...)
	}
	message = append(message, '\n')
	return append(message, payload...)
}

// SealAt returns a message that Seal has made, with a position in its envelope. It copies message.
func SealAt(at Position, message []byte) []byte {
	marked := make([]byte, 0, len(" p=")+positionLength+len(message))
	marked = append(marked, envelopeMark+" p="...)
	marked = at.appendTo(marked)
	return append(marked, message[len(envelopeMark):]...)
}

// Unseal makes the event of a message that came by a topic, with or without an envelope. The payload is
// copied once, and nothing of the event keeps message in memory.
func Unseal(topic, message string, received time.Time) *Event {
	e := &Event{Topic: topic, Received: received}
	if header, payload, ok := cutEnvelope(message); ok {
		e.readEnvelope(header)
		if e.Published.After(received) {
			e.Published = received // the publisher's clock is ahead
		}
		message = payload
	}
	e.Payload = []byte(message)
	return e
}

// cutEnvelope parts a message with an envelope. The header is its line, without mark and LF.
func cutEnvelope(message string) (header, payload string, ok bool) {
	if !strings.HasPrefix(message, envelopeMark) {
		return "", "", false
	}
	end := strings.IndexByte(message[:min(len(message), maxEnvelope)], '\n')
	if end < 0 {
		return "", "", false
	}
	header = message[len(envelopeMark):end]
	return header, message[end+1:], wellFormed(header)
}

// wellFormed reports whether header is nothing but " key=value", any number of times.
func wellFormed(header string) bool {
	for header != "" {
		var key, value string
		var ok bool
		if key, value, header, ok = nextPair(header); !ok || !all(key, inKey) || !all(value, visible) {
			return false
		}
	}
	return true
}

// readEnvelope enters what a well-formed header says.
func (e *Event) readEnvelope(header string) {
	for header != "" {
		var key, value string
		key, value, header, _ = nextPair(header)
		switch key {
		case "t":
			e.Published = readTime(value)
		case "tp":
			e.Trace = ""
			if isTrace(value) {
				e.Trace = strings.Clone(value)
			}
		case "p":
			e.Position, _ = ParsePosition(value)
		}
	}
}

// nextPair takes one " key=value" from the start of a header.
func nextPair(header string) (key, value, rest string, ok bool) {
	if header[0] != ' ' {
		return "", "", "", false
	}
	pair := header[1:]
	if end := strings.IndexByte(pair, ' '); end >= 0 {
		pair, rest = pair[:end], pair[end:]
	}
	key, value, ok = strings.Cut(pair, "=")
	return key, value, rest, ok && key != ""
}

// readTime reads microseconds since 1970. Zero, and what is no such number, is the zero time.
func readTime(value string) time.Time {
	const mostDigits = 17 // up to the year 5138
	if value == "" || len(value) > mostDigits || !all(value, isDigit) {
		return time.Time{}
	}
	micros, _ := strconv.ParseInt(value, 10, 64) // so few digits always fit
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros)
}

// isTrace reports whether text is a W3C traceparent of version 00: an id of the trace and one of the
// span, neither all zeros, and flags, in lower-case hexadecimal.
func isTrace(text string) bool {
	if len(text) != traceLength || text[:3] != "00-" || text[35] != '-' || text[52] != '-' {
		return false
	}
	trace, span := text[3:35], text[36:52]
	return all(trace, isHex) && all(span, isHex) && all(text[53:], isHex) && !all(trace, isZero) && !all(span, isZero)
}

func all(text string, is func(byte) bool) bool {
	for i := range len(text) {
		if !is(text[i]) {
			return false
		}
	}
	return true
}

func isZero(c byte) bool  { return c == '0' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c && c <= 'f' }
func inKey(c byte) bool   { return isDigit(c) || 'a' <= c && c <= 'z' || c == '_' }
func visible(c byte) bool { return '!' <= c && c <= '~' }
