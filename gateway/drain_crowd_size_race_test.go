//go:build race

package gateway_test

// drainedSessions are those of a crowd that is drained: the race detector bears 8,128 goroutines, and more than one
// each.
const drainedSessions = 1_500
