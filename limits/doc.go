// Package limits decides how much an operation may consume: events per window, exactly, on all
// nodes together, and events or requests per second on one node.
//
// A Quota is plain data. A Counter, shared by all nodes, grants blocks of a quota's events as
// leases; what it has granted in a window never exceeds the quota, so nodes that spend only what
// they were granted never exceed it either, whatever dies or is cut off. A Book spends a node's
// leases: it gets them ahead of need, so that taking an event is one atomic, and gives back what is
// left. The counters are in packages memory and redis, their contract in limitstest. A Rate is
// local, and coordinates with nobody.
//
// The package knows neither GraphQL nor HTTP, nor who consumes: a key is any text. Only a Book starts
// goroutines, and its Close waits for them. What is not safe for concurrent use says so.
package limits
