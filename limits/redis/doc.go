// Package redis counts quotas for many nodes: a limits.Counter in Redis, on a single one, behind
// Sentinel or on a Cluster. By the same connections it holds keys to rates: limits.SharedBuckets.
//
// Every call is one script, so what Redis grants is exact whatever its callers do, and every call may
// be repeated. Windows and leases are of Redis' clock. One that is set back by more than twice
// Options.LeaseTTL begins the windows of before anew. What Redis loses, by a restart without
// persistence or a failover to a replica that lags, it grants again.
//
// A key's quotas stand in the hash "sluice:quota:{<key>}" and the sorted set
// "sluice:quota:{<key>}:due", with whatever is not a letter, a digit or one of -_.~ of the key as %XX.
// They expire soon after the last window.
//
// The bucket of a rate is the string "sluice:rate:<key>", escaped as in the path of a URL. It expires
// when it is full. A clock that is set forward fills it; one that is set back leaves it as it is.
//
// # Permissions
//
// An ACL user needs +@connection, +evalsha, +eval, +time, +hget, +hset, +hdel, +hincrby,
// +zadd, +zrem, +zscore, +zrangebyscore, +pttl and +pexpire on the keys ~sluice:quota:*; in a Cluster
// also +cluster|slots. For rates it needs +evalsha, +eval, +time, +get and +set on ~sluice:rate:*.
package redis
