package live

import (
	"hash/maphash"
	"sync"
	"time"
)

// A Version is a result that a group has made, shared by all members. Each has a number, by one larger
// than that of the version before. Nobody may change its bytes.
type Version struct {
	number uint64
	began  time.Time // the run that made it
	body   []byte
	data   []byte
	print  []byte
	sum    uint64 // of print
	patch  []byte
	tag    any

	once sync.Once
	form []byte
}

var seed = maphash.MakeSeed()

// newVersion is the version of a result that follows another, nil for the first.
func newVersion(before *Version, r *Result, began time.Time) *Version {
	v := &Version{number: 1, began: began, body: r.Body, data: r.Data, print: r.Print, tag: r.Tag, sum: maphash.Bytes(seed, r.Print)}
	if before != nil {
		v.number = before.number + 1
	}
	return v
}

// Number tells versions of one group apart, and in which order they were made. A member need not get
// each.
func (v *Version) Number() uint64 { return v.number }

// Body is the whole result.
func (v *Version) Body() []byte { return v.body }

// Data is the part of the result that patches change; nil: none lead to it or from it.
func (v *Version) Data() []byte { return v.data }

// Patch leads from the data of the version before to that of this one (RFC 6902); nil where there is
// none that is smaller than the data, or that was worth looking for.
func (v *Version) Patch() []byte { return v.patch }

// Tag is that of the result.
func (v *Version) Tag() any { return v.tag }

// Form is another form of the whole result: what the first caller's make returns, who has all others
// wait. All must mean the same form, and make must not panic.
func (v *Version) Form(make func(body []byte) []byte) []byte {
	v.once.Do(func() { v.form = make(v.body) })
	return v.form
}
