package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// quiet is how many bytes are allocated in a second when nothing happens.
	quiet = 1 << 20
	// calm is for how many seconds in a row that must be so.
	calm = 3
	// worthIt is how many bytes must be unused before they are given back, which costs a collection.
	worthIt = 16 << 20
)

// giveBack returns to the system, whenever things have become quiet, the memory that the last burst
// has left unused, until ctx ends. The runtime does so by itself, but takes minutes: ten thousand
// sessions that were just opened hold a quarter more than they need until then. Where GOGC or
// GOMEMLIMIT is set, somebody has decided otherwise.
func giveBack(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for before, calmFor := uint64(0), 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-second.C:
		}
		allocated, unused := readHeap()
		if calmFor++; allocated-before > quiet {
			calmFor = 0
		}
		if calmFor >= calm && unused > worthIt {
			debug.FreeOSMemory()
			calmFor = 0
		}
		before = allocated
	}
}

// readHeap returns the bytes allocated since the start, and how many of those held now were not
// found live by the last collection.
func readHeap() (allocated, unused uint64) {
	m := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(m)
	held := m[2].Value.Uint64() + m[3].Value.Uint64() + m[4].Value.Uint64()
	return m[0].Value.Uint64(), held - min(held, m[1].Value.Uint64())
}
