// Package limits decides how much an operation may consume: events per window, exactly, on all
// nodes together, and requests per second, on one node or on all.
//
// A Quota is plain data. A Counter, shared by all nodes, grants blocks of a quota's events as
// leases; what it has granted in a window never exceeds the quota, so nodes that spend only what
// they were granted never exceed it either, whatever dies or is cut off. A Book spends a node's
// leases: it gets them ahead of need, so that taking an event is one atomic, and gives back what is
// left. The counters are in packages memory and redis, their contract in limitstest.
//
// A Rate is plain data too. A Bucket holds one holder to it, Buckets many by key, on this node; a
// Throttle also asks SharedBuckets, so that it holds on all nodes together, and goes on without them.
//
// The package knows neither GraphQL nor HTTP, nor who consumes: a key is any text. Only a Book starts
// goroutines, and its Close waits for them. What is not safe for concurrent use says so.
package limits
