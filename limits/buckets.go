package limits

import (
	"hash/maphash"
	"sync"
	"time"
)

// parts is how many locks there are: callers with different keys seldom meet.
const parts = 16

// Buckets are rates of many keys, such as consumers or addresses: each key has a token bucket of its
// own. Of more keys than it keeps it forgets those that have not asked for longest, and a bucket
// that is forgotten is full again. It is safe for concurrent use. Looking up a key that is known
// allocates nothing, and nor does one that takes the place of another.
type Buckets struct {
	rate  gcra
	seed  maphash.Seed
	parts [parts]part
}

// A part is the buckets of some keys, by hash.
type part struct {
	mu    sync.Mutex // guards what follows
	most  int
	byKey map[string]*keyed
	ring  keyed // the one after it has asked last, the one before it first
}

// A keyed bucket is part of a ring.
type keyed struct {
	before, after *keyed
	key           string
	ready         int64
}

// NewBuckets returns the rates of about keys keys, 16 at least. perSecond and burst are as for
// NewRate.
func NewBuckets(perSecond float64, burst, keys int) *Buckets {
	b := &Buckets{rate: newGCRA(perSecond, burst), seed: maphash.MakeSeed()}
	for i := range b.parts {
		p := &b.parts[i]
		p.most = max(1, (keys+parts-1)/parts)
		p.byKey = make(map[string]*keyed)
		p.ring.before, p.ring.after = &p.ring, &p.ring
	}
	return b
}

// Allow takes one request of key at now, see Rate.Allow.
func (b *Buckets) Allow(key string, now int64) bool {
	p := b.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.latestLocked(key)
	after, ok := b.rate.allow(k.ready, now)
	k.ready = after
	return ok
}

// Next returns how long after now Allow would first say true for key; 0: it would now.
func (b *Buckets) Next(key string, now int64) time.Duration {
	p := b.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	ready := int64(-never)
	if k := p.byKey[key]; k != nil {
		ready = k.ready
	}
	return b.rate.next(ready, now)
}

// Len is how many keys are known.
func (b *Buckets) Len() int {
	n := 0
	for i := range b.parts {
		p := &b.parts[i]
		p.mu.Lock()
		n += len(p.byKey)
		p.mu.Unlock()
	}
	return n
}

func (b *Buckets) part(key string) *part { return &b.parts[maphash.String(b.seed, key)%parts] }

// latestLocked returns the bucket of key, which is the one that has asked last now.
func (p *part) latestLocked(key string) *keyed {
	k := p.byKey[key]
	if k == nil {
		k = p.freeLocked()
		k.key, k.ready = key, -never
		p.byKey[key] = k
	} else {
		k.leave()
	}
	k.before, k.after = &p.ring, p.ring.after
	k.before.after, k.after.before = k, k
	return k
}

// freeLocked returns a bucket outside the ring: a new one, or that of the key that has not asked for
// longest.
func (p *part) freeLocked() *keyed {
	if len(p.byKey) < p.most {
		return new(keyed)
	}
	k := p.ring.before
	k.leave()
	delete(p.byKey, k.key)
	return k
}

// leave takes k out of its ring.
func (k *keyed) leave() { k.before.after, k.after.before = k.after, k.before }
