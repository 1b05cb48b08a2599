// Package trace tells an OpenTelemetry collector what happened to requests and events.
//
// An operation is a span of its caller's trace, a publish one of the operation's. What a group made of
// an event is a trace of its own with a link to the publish: one event may reach thousands of groups,
// on every node.
//
// Nobody waits for the collector: spans are queued, and those that find the queue full are dropped and
// counted. The package sets nothing global. A nil *Tracer and a nil *Span do nothing, so that callers
// need not ask. Everything is safe for concurrent use. It is the home of OpenTelemetry, and knows
// neither GraphQL nor HTTP requests, nor what a topic is.
package trace
