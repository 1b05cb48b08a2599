package main

// ring is how many events of one topic may be in flight; a power of two.
const ring = 1 << 10

// A topic is one product's price changes and who still waits for which of them.
type topic struct {
	product   string
	members   int32
	published int64       // the last revision sent; the first is 1
	done      int64       // every revision up to here has reached everyone who was there
	waiting   [ring]int32 // receivers that the revision at this index still lacks
}

func (t *topic) inFlight() int64 { return t.published - t.done }

// next is the revision to publish now.
func (t *topic) next() int64 {
	t.published++
	t.waiting[t.published%ring] = t.members
	return t.published
}

// credit notes that one receiver needs revision no longer and gives how many events that completed.
func (t *topic) credit(revision int64) (completed int) {
	t.waiting[revision%ring]--
	for t.done < t.published && t.waiting[(t.done+1)%ring] <= 0 {
		t.done++
		completed++
	}
	return completed
}
