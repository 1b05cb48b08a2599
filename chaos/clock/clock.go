//go:build chaosclock

// Package clock has the wall clock of a process be ahead, or behind, as a file says. It exists where the
// package time has been edited to have one that can be: in gateways that are built to be harmed.
//
// What is monotonic goes on as it was, and so do timers: as when somebody sets the clock of a machine.
package clock

import (
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	variable = "CHAOS_CLOCK" // of the environment, that names the file
	pace     = 10 * time.Millisecond
)

func init() {
	path := os.Getenv(variable)
	if path == "" {
		return
	}
	follow(path)
	go func() { // as long as the process
		for range time.Tick(pace) {
			follow(path)
		}
	}()
}

// follow sets the clock by a file that holds seconds. Without one it is right.
func follow(path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		time.Ahead.Store(0)
		return
	}
	if ahead, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
		time.Ahead.Store(ahead)
	}
}
