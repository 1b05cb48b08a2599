// Package redis is the broker of many nodes: events travel through Redis Pub/Sub.
//
// It promises what pubsub.Broker does, on a single Redis, behind Sentinel or on a Cluster. On an
// ephemeral topic that is no more than Redis Pub/Sub can: an event published while a node's connection is
// away is lost to that node. It keeps a small fixed number of connections, never stops reading them,
// notices one that is deaf, and makes it anew with everything that is wanted.
//
// # Replayable topics
//
// What Options.Retain keeps is also appended to a stream, in one script with the publishing: an event that
// Publish has returned nil for is in the log. A node that has lost messages reads them from there, once
// for all of its receivers. An event's position has its own random id, so that a Redis that comes back
// with an older state, as after a failover to a replica that lagged, is noticed although it counts on from
// there: the receivers get a Gap then, and so they do when what they miss is not kept any more. A node
// remembers the newest position that it has seen in each log, and compares when it is back after Redis was
// away, and whenever it publishes. Where that position is gone, the log begins anew in another epoch, so that
// who stood before what has vanished gets a Gap too. Until all nodes that were there before have compared, as
// long as Options.CompareTimeout, no node reads a log. In a Cluster nodes do not wait for each other.
//
// A topic has three kinds of keys, of one slot, which is that of its channel in a Cluster:
//
//	sluice:log:{<topic>}            the stream; expires Retention.For after the newest event
//	sluice:log:{<topic>}:at         the newest event's position; expires a week later than the stream
//	sluice:log:{<topic>}:key:<key>  an idempotency key; expires after five minutes
//
// Besides there is the hash sluice:log:nodes, with a line for each node, in which it says every two seconds that
// it lives, and of which run of Redis it has compared the logs.
//
// The position outlives the stream so that whoever has read all of it joins after a quiet week too. When
// it has gone as well, the topic gets a new epoch, and everybody who was there is told of a gap. So Redis
// should have maxmemory-policy noeviction. A full Redis refuses to publish, and nothing of it is kept.
//
// With appendfsync always a Redis that is killed and started again has lost nothing that Publish returned
// nil for; with everysec it may have, when the disk was slow. So may a failover, and a power cut. Whoever
// that concerns is told of a gap, as long as one node is left that knew of what was lost.
//
// # Publishing from other services
//
// On a single Redis and behind Sentinel any PUBLISH reaches the nodes. In a Cluster topics are
// sharded channels, and a pattern is one too, whose messages begin with the topic and a space. Who
// publishes without Sluice sends both:
//
//	SPUBLISH price.42  {"amount":"9.90"}
//	SPUBLISH price.*   price.42 {"amount":"9.90"}
//
// What Sluice publishes stands behind an envelope, a line that begins with ~1 (see pubsub.Unseal);
// other publishers may write one, and other readers must cut it off. Probes have none.
//
// To a replayable topic another service publishes by the script publish.lua of this package, which any
// client can EVAL as it stands; it tells of its keys and arguments. In redis-cli:
//
//	EVAL "<publish.lua>" 2 sluice:log:{order.42}:at sluice:log:{order.42}
//	    PUBLISH order.42 <24 random hexadecimal digits> <10 more> 1000 600000 "\n{\"state\":\"paid\"}"
//
// In a Cluster it says SPUBLISH, and then sends the message to the pattern's channel, as above: "~1 p=",
// the position that the script returned, and its last argument. What is published to a replayable topic
// without the script is delivered at most once and without a position, in no promised place while a log is
// being read, and Broker.Unretained counts it. A message that claims a position is believed when it is the
// next one; any other is looked up in the log, and passed over when it is not there. Should the next one
// have been made up, the receivers get a Gap when the true one comes.
//
// # Permissions
//
// An ACL user needs +@connection, +@pubsub and the channels of its topics, &sluice.probe.* for the
// probes and &_sluice.* for what nodes tell each other; in a Cluster also +cluster|slots, to find the
// masters. For a pattern Redis wants the very same text among the user's channels: &price.*.
//
// For replayable topics it needs +evalsha, +eval, +get, +set, +exists, +del, +pexpire, +xadd and +xrange
// on the keys ~sluice:log:*, and, to wait for other nodes, +info, +hset, +hgetall and +hdel. Who only publishes by the script needs no +xrange and no +evalsha, but
// +publish, in a Cluster +spublish.
package redis
