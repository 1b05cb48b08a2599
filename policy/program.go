package policy

import (
	"math"
	"slices"
)

// A program computes a cost. Where no variable says how long a list is, it is only its total.
// It is as long as the document it was compiled from, however often fragments stand in others.
type program struct {
	steps []step
	sizes []size
	total term
}

// A term is a number that is known, or else the result of a step.
type term struct {
	known int64
	step  int // counted from 1; 0: the number is known
}

func constant(n int64) term { return term{known: n} }

type step struct {
	do   operator
	a, b term // of measure: a is the index of a size
}

type operator byte

const (
	sum operator = iota
	product
	largest
	measure
)

// run computes the total. It allocates only where there are steps.
func (p *program) run(variables map[string]any) int64 {
	if p.total.step == 0 {
		return p.total.known
	}
	results := make([]int64, len(p.steps))
	value := func(t term) int64 {
		if t.step == 0 {
			return t.known
		}
		return results[t.step-1]
	}
	for i, s := range p.steps {
		if s.do == measure {
			results[i] = p.sizes[s.a.known].with(variables)
			continue
		}
		results[i] = s.do.of(value(s.a), value(s.b))
	}
	return value(p.total)
}

// of computes with numbers that are not negative, and stays at the largest there is.
func (o operator) of(a, b int64) int64 {
	switch {
	case o == largest:
		return max(a, b)
	case o == sum && a > math.MaxInt64-b, o == product && b != 0 && a > math.MaxInt64/b:
		return math.MaxInt64
	case o == sum:
		return a + b
	}
	return a * b
}

// A builder writes a program. Equal steps are one.
type builder struct {
	program
	known map[step]term
}

func (b *builder) do(o operator, x, y term) term {
	switch {
	case x.step == 0 && y.step == 0:
		return constant(o.of(x.known, y.known))
	case x.step == 0: // a number that changes nothing stands behind
		x, y = y, x
	}
	switch {
	case o == largest && x == y, o != product && y == constant(0), o == product && y == constant(1):
		return x
	case o == product && y == constant(0):
		return y
	}
	return b.step(step{o, x, y})
}

func (b *builder) step(s step) term {
	t, ok := b.known[s]
	if !ok {
		b.steps = append(b.steps, s)
		t = term{step: len(b.steps)}
		b.known[s] = t
	}
	return t
}

// measure is the size of a list.
func (b *builder) measure(s size) term {
	if len(s.variables) == 0 {
		return constant(s.with(nil))
	}
	at := slices.IndexFunc(b.sizes, s.equal)
	if at < 0 {
		at = len(b.sizes)
		b.sizes = append(b.sizes, s)
	}
	return b.step(step{do: measure, a: constant(int64(at))})
}
