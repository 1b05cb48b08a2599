package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// An entry of the Record: one operation, and what it has had.
type recorded struct {
	node string
	cell
	ending              string // empty: it runs
	handed, slow, write int64  // results that the outbox got, and those of them that were not sent
}

func (r recorded) delivered() int64 { return r.handed - r.slow - r.write }

// record is what the Record says of all operations, by id: of those that have ended in the logs of their
// nodes, of the others over GraphQL.
func (s *totalsShop) record(ask *process, nodes ...*process) (map[string]recorded, error) {
	running, failed := make([]map[string]recorded, len(crowdConsumers)), make([]error, len(crowdConsumers))
	var asking sync.WaitGroup
	for i, consumer := range crowdConsumers { // at once: the killed node is waited for, each time
		asking.Go(func() { running[i], failed[i] = askRunning(s.t.Context(), ask, consumer) })
	}
	asking.Wait()
	all := make(map[string]recorded)
	for _, some := range running {
		maps.Copy(all, some)
	}
	for _, p := range nodes {
		maps.Copy(all, loggedBy(p))
	}
	return all, errors.Join(failed...)
}

// askRunning asks for a consumer's operations that run on nodes that live.
func askRunning(ctx context.Context, p *process, consumer string) (map[string]recorded, error) {
	query, _ := json.Marshal(map[string]string{"query": fmt.Sprintf(`{ operations(search: "Watch", consumer: %q, first: 100) {
		total missing list { id node operation consumer events dropped { slow write } } } }`, consumer)})
	var answer struct {
		Errors json.RawMessage
		Data   struct {
			Operations struct {
				Total   int
				Missing []string
				List    []struct {
					ID, Node, Operation, Consumer string
					Events                        int64
					Dropped                       struct{ Slow, Write int64 }
				}
			}
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.public+"/graphql", bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-API-Key", adminKey)
	text, err := fetch(r)
	if err = errors.Join(err, json.Unmarshal([]byte(text), &answer)); err != nil || answer.Errors != nil {
		return nil, fmt.Errorf("operations of %s: %s (%w)", consumer, text, err)
	}
	told := answer.Data.Operations
	if told.Total != len(told.List) || slices.ContainsFunc(told.Missing, func(node string) bool { return node != "c" }) {
		return nil, fmt.Errorf("of %d operations of %s %d are listed, and %q are missing", told.Total, consumer, len(told.List), told.Missing)
	}
	all := make(map[string]recorded)
	for _, o := range told.List {
		all[o.ID] = recorded{
			node: o.Node, cell: cell{o.Consumer, o.Operation},
			handed: o.Events + o.Dropped.Slow + o.Dropped.Write, slow: o.Dropped.Slow, write: o.Dropped.Write,
		}
	}
	return all, nil
}

// loggedBy reads what a node has logged of operations that have ended.
func loggedBy(p *process) map[string]recorded {
	all := make(map[string]recorded)
	for line := range strings.Lines(p.printed()) {
		var l struct {
			Msg, ID, Operation, Consumer, Ending string
			Events                               int64
			Slow                                 int64 `json:"dropped_slow"`
			Write                                int64 `json:"dropped_write"`
		}
		if !strings.Contains(line, `"msg":"operation `) || json.Unmarshal([]byte(line), &l) != nil {
			continue
		}
		if l.Msg == "operation ended" || l.Msg == "operation corrected" { // of the lines of one the last is right
			node, _, _ := strings.Cut(l.ID, ".")
			all[l.ID] = recorded{node: node, cell: cell{l.Consumer, l.Operation}, ending: l.Ending, handed: l.Events, slow: l.Slow, write: l.Write}
		}
	}
	return all
}

// hasGivenUp reports whether a node has ended somebody who fell still.
func hasGivenUp(p *process) bool {
	for _, r := range loggedBy(p) {
		if r.cell == (cell{rude, watchPrices}) && r.ending == "SLOW_CONSUMER" {
			return true
		}
	}
	return false
}

// sumOf adds the Record up by what say says.
func sumOf(record map[string]recorded, say func(recorded) int64) map[cell]int64 {
	sums := make(map[cell]int64)
	for _, r := range record {
		if slices.Contains(crowdOperations, r.operation) {
			sums[r.cell] += say(r)
		}
	}
	return sums
}

// A scrape is what Prometheus would have of some nodes.
type scrape struct {
	deliveries map[string]int64 // by operation
	dropped    map[string]int64 // by reason
}

// delivered is what clients were sent.
func (s scrape) delivered() (n int64) {
	for _, handed := range s.deliveries {
		n += handed
	}
	return n - s.dropped["slow"] - s.dropped["write"]
}

var (
	sample = regexp.MustCompile(`^(sluice_deliveries_total|sluice_dropped_events_total)\{(.*)\} (\S+)$`)
	label  = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// scrapeOf reads the metrics of nodes. Of deliveries only those of what the crowd asks for count.
func scrapeOf(nodes ...*process) (scrape, error) {
	s := scrape{deliveries: make(map[string]int64), dropped: make(map[string]int64)}
	for _, p := range nodes {
		r, err := http.NewRequest(http.MethodGet, p.operator+"/metrics", nil)
		if err != nil {
			return s, err
		}
		text, err := fetch(r)
		if err != nil {
			return s, err
		}
		for line := range strings.Lines(text) {
			found := sample.FindStringSubmatch(strings.TrimSpace(line))
			if found == nil {
				continue
			}
			labels := make(map[string]string)
			for _, l := range label.FindAllStringSubmatch(found[2], -1) {
				labels[l[1]] = l[2]
			}
			n, err := strconv.ParseFloat(found[3], 64)
			if err != nil {
				return s, err
			}
			switch {
			case found[1] == "sluice_dropped_events_total":
				s.dropped[labels["reason"]] += int64(n)
			case labels["type"] == "subscription" || labels["type"] == "live":
				s.deliveries[labels["operation"]] += int64(n)
			}
		}
	}
	return s, nil
}

func fetch(r *http.Request) (string, error) {
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// operationOf is the operation that a field of the ledger belongs to; empty: none of the crowd's.
func operationOf(field string) string {
	for operation, of := range crowdFields {
		if of == field {
			return operation
		}
	}
	return ""
}

// exported is what `sluice usage export` says.
func (s *totalsShop) exported() map[cell]int64 {
	s.t.Helper()
	var out, notes bytes.Buffer
	none := func(string) (string, bool) { return "", false }
	err := runUsage(s.t.Context(), []string{"export", "--from", "2000-01-01", "--format", "json", "--database", s.database.URL()}, none, &out, &notes)
	var list []struct {
		Consumer, Field string
		Events          int64
	}
	if err = errors.Join(err, json.Unmarshal(out.Bytes(), &list)); err != nil {
		s.t.Fatalf("%v\n%s\n%s", err, out.String(), notes.String())
	}
	sums := make(map[cell]int64)
	for _, e := range list {
		if operation := operationOf(e.Field); operation != "" {
			sums[cell{e.Consumer, operation}] += e.Events
		}
	}
	return sums
}

// batched is the ledger of each node, from the batches that it has made.
func (s *totalsShop) batched() map[string]map[cell]int64 {
	s.t.Helper()
	const from = ` FROM usage_batch, json_array_elements(CAST(entries AS json)) AS e `
	names := make(map[string]string)
	for row := range strings.Lines(s.database.SQL(`SELECT DISTINCT node, e->>'consumer'` + from + `WHERE e->>'consumer' LIKE 'sign-%'`)) {
		node, sign, _ := strings.Cut(strings.TrimSpace(row), "|")
		names[node] = strings.TrimPrefix(sign, "sign-")
	}
	ledgers := map[string]map[cell]int64{"a": {}, "b": {}, "c": {}}
	for row := range strings.Lines(s.database.SQL(
		`SELECT node, e->>'consumer', e->>'field', sum(CAST(e->>'events' AS bigint))` + from + `GROUP BY 1, 2, 3`)) {
		column := strings.Split(strings.TrimSpace(row), "|")
		events, err := strconv.ParseInt(column[3], 10, 64)
		of := ledgers[names[column[0]]]
		operation := operationOf(column[2])
		if err != nil || of == nil && operation != "" {
			s.t.Fatalf("a batch of a node that has left no sign: %q", row)
		}
		if operation != "" {
			of[cell{column[1], operation}] += events
		}
	}
	return ledgers
}

// quotaUsed is the counter of the metered consumer's quota, in Redis: events that were granted, charged,
// returned and forfeited.
func (s *totalsShop) quotaUsed() (granted, charged, returned, forfeited int64) {
	s.t.Helper()
	for key := range strings.Lines(s.redis.Do("KEYS", "sluice:quota:*"+metered+"}")) {
		words := strings.Fields(s.redis.Do("HGETALL", strings.TrimSpace(key)))
		for i := 0; i+1 < len(words); i++ {
			n, _ := strconv.ParseInt(words[i+1], 10, 64)
			switch {
			case strings.HasSuffix(words[i], ":g"):
				granted += n
			case strings.HasSuffix(words[i], ":c"):
				charged += n
			case strings.HasSuffix(words[i], ":r"):
				returned += n
			case strings.HasSuffix(words[i], ":f"):
				forfeited += n
			}
		}
	}
	return granted, charged, returned, forfeited
}
