package replication

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"
)

// What pgoutput sends, in the order in which it does.
var (
	beginMessage   = "B" + u64(1) + u64(uint64(time.Hour/time.Microsecond)) + u32(7)
	commitMessage  = "C\x00" + u64(1) + u64(99) + u64(0)
	markMessage    = "M\x01" + u64(1) + "sluice\x00" + u32(0)
	outsideMessage = "M\x00" + u64(1) + "sluice\x00" + u32(0)
	linesMessage   = "R" + u32(3) + "public\x00order_lines\x00f" + u16(4) +
		column("order_id") + column("product_id") + column("quantity") + column("price")
	insertMessage   = "I" + u32(3) + "N" + line("A", "7", "2", "50")
	updateMessage   = "U" + u32(3) + "O" + line("A", "7", "2", "50") + "N" + line("A", "7", "3", "50")
	briefMessage    = "U" + u32(3) + "N" + line("A", "7", "3", "50")
	deleteMessage   = "D" + u32(3) + "O" + line("A", "7", "3", "50")
	keyMessage      = "D" + u32(3) + "K" + u16(4) + text("A") + "nnn"
	truncateMessage = "T" + u32(1) + "\x00" + u32(3)
)

func u16(n uint16) string { return string(binary.BigEndian.AppendUint16(nil, n)) }
func u32(n uint32) string { return string(binary.BigEndian.AppendUint32(nil, n)) }
func u64(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func column(name string) string { return "\x00" + name + "\x00" + u32(25) + u32(0) }
func text(value string) string  { return "t" + u32(uint32(len(value))) + value }

func line(values ...string) string {
	all := u16(uint16(len(values)))
	for _, v := range values {
		all += text(v)
	}
	return all
}

func TestMessagesBecomeChanges(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages []string
		want     string
	}{
		{"a new row", []string{insertMessage}, "line A: none > 2x7"},
		{"a changed row", []string{updateMessage}, "line A: 2x7 > 3x7"},
		{"a row that is gone", []string{deleteMessage}, "line A: 3x7 > none"},
		{"a table that is emptied", []string{truncateMessage, truncateMessage}, everything},
		{"an update that does not say what was before", []string{briefMessage}, everything},
		{"a deletion that names the key alone", []string{keyMessage}, everything},
		{"a number that is none", []string{"I" + u32(3) + "N" + line("A", "7", "many", "50")}, everything},
		{"a number that is too large", []string{"I" + u32(3) + "N" + line("A", "7", "3000000000", "50")}, everything},
		{"a column too few", []string{"I" + u32(3) + "N" + line("A", "7", "2")}, everything},
		{"text that is not UTF-8", []string{"I" + u32(3) + "N" + line("\xff", "7", "2", "50")}, everything},
		{"a null", []string{"I" + u32(3) + "N" + u16(4) + text("A") + "n" + text("2") + text("50")}, everything},
		{"what stays is not repeated", []string{"U" + u32(3) + "O" + line("A", "7", "2", "50") + "N" + u16(4) + "u" + text("7") + text("4") + "u"}, "line A: 2x7 > 4x7"},
		{"a transaction of our own", []string{markMessage, insertMessage, truncateMessage}, ""},
		{"a message outside of transactions marks none", []string{outsideMessage, insertMessage}, "line A: none > 2x7"},
		{"the mark of others", []string{"M\x01" + u64(1) + "theirs\x00" + u32(0), insertMessage}, "line A: none > 2x7"},
		{"a table that nobody has announced", []string{"I" + u32(4) + "N" + line("A")}, ""},
		{"a table of others", []string{"R" + u32(4) + "public\x00theirs\x00f" + u16(1) + column("id"), "I" + u32(4) + "N" + line("A")}, ""},
		{"what is of no interest", []string{"O" + u64(1) + "origin\x00", "Y" + u32(1) + "public\x00mood\x00", insertMessage}, "line A: none > 2x7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			transactions := newTransactions("sluice")
			all := append([]string{linesMessage, beginMessage}, c.messages...)
			for _, m := range all {
				if end, err := transactions.take([]byte(m)); end != 0 || err != nil {
					t.Fatalf("%q: %v, %v", m, end, err)
				}
			}
			if end, err := transactions.take([]byte(commitMessage)); end != 99 || err != nil {
				t.Fatalf("the end is %v (%v)", end, err)
			}
			var got []string
			for _, change := range transactions.changes() {
				got = append(got, words(change))
				if want := epoch.Add(time.Hour); !change.At.Equal(want) {
					t.Errorf("it was committed at %v, want %v", change.At, want)
				}
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("the changes are %q, want %q", got, c.want)
			}
		})
	}
}

func TestASnapshotSeesWhatHasEndedBeforeIt(t *testing.T) {
	const era = 1 << 32
	for _, c := range []struct {
		snapshot    string
		transaction uint32
		want        bool
	}{
		{"10:10:", 9, true},
		{"10:10:", 10, false},
		{"10:20:12,14", 11, true},
		{"10:20:12,14", 12, false},
		{"10:20:12,14", 14, false},
		{"10:20:12,14", 15, true},
		{"10:20:12,14", 20, false},
		{fmt.Sprintf("%d:%d:", era+5, era+5), era - 1, true},
		{fmt.Sprintf("%d:%d:%d", era-1, era+5, era-1), era - 1, false},
		{fmt.Sprintf("%d:%d:", era+5, era+5), 4, true},
		{fmt.Sprintf("%d:%d:", era-5, era-5), 4, false},
	} {
		s, err := parseSnapshot(c.snapshot)
		if err != nil || s.sees(c.transaction) != c.want {
			t.Errorf("%s sees %d: %v (%v)", c.snapshot, c.transaction, !c.want, err)
		}
	}
	for _, text := range []string{"", "1:2", "1:x:", "1:2:x", "1:-2:"} {
		if s, err := parseSnapshot(text); err == nil {
			t.Errorf("%q is %+v", text, s)
		}
	}
	if new(snapshot).sees(3) {
		t.Error("no snapshot sees something")
	}
}

func TestMessagesThatAreCutOffAreErrors(t *testing.T) {
	for _, m := range []string{beginMessage, commitMessage, linesMessage, insertMessage, updateMessage, deleteMessage} {
		for n := 1; n < len(m); n++ {
			transactions := newTransactions("sluice")
			if _, err := transactions.take([]byte(m[:n])); err == nil {
				t.Errorf("%q is accepted", m[:n])
			}
		}
	}
}

// FuzzMessages takes messages one after the other: a length byte, and so many bytes.
func FuzzMessages(f *testing.F) {
	for _, m := range []string{insertMessage, updateMessage, briefMessage, deleteMessage, keyMessage, truncateMessage, markMessage} {
		var all []byte
		for _, part := range []string{linesMessage, beginMessage, m, commitMessage} {
			all = append(append(all, byte(len(part))), part...)
		}
		f.Add(all)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		transactions := newTransactions("sluice")
		for len(data) > 0 {
			n := min(int(data[0]), len(data)-1)
			_, err := transactions.take(data[1 : 1+n])
			data = data[1+n:]
			if err != nil {
				continue
			}
			if transactions.full() {
				transactions.changes()
			}
			for _, c := range transactions.held {
				kinds := 0
				for _, is := range []bool{c.Everything, c.Product.Changed(), c.Order.Changed(), c.Line.Changed()} {
					if is {
						kinds++
					}
				}
				if kinds != 1 {
					t.Fatalf("a change of %d kinds: %+v", kinds, c)
				}
			}
		}
	})
}
