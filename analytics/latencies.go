package analytics

import "maps"

// mostFields is how many root fields have a latency of their own.
const mostFields = 200

// Latency is how long events of a root field have taken from when they were published until they were
// written. Of more than 200 fields the rest is Other.
func (r *Recorder) Latency(field string) *Latency {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.latencies[field] == nil && len(r.latencies) >= mostFields {
		field = Other
	}
	if r.latencies[field] == nil {
		if r.latencies == nil {
			r.latencies = make(map[string]*Latency)
		}
		r.latencies[field] = new(Latency)
	}
	return r.latencies[field]
}

// Latencies are those of all fields.
func (r *Recorder) Latencies() map[string]*Latency {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return maps.Clone(r.latencies)
}
