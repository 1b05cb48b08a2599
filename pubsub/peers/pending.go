package peers

import (
	"crypto/rand"
	"slices"
	"sync"
)

// maxGathered is the size of all answers to questions that are open, in bytes. One that does not fit
// counts as too large.
const maxGathered = 64 << 20

// pending is the questions of this node that are open. The zero value is empty and ready.
type pending struct {
	mu       sync.Mutex // guards what follows, and what the open questions have gathered
	open     map[string]*gathering
	kinds    map[string]int // how many of each are open
	gathered int            // bytes
}

// A gathering is what was answered to one question.
type gathering struct {
	id, kind string
	complete chan struct{} // closed when nobody is waited for any more

	answers []Answer        // in order of the nodes
	missing map[string]int  // the index of who has not answered
	overdue map[string]bool // who is not waited for, answered or not
	awaited int             // how many of those who are missing are waited for
	bytes   int
}

// begin opens a question to nodes, which are in order, and of which some are overdue, but not all. It
// fails with ErrBusy.
func (p *pending) begin(kind string, nodes []string, overdue map[string]bool) (*gathering, error) {
	g := &gathering{
		id: rand.Text(), kind: kind, complete: make(chan struct{}),
		missing: make(map[string]int, len(nodes)), overdue: overdue, awaited: len(nodes) - len(overdue),
	}
	for i, node := range nodes {
		g.answers = append(g.answers, Answer{Node: node})
		g.missing[node] = i
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.kinds[kind] >= MaxQuestions {
		return nil, ErrBusy
	}
	if p.open == nil {
		p.open, p.kinds = make(map[string]*gathering), make(map[string]int)
	}
	p.open[g.id] = g
	p.kinds[kind]++
	return g, nil
}

// settle adds the answer to the question with this id. It reports whether the answer was waited for.
func (p *pending) settle(id string, a Answer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.open[id]
	return g != nil && p.settleLocked(g, a)
}

func (p *pending) settleLocked(g *gathering, a Answer) bool {
	at, missing := g.missing[a.Node]
	if !missing {
		return false
	}
	if p.gathered+len(a.Body) > maxGathered {
		a = Answer{Node: a.Node, Err: ErrTooLarge}
	}
	p.gathered += len(a.Body)
	g.bytes += len(a.Body)
	g.answers[at] = a
	delete(g.missing, a.Node)
	if g.overdue[a.Node] {
		return true
	}
	if g.awaited--; g.awaited == 0 {
		close(g.complete)
	}
	return true
}

// lose gives every question up, of this node that has left.
func (p *pending) lose(node string, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, g := range p.open {
		p.settleLocked(g, Answer{Node: node, Err: why})
	}
}

// fail gives up all that one question is still missing, but what self has to say.
func (p *pending) fail(g *gathering, self string, why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for node := range g.missing {
		if node != self {
			p.settleLocked(g, Answer{Node: node, Err: why})
		}
	}
}

// end closes the question and returns what was gathered. Who is still missing has ErrSilent.
func (p *pending) end(g *gathering) (answers []Answer, silent int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, g.id)
	if p.kinds[g.kind]--; p.kinds[g.kind] == 0 {
		delete(p.kinds, g.kind)
	}
	p.gathered -= g.bytes
	for _, at := range g.missing {
		g.answers[at].Err = ErrSilent
	}
	return slices.Clip(g.answers), len(g.missing)
}
