//go:build !race

package operation_test

// histories is how many are told.
const histories = 10_000
