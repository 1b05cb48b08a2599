//go:build race

package operation_test

// patience is how many times as long as promised something may take under the race detector.
const patience = 20
