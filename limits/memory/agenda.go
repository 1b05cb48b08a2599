package memory

import "container/heap"

// An appointment is something to do at a time: about a lease, a window, or a bucket of a window.
type appointment struct {
	at     int64
	lease  string // empty: about the window
	window string
	bucket int64
}

// An agenda is a heap of appointments, the next one first.
type agenda []appointment

func (a *agenda) add(next appointment) { heap.Push(a, next) }

// The methods of heap.Interface.
func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(next any)     { *a = append(*a, next.(appointment)) }
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}
