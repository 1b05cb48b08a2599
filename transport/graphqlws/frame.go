package graphqlws

import (
	"encoding/binary"
	"unicode/utf8"
)

// Opcodes of RFC 6455, section 5.2, with the bit that says the frame is a whole message.
const (
	finalText  = 0x80 | 0x1
	finalClose = 0x80 | 0x8
	finalPing  = 0x80 | 0x9
	finalPong  = 0x80 | 0xA
)

// maxReason is what a close frame has room for: 125 bytes less the code.
const maxReason = 123

// framer implements outbox.Framer: one text frame around the three parts.
type framer struct{}

func (framer) AppendFrame(dst, head, body, tail []byte) []byte {
	dst = appendHeader(dst, finalText, len(head)+len(body)+len(tail))
	dst = append(dst, head...)
	dst = append(dst, body...)
	return append(dst, tail...)
}

// appendHeader appends the header of a frame that a server sends: never masked.
func appendHeader(dst []byte, first byte, length int) []byte {
	switch {
	case length <= 125:
		return append(dst, first, byte(length))
	case length <= 0xFFFF:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(length))
	default:
		return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(length))
	}
}

func textFrame(message []byte) []byte {
	return append(appendHeader(make([]byte, 0, len(message)+10), finalText, len(message)), message...)
}

func controlFrame(first byte, payload []byte) []byte {
	return append(appendHeader(make([]byte, 0, len(payload)+2), first, len(payload)), payload...)
}

// closeFrame says good-bye with a code and a reason for people, cut at a character. Code 0 is a
// close frame without a code, the answer to one.
func closeFrame(code int, reason string) []byte {
	if code == 0 {
		return controlFrame(finalClose, nil)
	}
	if len(reason) > maxReason {
		cut := maxReason
		for cut > 0 && !utf8.RuneStart(reason[cut]) {
			cut--
		}
		reason = reason[:cut]
	}
	return controlFrame(finalClose, append(binary.BigEndian.AppendUint16(nil, uint16(code)), reason...))
}
