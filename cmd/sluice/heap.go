package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// minHeap is the heap's size at its first collection with GOGC=100; it grows with the percentage.
	minHeap = 4 << 20
	// quiet is how little is allocated in a second when nothing happens.
	quiet = 1 << 20
	// worthIt is how much memory must be idle before it is given back, which costs a collection.
	worthIt = 16 << 20
)

// keepHeap trades memory for processor time until ctx ends. While there is work it lets the heap
// grow to floor bytes before it is collected, however little of it is live: a gateway with few
// sessions and many events would otherwise collect a heap of some megabytes twenty times a second,
// a fifth of its processor time. When there is none, it gives the system back what the last burst
// has left. GOGC and GOMEMLIMIT, where set, have their way instead.
func keepHeap(ctx context.Context, floor int) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	percent, before, calm := 100, uint64(0), 0
	for {
		h := readHeap()
		if p := h.percent(uint64(floor)); p != percent {
			debug.SetGCPercent(p)
			percent = p
		}
		if calm++; h.allocated-before > quiet {
			calm = 0
		}
		if calm >= 3 && h.idle() > worthIt {
			debug.FreeOSMemory()
			calm = 0
		}
		before = h.allocated
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// A heap is the state of the heap in bytes.
type heap struct {
	live      uint64 // marked by the last collection
	scanned   uint64 // what the collector's pace counts: live, stacks, globals
	held      uint64 // from the system for objects, in use or not
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
	live := max(value(0), 1<<20)
	return heap{
		live:      live,
		scanned:   live + value(1) + value(2),
		held:      value(3) + value(4) + value(5),
		allocated: value(6),
	}
}

// percent is the GOGC at which the next collection comes at floor bytes, but never before the heap
// has doubled. The collector's goal is live + scanned * percent / 100.
func (h heap) percent(floor uint64) int {
	if h.live >= floor {
		return 100
	}
	return int(max(100, min((floor-h.live)*100/h.scanned, floor*100/minHeap)))
}

func (h heap) idle() uint64 { return h.held - min(h.held, h.live) }
