package limits

import (
	"hash/maphash"
	"sync"
	"time"
)

// parts is how many locks there are: callers with different keys seldom meet.
const parts = 16

// Buckets hold many keys to one Rate, such as consumers or addresses: each key has a bucket of its own.
// Of more keys than they keep they forget those that have not asked for longest, and a bucket that is
// forgotten is full again. They are safe for concurrent use. Looking up a key that is known allocates
// nothing, and nor does one that takes the place of another.
type Buckets struct {
	unlimited bool
	rate      gcra
	seed      maphash.Seed
	parts     [parts]part
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

// NewBuckets returns full buckets for about keys keys, 16 at least.
func NewBuckets(r Rate, keys int) *Buckets {
	b := &Buckets{unlimited: r.IsUnlimited(), rate: newGCRA(r), seed: maphash.MakeSeed()}
	for i := range b.parts {
		p := &b.parts[i]
		p.most = max(1, (keys+parts-1)/parts)
		p.byKey = make(map[string]*keyed)
		p.ring.before, p.ring.after = &p.ring, &p.ring
	}
	return b
}

// Take takes one event of key at now, a time as for a Bucket, and returns 0; or nothing, and returns
// how long it takes until there is one.
func (b *Buckets) Take(key string, now time.Duration) (wait time.Duration) {
	if b.unlimited {
		return 0
	}
	p := b.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	k := p.latestLocked(key)
	if wait = b.rate.wait(k.ready, now); wait == 0 {
		k.ready = b.rate.take(k.ready, now)
	}
	return wait
}

// Wait is what Take would return.
func (b *Buckets) Wait(key string, now time.Duration) time.Duration {
	if b.unlimited {
		return 0
	}
	p := b.part(key)
	p.mu.Lock()
	defer p.mu.Unlock()
	ready := int64(0)
	if k := p.byKey[key]; k != nil {
		ready = k.ready
	}
	return b.rate.wait(ready, now)
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
		k.key, k.ready = key, 0
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
