package main

import "time"

// A usage is what had been spent by a moment since processes and machine began; or, by since, between
// two moments.
type usage struct {
	at      time.Time
	took    time.Duration // of since
	server  time.Duration // CPU time of the server
	machine time.Duration // and of all processes
	own     time.Duration // and of the load generator
}

// usageOf reads the clock last: what reading costs counts before it.
func usageOf(pid int) (u usage, err error) {
	if u.server, err = cpuOf(pid); err != nil {
		return u, err
	}
	if u.machine, err = machineCPU(); err != nil {
		return u, err
	}
	u.own, u.at = ownCPU(), time.Now()
	return u, nil
}

func (u usage) since(before usage) usage {
	return usage{
		at: u.at, took: u.at.Sub(before.at),
		server: u.server - before.server, machine: u.machine - before.machine, own: u.own - before.own,
	}
}

// others is the CPU time of the rest of the machine. Ticks are coarse: it is never below 0.
func (u usage) others() time.Duration { return max(0, u.machine-u.server-u.own) }

// cores is how many cores a CPU time kept busy.
func (u usage) cores(cpu time.Duration) float64 { return cpu.Seconds() / u.took.Seconds() }
