//go:build !race

package gateway_test

// drainedSessions are those of a crowd that is drained.
const drainedSessions = 10_002
