// Package redis is the broker of many nodes: events travel through Redis Pub/Sub.
//
// It promises what pubsub.Broker does, on a single Redis, behind Sentinel or on a Cluster, and
// nothing more than Redis Pub/Sub can: an event published while a node's connection is away is lost
// to that node. It keeps a small fixed number of connections, never stops reading them, notices one
// that is deaf, and makes it anew with everything that is wanted. It knows no Redis data types.
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
// # Permissions
//
// An ACL user needs +@connection, +@pubsub and the channels of its topics, &sluice.probe.* for the
// probes and &_sluice.* for what nodes tell each other; in a Cluster also +cluster|slots, to find the
// masters. For a pattern Redis wants the very same text among the user's channels: &price.*.
package redis
