// Package rollup adds up what a node counts by second, minute, hour and day.
//
// Once a second a Roller takes the counts of every series of a Recorder, makes differences, and adds them to
// the second, minute, hour and day that it is; every 2 s it adds these to a Store. It does so with latencies
// and gauges, too. The sums of all steps are equal, whatever is told apart in them: of more series than have
// their own place the rest is added up under fewer labels, first without the names that clients choose, and
// only then without consumers. What a node adds is added to what others have: all figures are integers, and
// none is counted twice. What was counted since the latest batch is lost when the process is killed.
//
// While the store is away points wait in memory, up to a limit; then the oldest seconds are dropped, and
// counted. Nothing else ever waits for the store. All steps are those of UTC. The package knows no SQL. A
// Roller is safe for concurrent use; it runs two goroutines, which Close ends: the one that looks does not
// wait for the one that writes.
package rollup
