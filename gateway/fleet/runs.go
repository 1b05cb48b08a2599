package fleet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/pubsub/peers"
)

// Questions that nodes ask each other.
const (
	askRuns    = "runs"
	askDismiss = "dismiss"
)

// MostRuns is how many operations Runs lists at most.
const MostRuns = 100

// Errors of Dismiss.
var (
	// ErrNoOperation reports that no operation with an id runs.
	ErrNoOperation = errors.New("fleet: no such operation runs")
	// ErrNoAnswer reports a node that could not be asked: the operation may have ended or not.
	ErrNoAnswer = errors.New("fleet: the operation's node does not answer")
)

// Runs are operations that run, on all nodes.
type Runs struct {
	Total   int      // that were asked for, on the nodes that have answered
	First   []Run    // of these, those that have had the most events; fewer where their names are very long
	Missing []string // nodes that have not answered
}

// A Run is an operation that runs.
type Run struct {
	ID   string // of this operation and no other, on all nodes
	Node string
	analytics.Run
}

// runsAnswer is what one node has to say.
type runsAnswer struct {
	Total int             `json:"total"`
	Runs  []analytics.Run `json:"runs"`
}

type dismissal struct {
	Number uint64 `json:"number"`
	Why    string `json:"why"`
}

// Runs asks all nodes for operations that run, at most MostRuns of them. It takes a second at most: a node
// that takes longer is missing, and is not waited for again until it is heard of. Nor is one that was not
// heard of for some seconds: it is missing unless it answers before the others have.
func (f *Fleet) Runs(ctx context.Context, q analytics.RunQuery) (Runs, error) {
	q.First = min(q.First, MostRuns)
	question, err := json.Marshal(q)
	if err != nil {
		return Runs{}, err
	}
	answers, err := f.peers.Ask(ctx, askRuns, question)
	if err != nil {
		return Runs{}, err
	}
	var all Runs
	for _, a := range answers {
		var told runsAnswer
		if a.Err != nil || json.Unmarshal(a.Body, &told) != nil {
			all.Missing = append(all.Missing, a.Node)
			continue
		}
		all.Total += told.Total
		for _, run := range told.Runs {
			all.First = append(all.First, Run{ID: a.Node + "." + strconv.FormatUint(run.Number, 10), Node: a.Node, Run: run})
		}
	}
	slices.SortStableFunc(all.First, func(a, b Run) int { return a.Compare(b.Run) })
	all.First = all.First[:min(len(all.First), q.First)]
	return all, nil
}

// Dismiss ends an operation, on whichever node it runs, and tells its client that an operator has, and
// why. It returns what the operation was and had, or ErrNoOperation or ErrNoAnswer.
func (f *Fleet) Dismiss(ctx context.Context, id, why string) (Run, error) {
	node, number, _ := strings.Cut(id, ".")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return Run{}, ErrNoOperation
	}
	question, err := json.Marshal(dismissal{Number: n, Why: why})
	if err != nil {
		return Run{}, err
	}
	answer, err := f.peers.Tell(ctx, node, askDismiss, question)
	var told *analytics.Run
	switch {
	case errors.Is(err, peers.ErrGone):
		return Run{}, ErrNoOperation
	case err != nil:
		return Run{}, errors.Join(ErrNoAnswer, err)
	case json.Unmarshal(answer, &told) != nil:
		return Run{}, ErrNoAnswer
	case told == nil:
		return Run{}, ErrNoOperation
	}
	return Run{ID: id, Node: node, Run: *told}, nil
}

// handlers answer what other nodes ask, and this one.
func (f *Fleet) handlers() map[string]peers.Handler {
	return map[string]peers.Handler{
		askRuns: func(_ context.Context, question []byte) ([]byte, error) {
			var q analytics.RunQuery
			if err := json.Unmarshal(question, &q); err != nil {
				return nil, err
			}
			q.First = min(q.First, MostRuns)
			runs, total := f.recorder.Runs(q)
			return runsAnswer{Total: total, Runs: runs}.encode()
		},
		askDismiss: func(_ context.Context, question []byte) ([]byte, error) {
			var d dismissal
			if err := json.Unmarshal(question, &d); err != nil {
				return nil, err
			}
			record := f.recorder.Find(d.Number)
			if record == nil {
				return []byte("null"), nil
			}
			run := analytics.Run{Number: d.Number, Began: record.Began(), Labels: record.Labels(), Counts: record.Counts()}
			record.Dismiss(d.Why)
			return encode(run)
		},
	}
}

// encode makes the answer, with as many of the runs, from the first, as an answer may hold: clients
// choose some of their names. The total stays what it is.
func (a runsAnswer) encode() ([]byte, error) {
	text, err := encode(a)
	if err != nil || len(text) <= peers.MaxBody {
		return text, err
	}
	all := a.Runs
	fit := sort.Search(len(all), func(n int) bool {
		text, err := encode(runsAnswer{Total: a.Total, Runs: all[:n+1]})
		return err != nil || len(text) > peers.MaxBody
	})
	a.Runs = all[:fit]
	return encode(a)
}

// encode makes JSON that is not escaped for HTML: of some characters that would make six.
func encode(what any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(what)
	return b.Bytes(), err
}
