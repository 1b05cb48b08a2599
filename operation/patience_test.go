//go:build !race

package operation_test

// patience is how many times as long as promised something may take before a test fails: machines are shared.
const patience = 4
