package live

import (
	"bytes"
	"encoding/json"
	"iter"
	"maps"
	"slices"

	"github.com/wI2L/jsondiff"
)

// A Version is a result that a group has made, shared by all members. Each has a number, by one larger
// than that of the version before.
type Version struct {
	number uint64
	body   []byte
	data   []byte
	print  []byte
	patch  []byte
}

// newVersion is the version of a result that follows another, nil for the first.
func newVersion(before *Version, r *Result, patched bool) *Version {
	v := &Version{number: 1, body: r.Body, data: r.Data, print: r.Print}
	if before == nil {
		return v
	}
	v.number = before.number + 1
	if patched && before.data != nil && v.data != nil {
		v.patch = patch(before.data, v.data)
	}
	return v
}

// Number tells versions of one group apart, and in which order they were made.
func (v *Version) Number() uint64 { return v.number }

// Body is the whole result.
func (v *Version) Body() []byte { return v.body }

// Data is the part of the result that patches change; nil: none lead to it or from it.
func (v *Version) Data() []byte { return v.data }

// Patch leads from the data of the version before to that of this one (RFC 6902); nil where there is
// none that is smaller than the data.
func (v *Version) Patch() []byte { return v.patch }

// Elements of lists are compared by their place. Where much seems to have changed, they are compared for
// having moved as well, each of one list with each of the other. The limits bound the time and memory.
const (
	maxMoved    = 1000     // elements of the longest list
	maxCompared = 16 << 20 // they, times the length of the larger text
	maxDepth    = 64       // of a text that is compared at all
)

// patch returns the operations that lead from one JSON text to another, nil if they are no shorter.
func patch(from, to []byte) []byte {
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

// decode reads a JSON text, its numbers to the last digit. It reports false for one that is nested too
// deeply, or is none.
func decode(text []byte) (value any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, false
	}
	return value, depth(value) <= maxDepth
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
