package rollup

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

const (
	// longestWait is how long seconds wait for the store.
	longestWait = 10 * time.Minute
	// batchRows is how large a batch gets, but for the last sheet: it is one transaction.
	batchRows = 5000
)

// A place is a step that begins at a time, in seconds since 1970.
type place struct {
	step Step
	at   int64
}

func placeOf(s Step, t time.Time) place { return place{s, s.Start(t).Unix()} }

func (p place) time() time.Time { return time.Unix(p.at, 0).UTC() }

// A sheet is what was added up in a place.
type sheet struct {
	place
	entries map[handle]*Entry
	timings map[string]analytics.Sketch
	levels  map[string]int64
	rows    int
}

// pending are the sheets that wait for the store.
type pending struct {
	mu      sync.Mutex // guards what follows
	sheets  map[place]*sheet
	rows    int
	dropped int64 // rows that have waited for too long
}

func (p *pending) sheetLocked(at place) *sheet {
	s := p.sheets[at]
	if s == nil {
		s = &sheet{
			place: at, entries: make(map[handle]*Entry),
			timings: make(map[string]analytics.Sketch), levels: make(map[string]int64),
		}
		p.sheets[at] = s
	}
	return s
}

// count adds what a series has had.
func (p *pending) count(at place, of handle, fresh *gain) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sheetLocked(at)
	before := s.rows
	sum := s.entries[of]
	if sum == nil {
		sum = &Entry{Step: at.step, At: at.time(), Labels: of.Value()}
		s.entries[of] = sum
		s.rows++
	}
	sum.Counts = sum.Counts.Plus(fresh.counts)
	for code, n := range fresh.endings {
		if sum.Endings == nil {
			sum.Endings = make(map[string]int64)
		}
		if _, known := sum.Endings[code]; !known {
			s.rows++
		}
		sum.Endings[code] += n
	}
	p.rows += s.rows - before
}

// time adds what took so long of a field.
func (p *pending) time(at place, field string, fresh analytics.Sketch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sheetLocked(at)
	sum := s.timings[field]
	if sum == nil {
		sum = make(analytics.Sketch)
		s.timings[field] = sum
	}
	before := len(sum)
	sum.Merge(fresh)
	s.rows += len(sum) - before
	p.rows += len(sum) - before
}

// level adds what a gauge stood at, times milliseconds.
func (p *pending) level(at place, name string, millis int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.sheetLocked(at)
	if _, known := s.levels[name]; !known {
		s.rows++
		p.rows++
	}
	s.levels[name] += millis
}

// trim drops the seconds that have waited for too long, and of more rows than may wait the shortest steps
// before the longer ones, and of these the oldest first.
func (p *pending) trim(now time.Time, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for at, s := range p.sheets {
		if at.step == Second && now.Sub(at.time()) > longestWait {
			p.dropLocked(s)
		}
	}
	if p.rows <= most {
		return
	}
	sheets := make([]*sheet, 0, len(p.sheets))
	for _, s := range p.sheets {
		sheets = append(sheets, s)
	}
	slices.SortFunc(sheets, func(a, b *sheet) int { return cmp.Or(cmp.Compare(a.step, b.step), cmp.Compare(a.at, b.at)) })
	for _, s := range sheets {
		if p.rows <= most {
			return
		}
		p.dropLocked(s)
	}
}

func (p *pending) dropLocked(s *sheet) {
	delete(p.sheets, s.place)
	p.rows -= s.rows
	p.dropped += int64(s.rows)
}

// take takes the sheets of a batch out, the longest steps first: they matter for longest.
func (p *pending) take() []*sheet {
	p.mu.Lock()
	defer p.mu.Unlock()
	places := make([]place, 0, len(p.sheets))
	for at := range p.sheets {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(b.step, a.step), cmp.Compare(a.at, b.at)) })
	var taken []*sheet
	rows := 0
	for _, at := range places {
		if rows >= batchRows {
			break
		}
		s := p.sheets[at]
		delete(p.sheets, at)
		rows += s.rows
		taken = append(taken, s)
	}
	p.rows -= rows
	return taken
}
