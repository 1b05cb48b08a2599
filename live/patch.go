package live

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"

	"github.com/wI2L/jsondiff"
)

// Elements of lists are compared by their place. Where much seems to have changed, they are compared for
// having moved as well, each of one list with each of the other. The limits bound the time, to some
// 10 ms, and the memory.
const (
	maxBytes    = 128 << 10 // of a text that is compared at all
	maxDepth    = 64        // of it
	maxValues   = 5000      // in it
	maxMoved    = 500       // elements of the longest list
	maxCompared = 2 << 20   // they, times the length of the larger text
)

// minRest and maxRest are how many versions have no patch after one that none was worth it for: each time
// twice as many as the time before.
const (
	minRest = 8
	maxRest = 64
)

// A differ looks for the patches of one group, less often where it finds none.
type differ struct {
	find  func(from, to []byte) []byte
	rest  int // versions that are not compared
	pause int // how many they were at first
}

// patch returns the operations that lead from one JSON text to another, nil if they are no shorter or if
// there is little hope of that.
func (d *differ) patch(from, to []byte) []byte {
	if d.rest > 0 {
		d.rest--
		return nil
	}
	pause := min(max(minRest, 2*d.pause), maxRest)
	d.rest, d.pause = pause, pause // even if this panics
	found := d.find(from, to)
	if found != nil {
		d.rest, d.pause = 0, 0
	}
	return found
}

// patch compares two JSON texts, within the limits.
func patch(from, to []byte) []byte {
	if max(len(from), len(to)) > maxBytes {
		return nil
	}
	before, ok := decode(from)
	if !ok {
		return nil
	}
	after, ok := decode(to)
	if !ok {
		return nil
	}
	longest := max(longestList(before), longestList(after))
	operations := compare(before, after)
	if len(operations) > len(to)/4 && longest <= maxMoved && longest*max(len(from), len(to)) <= maxCompared {
		if moved := compare(before, after, jsondiff.LCS()); len(moved) < len(operations) {
			operations = moved
		}
	}
	if len(operations) >= len(to) {
		return nil
	}
	return operations
}

// compare returns the operations that lead from one value to another, nil if none are needed.
func compare(before, after any, options ...jsondiff.Option) []byte {
	operations, err := jsondiff.CompareWithoutMarshal(before, after, options...)
	if err != nil || len(operations) == 0 {
		return nil
	}
	text, err := json.Marshal(operations)
	if err != nil {
		return nil
	}
	return text
}

// decode reads a JSON text, its numbers to the last digit. It reports false for one that has too many
// values, or is nested too deeply, or is none.
func decode(text []byte) (value any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, false
	}
	return value, depth(value) <= maxDepth && count(value) <= maxValues
}

// count is how many values there are in one, itself included.
func count(value any) int {
	n := 1
	for member := range members(value) {
		n += count(member)
	}
	return n
}

func depth(value any) (deepest int) {
	for member := range members(value) {
		deepest = max(deepest, 1+depth(member))
	}
	return deepest
}

func longestList(value any) (longest int) {
	if list, ok := value.([]any); ok {
		longest = len(list)
	}
	for member := range members(value) {
		longest = max(longest, longestList(member))
	}
	return longest
}

// members are the values that stand right in another.
func members(value any) iter.Seq[any] {
	switch value := value.(type) {
	case []any:
		return slices.Values(value)
	case map[string]any:
		return maps.Values(value)
	}
	return func(func(any) bool) {}
}
