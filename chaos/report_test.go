package main

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/chaos/check"
)

func TestReport(t *testing.T) {
	began := time.Now()
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	id := func(n int) check.ID { return check.ID{Number: n} }
	r := &report{
		plan:  &plan{seed: 5, subscribers: 1, topics: 1, nodes: 3},
		began: []moment{{"redis-kill", at(10)}, {"gateway-kill", at(20)}, {"redis-kill", at(30)}, {"the end", at(40)}},
		history: check.History{
			Published: []check.Publish{
				{ID: id(1), Topic: "stock.1", Acknowledged: true, Tries: 1, At: at(5)},
				{ID: id(2), Topic: "stock.1", Acknowledged: true, Tries: 3, At: at(12)},
				{ID: id(3), Topic: "stock.1", Acknowledged: true, Tries: 1, At: at(16)},
				{ID: id(4), Topic: "stock.1", Acknowledged: true, Tries: 1, At: at(21)},
			},
			Clients: []check.Client{{Name: "a", Topic: "stock.1", Transport: "sse", Stayed: true, Entries: []check.Entry{
				{Kind: check.Began, At: at(1)},
				{Kind: check.Received, ID: id(1), At: at(5)},
				{Kind: check.Resumed, At: at(11)},
				{Kind: check.Received, ID: id(2), At: at(13)},
				{Kind: check.Gapped, At: at(31)},
				{Kind: check.Joined, At: at(31)},
			}}},
		},
		failures: []string{"descriptors: no prlimit"},
	}
	r.history.Published[3].Closing = true
	r.found = check.Run(r.history)
	var out strings.Builder
	r.write(&out)
	for _, want := range []string{
		"redis-kill      2              5.0 s          1.0 s        1          1                  0         0",
		"gateway-kill      1              0.0 s          0.0 s        0          0                  0         1",
		"sse            1         2        1          1                  0         1\n",
		"4 events published (4 acknowledged, 6 tries)", "lost          1\n", "could not be done: descriptors: no prlimit\n",
		"gateway-kill: lost a stock.1 0/4: is missing, and no gap was told\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
}
