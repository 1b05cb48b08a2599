package limits

// Stats are sums over all accounts of a Book, those that are closed included. Granted is the sum of
// Charged, Returned, Forfeited and Held.
type Stats struct {
	Accounts int   `json:"accounts"` // open now
	Held     int64 `json:"held"`     // leased and not spent or returned

	Granted   int64 `json:"granted"`
	Charged   int64 `json:"charged"` // spent of leases; what was given back in time is not
	Returned  int64 `json:"returned"`
	Forfeited int64 `json:"forfeited"` // of leases that the counter or the Book gave up: what was not known as spent
	GivenBack int64 `json:"givenBack"` // taken, and given back in time to be taken again
	Stranded  int64 `json:"stranded"`  // of those, charged all the same: nobody took them again
	Overdraft int64 `json:"overdraft"` // taken beyond the leases
	Unmetered int64 `json:"unmetered"` // taken of unlimited quotas

	Refills  uint64 `json:"refills"`  // requests for a lease that the counter has answered
	Failures uint64 `json:"failures"` // calls that it has not
}

func (s *Stats) add(o Stats) {
	s.Accounts += o.Accounts
	s.Held += o.Held
	s.Granted += o.Granted
	s.Charged += o.Charged
	s.Returned += o.Returned
	s.Forfeited += o.Forfeited
	s.GivenBack += o.GivenBack
	s.Stranded += o.Stranded
	s.Overdraft += o.Overdraft
	s.Unmetered += o.Unmetered
	s.Refills += o.Refills
	s.Failures += o.Failures
}

// stats returns the sums of a up to now.
func (a *Account) stats() Stats {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.statsLocked()
}

func (a *Account) statsLocked() Stats {
	s := a.sums
	s.Overdraft, s.Unmetered = a.over.Load(), a.free.Load()
	count := func(o *holding, spent int64) {
		s.Charged += spent
		s.Held += o.events - spent
	}
	a.holdings.spent(int64(uint32(a.word.Load())), count)
	for i := range a.holdings.over {
		count(&a.holdings.over[i], a.holdings.over[i].spent)
	}
	return s
}
