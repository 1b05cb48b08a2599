package audit

import (
	"path/filepath"
	"testing"
)

func BenchmarkNote(b *testing.B) {
	l, err := Open(Options{File: filepath.Join(b.TempDir(), "audit.log")})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		l.Note(b.Context(), Entry{Action: "key.update", Object: "bbbbbbbbbbbbbbbb", Actor: admin, Changes: []Change{{Field: "plan", Old: "free", New: "gold"}}})
	}
	if l.Failed() > 0 {
		b.Error("not every entry was written")
	}
}
