package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// serverFrame builds an unmasked frame.
func serverFrame(final bool, op byte, payload string) []byte {
	first := op
	if final {
		first |= 0x80
	}
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, byte(n))
	case n < 1<<16:
		b = append(b, 126)
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b = append(b, 127)
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, payload...)
}

// collect feeds b in pieces of the given size and writes down what comes out.
func collect(b []byte, piece int) ([]string, error) {
	var f frames
	var got []string
	for part := range slices.Chunk(b, piece) {
		err := f.feed(part, func(op byte, payload []byte) error {
			got = append(got, fmt.Sprintf("%x %s", op, payload))
			return nil
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

func TestFramesAreCutTheSameHoweverTheyArrive(t *testing.T) {
	long, huge := strings.Repeat("l", 300), strings.Repeat("h", 70_000)
	wire := slices.Concat(
		serverFrame(true, opText, "one"),
		serverFrame(true, opText, ""),
		serverFrame(true, opText, long),
		serverFrame(false, opText, "fir"),
		serverFrame(true, opPing, "between fragments"),
		serverFrame(false, opContinuation, "st "),
		serverFrame(true, opContinuation, "second"),
		serverFrame(true, opText, huge),
		serverFrame(false, opText, "ended by an empty frame"),
		serverFrame(true, opContinuation, ""),
		serverFrame(true, opClose, "\x03\xe8bye"),
	)
	want := []string{
		"1 one", "1 ", "1 " + long, "9 between fragments", "1 first second",
		"1 " + huge, "1 ended by an empty frame", "8 \x03\xe8bye",
	}
	for _, piece := range []int{1, 2, 3, 7, 127, 4096, len(wire)} {
		got, err := collect(wire, piece)
		if err != nil {
			t.Fatalf("in pieces of %d: %v", piece, err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("in pieces of %d: got %.60q", piece, got)
		}
	}
}

func TestBrokenFramesAreRefused(t *testing.T) {
	masked := serverFrame(true, opText, "x")
	masked[1] |= 0x80
	for _, c := range []struct {
		name string
		wire []byte
		want error
	}{
		{"a masked frame", masked, errMasked},
		{"a reserved bit", []byte{0xc1, 0}, errReserved},
		{"a continuation of nothing", serverFrame(true, opContinuation, "x"), errFragment},
		{"a text within a message", slices.Concat(serverFrame(false, opText, "x"), serverFrame(true, opText, "y")), errFragment},
		{"a fragmented ping", serverFrame(false, opPing, "x"), errControl},
		{"a long ping", serverFrame(true, opPing, strings.Repeat("x", 126)), errControl},
		{"a message over 1 MiB", []byte{0x81, 127, 0, 0, 0, 0, 0, 0x10, 0, 1}, errTooBig},
		{"a length with the top bit", []byte{0x81, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, errTooBig},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := collect(c.wire, len(c.wire)); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestClientFramesAreMaskedAndFinal(t *testing.T) {
	for _, n := range []int{0, 5, 125, 126, 65535, 65536} {
		payload := bytes.Repeat([]byte("abc"), n/3+1)[:n]
		b := appendFrame(nil, opText, payload)
		if b[0] != 0x81 || b[1]&0x80 == 0 {
			t.Fatalf("%d bytes: head %x", n, b[:2])
		}
		masked := b[len(b)-n:]
		key := b[len(b)-n-4 : len(b)-n]
		for i := range masked {
			masked[i] ^= key[i%4]
		}
		if !bytes.Equal(masked, payload) {
			t.Errorf("%d bytes: the payload does not come back", n)
		}
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(slices.Concat(serverFrame(false, opText, "a"), serverFrame(true, opContinuation, "b")), 1)
	f.Add(serverFrame(true, opText, strings.Repeat("l", 300)), 7)
	f.Fuzz(func(t *testing.T, wire []byte, piece int) {
		if piece < 1 || len(wire) == 0 {
			return
		}
		whole, errWhole := collect(wire, len(wire))
		parts, errParts := collect(wire, piece)
		if !slices.Equal(whole, parts) || !errors.Is(errParts, errWhole) {
			t.Errorf("whole %q %v, in pieces of %d %q %v", whole, errWhole, piece, parts, errParts)
		}
	})
}

func BenchmarkReadAndScan(b *testing.B) {
	message := `{"id":"1","type":"next","payload":{"data":{"priceChanged":{"productId":"bench-0000","price":"12.34",` +
		`"previousPrice":"12.05","currency":"EUR","revision":1234,"note":"t1785585600123456789","changedAt":"2026-08-01T12:00:00Z"}}}}`
	wire := bytes.Repeat(serverFrame(true, opText, message), 32)
	var f frames
	b.SetBytes(int64(len(wire) / 32))
	for i := 0; i < b.N; i += 32 {
		_ = f.feed(wire, func(_ byte, payload []byte) error {
			if _, _, ok := scan(payload); !ok {
				b.Fatal("no event")
			}
			return nil
		})
	}
}
