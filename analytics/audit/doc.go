// Package audit writes down what administrators do: who, when, what, to which object, with which changes,
// and how it has ended.
//
// An entry is one line of JSON at the end of a file, or without a file a line of the log. It is written
// when the action is over, and what cannot be written is logged and counted: no action waits for it or fails
// by it. The package does not know what the actions are; whoever notes one leaves secrets out. A Log is
// safe for concurrent use, also by several processes with one file, and runs no goroutine.
package audit
