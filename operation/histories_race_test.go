//go:build race

package operation_test

// histories is how many are told: under the race detector each takes five times as long.
const histories = 2_000
