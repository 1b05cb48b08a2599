// Package ledger keeps what every consumer has had, by plan, field and hour, so that it can be billed.
//
// Usage is added to a Ledger, which every few seconds makes batches of it: first into a spool on disk,
// then into a Store. A batch has an id and counts once, however often it is imported. What was added
// since the latest batch is lost when the process is killed, and nothing else; nothing is ever counted
// twice. While the store is away the spool grows to its limit, and then usage waits in memory, added up.
//
// The figures are integers and all sums are exact. Hours, days and months are those of UTC. The package
// knows neither SQL nor HTTP nor who is calling. A Ledger is safe for concurrent use; it runs one
// goroutine, which Close ends.
package ledger
