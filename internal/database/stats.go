package database

// Stats count what a DB had to do for its calls, since it was opened.
type Stats struct {
	Repeated  uint64 `json:"repeated"`  // transactions that were undone for another's sake, and begun anew
	Connected uint64 `json:"connected"` // connections made to a server: many a minute if it loses them; 0 in SQLite
	Waits     uint64 `json:"waits"`     // times that a call had to wait for a connection, for all were in use
}

// Stats returns the counts of this moment.
func (db *DB) Stats() Stats {
	s := db.writer.stats()
	if db.reader != db.writer {
		s.add(db.reader.stats())
	}
	return s
}

func (p *pool) stats() Stats {
	return Stats{
		Repeated:  p.repeated.Load(),
		Connected: p.connected.Load(),
		Waits:     uint64(p.db.Stats().WaitCount),
	}
}

func (s *Stats) add(o Stats) {
	s.Repeated += o.Repeated
	s.Connected += o.Connected
	s.Waits += o.Waits
}
