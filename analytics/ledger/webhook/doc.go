// Package webhook sends the ledger's batches to a URL, for an external billing system: each as a CloudEvent
// 1.0 of type io.sluice.usage.v1, several in a request of application/cloudevents-batch+json, signed as
// Standard Webhooks has it.
//
// Every batch arrives at least once, also after a crash; its id is the event's id, by which the receiver
// knows what it has already. No two requests of one outbox at a time; order is not promised. The secret
// stands in no error. It speaks https, or http to this machine, follows no redirect, uses no proxy, and
// connects to no private address unless it is told to: the address is checked when it is dialled.
package webhook
