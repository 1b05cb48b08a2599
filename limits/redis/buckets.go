package redis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/sluice-gateway/sluice/limits"
)

// Buckets are limits.SharedBuckets in Redis. They use the connections of the Counter that they are of,
// and end with it. They are safe for concurrent use.
type Buckets struct {
	counter *Counter
	take    script
}

var _ limits.SharedBuckets = (*Buckets)(nil)

// Buckets returns what holds keys to rates in the Redis of c.
func (c *Counter) Buckets() *Buckets {
	return &Buckets{counter: c, take: newTake(takeText)}
}

// Take implements limits.SharedBuckets. A call that is repeated may take another event.
func (b *Buckets) Take(ctx context.Context, key string, r limits.Rate) (wait time.Duration, err error) {
	if err := check(key, r); err != nil || r.IsUnlimited() {
		return 0, err
	}
	micros, err := b.counter.do(ctx, b.take, []string{bucketKey(key)}, r.Interval().Nanoseconds(), r.Burst).Int64()
	if err != nil {
		return 0, fmt.Errorf("rate: %w", err)
	}
	return time.Duration(micros) * time.Microsecond, nil
}

var errKey = errors.New("redis: the key of a bucket must have 1 to 1,024 bytes")

// check does not quote the key: it may name a person.
func check(key string, r limits.Rate) error {
	if key == "" || len(key) > limits.MaxKey {
		return errKey
	}
	return r.Check()
}

// bucketKey has no brace in it, so a Cluster spreads all keys.
func bucketKey(key string) string { return "sluice:rate:" + url.PathEscape(key) }
