package ledger

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"
)

func aBatch(id string) *Batch {
	at := time.Date(2026, time.November, 21, 12, 0, 0, 0, time.UTC)
	return &Batch{ID: id, Node: "n", Sequence: 7, At: at.Add(time.Minute), Entries: []Entry{
		{Key: shop, Hour: at, Usage: Usage{Events: 1<<62 - 1, Bytes: 2, ConnectedMillis: -3, Requests: 4}},
	}}
}

func record(t testing.TB, id string) []byte {
	t.Helper()
	text, err := encode(aBatch(id))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// readAll returns the ids of all batches and how many bytes are none.
func readAll(t testing.TB, file []byte) (ids string, damaged int64) {
	t.Helper()
	size := int64(len(file))
	for at := int64(0); at < size; {
		b, begin, end, err := nextRecord(bytes.NewReader(file), at, size)
		if err != nil || begin < at || end < begin || end > size || b != nil && end == begin {
			t.Fatalf("from %d: [%d, %d) of %d, %v", at, begin, end, size, err)
		}
		damaged += begin - at
		if at = end; b != nil {
			ids += b.ID
		}
	}
	return ids, damaged
}

func TestARecordIsReadAsItWasWritten(t *testing.T) {
	file := record(t, "a")
	b, begin, end, err := nextRecord(bytes.NewReader(file), 0, int64(len(file)))
	if err != nil || begin != 0 || end != int64(len(file)) || !reflect.DeepEqual(b, aBatch("a")) {
		t.Errorf("%+v at [%d, %d) (%v)", b, begin, end, err)
	}
}

func TestWhatIsNoRecordIsPassedOver(t *testing.T) {
	a, b := record(t, "a"), record(t, "b")
	flipped := bytes.Clone(a)
	flipped[headSize+5] ^= 1
	endless := append([]byte(mark), 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)
	for _, c := range []struct {
		name    string
		file    [][]byte
		ids     string
		damaged int
	}{
		{"an empty file has none", nil, "", 0},
		{"two records are two", [][]byte{a, b}, "ab", 0},
		{"the last was torn in its head", [][]byte{a, b[:5]}, "a", 5},
		{"the last was torn in its text", [][]byte{a, b[:len(b)-1]}, "a", len(b) - 1},
		{"a torn one stands in the middle", [][]byte{a[:20], b}, "b", 20},
		{"one has rotted", [][]byte{flipped, b}, "b", len(a)},
		{"a length is beyond all bounds", [][]byte{endless, b}, "b", len(endless)},
		{"zeros, as some disks leave them", [][]byte{a, make([]byte, 200_000), b}, "ab", 200_000},
		{"a mark lies across two reads", [][]byte{make([]byte, 64<<10-1), b}, "b", 64<<10 - 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			ids, damaged := readAll(t, bytes.Join(c.file, nil))
			if ids != c.ids || damaged != int64(c.damaged) {
				t.Errorf("%q and %d bytes, want %q and %d", ids, damaged, c.ids, c.damaged)
			}
		})
	}
}

func TestNoNameMakesARecordTooLarge(t *testing.T) {
	name := fit(strings.Repeat("\x01", 10_000)) // \u0001 in JSON
	b := aBatch("a")
	b.Entries = nil
	for range batchEntries {
		b.Entries = append(b.Entries, Entry{Key: Key{name, name, name, name}})
	}
	if _, err := encode(b); err != nil {
		t.Error(err)
	}
}

// Whatever stands in a spool: what is written behind it is read.
func FuzzSpool(f *testing.F) {
	f.Add([]byte(nil), uint(0))
	f.Add([]byte("garbage"), uint(3))
	f.Add([]byte(mark), uint(500))
	f.Add(append([]byte(mark), 0, 0, 0, 0, 0, 0, 0, 0), uint(7))
	f.Add(record(f, "x"), uint(20))
	f.Fuzz(func(t *testing.T, garbage []byte, torn uint) {
		a, b := record(t, "<a>"), record(t, "<b>")
		file := bytes.Join([][]byte{a, garbage, a[:min(int(torn%1000), len(a)-1)], b}, nil)
		ids, _ := readAll(t, file)
		if !strings.HasPrefix(ids, "<a>") || !strings.HasSuffix(ids, "<b>") {
			t.Errorf("the ids are %q", ids)
		}
	})
}

func TestNamesFit(t *testing.T) {
	long := strings.Repeat("ä", longest)
	for _, c := range []struct {
		name, text string
		kept       bool
	}{
		{"an ordinary name stays", "shop", true},
		{"the longest stays", strings.Repeat("x", longest), true},
		{"a longer one is cut", long, false},
		{"a NUL is replaced", "a\x00", false},
		{"what is not UTF-8 is replaced", "\xff", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fit(c.text)
			if len(got) > longest || strings.ContainsRune(got, 0) || strings.ToValidUTF8(got, "") != got || (got == c.text) != c.kept {
				t.Errorf("%q", got)
			}
			if other := fit(c.text + "!"); other == got {
				t.Error("another name becomes the same")
			}
		})
	}
}

func TestUnfitNamesOfOneBatchStayTwo(t *testing.T) {
	m := newMemory()
	l := start(t, m, t.TempDir(), Options{})
	for _, consumer := range []string{"\xff", "\xfe"} {
		l.Add(Key{Consumer: consumer}, Usage{Events: 1})
	}
	end(t, l)
	names := map[string]bool{}
	for _, b := range m.batches {
		for _, e := range b.Entries {
			names[e.Consumer] = true
		}
	}
	if len(names) != 2 {
		t.Errorf("the consumers are %v, want 2", names)
	}
}
