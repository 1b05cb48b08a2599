package main

import (
	"fmt"
	"time"
)

// A pageScenario is one way for clients to keep pages true.
type pageScenario struct {
	name     string
	visitors int
	pages    int
	throttle int           // of @live, in milliseconds; 0: the visitors poll once a second
	every    time.Duration // mean time between two writes
}

var pageScenarios = map[string]pageScenario{
	"poll":      {visitors: 1000, pages: 1, every: 2 * time.Second},
	"live":      {visitors: 1000, pages: 1, throttle: 1000, every: 2 * time.Second},
	"pollpages": {visitors: 1000, pages: 100, every: 2 * time.Second},
	"livepages": {visitors: 1000, pages: 100, throttle: 1000, every: 2 * time.Second},
	"livefast":  {visitors: 1000, pages: 1, throttle: 100, every: 250 * time.Millisecond},
}

func (sc pageScenario) validate() error {
	switch {
	case sc.pages < 1, sc.pages > most:
		return fmt.Errorf("%d pages: 1 to %d", sc.pages, most)
	case sc.visitors < sc.pages:
		return fmt.Errorf("%d visitors on %d pages: at least one per page", sc.visitors, sc.pages)
	case sc.throttle < 0:
		return fmt.Errorf("throttle %d: 1 or more milliseconds, or 0 to poll", sc.throttle)
	case sc.every < 10*time.Millisecond:
		return fmt.Errorf("a write every %v: 10ms or more", sc.every)
	}
	return nil
}
