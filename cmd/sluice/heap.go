package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// room is how many bytes of garbage may gather between two collections of a small heap. With
	// the runtime's own rule, as much as is live, 2,000 topics at full load cost a third more
	// processor time.
	room = 256 << 20
	// leastPercent and mostPercent bound GOGC: a large heap is collected by the runtime's own rule.
	leastPercent, mostPercent = 100, 400

	// quiet is how many bytes are allocated in a second when nothing happens.
	quiet = 1 << 20
	// calm is for how many seconds in a row that must be so.
	calm = 3
	// worthIt is how many bytes must be unused before they are given back, which costs a collection.
	worthIt = 16 << 20
)

// manageHeap trades memory for processor time while there is work, until ctx ends: collections are
// rare as long as the heap is small. When things have become quiet it returns to the system what the
// last burst has left unused, which the runtime does only after minutes. Where GOGC or GOMEMLIMIT is
// set, somebody has decided otherwise.
func manageHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	second := time.NewTicker(time.Second)
	defer second.Stop()
	percent, before, calmFor := leastPercent, uint64(0), 0
	for {
		h := readHeap()
		if wanted := h.percent(); wanted > percent*5/4 || wanted < percent*4/5 {
			debug.SetGCPercent(wanted)
			percent = wanted
		}
		if calmFor++; h.allocated-before > quiet {
			calmFor = 0
		}
		if calmFor >= calm && h.unused > worthIt {
			debug.FreeOSMemory()
			calmFor = 0
		}
		before = h.allocated
		select {
		case <-ctx.Done():
			return
		case <-second.C:
		}
	}
}

// A heap is the state of the heap in bytes.
type heap struct {
	scanned   uint64 // what the collector's pace counts: what is live, stacks, globals
	unused    uint64 // held, but not found live by the last collection
	allocated uint64 // since the start
}

func readHeap() heap {
	m := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/gc/scan/stack:bytes"},
		{Name: "/gc/scan/globals:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/gc/heap/allocs:bytes"},
	}
	metrics.Read(m)
	value := func(i int) uint64 { return m[i].Value.Uint64() }
	held := value(3) + value(4) + value(5)
	return heap{
		scanned:   value(0) + value(1) + value(2),
		unused:    held - min(held, value(0)),
		allocated: value(6),
	}
}

// percent is the GOGC at which room bytes of garbage gather between two collections, within bounds.
func (h heap) percent() int {
	return int(min(max(room*100/max(h.scanned, 1), leastPercent), mostPercent))
}
