package rollup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
)

// A Reader reads the sums. What was not written yet is not in them. Lists are in the order of time; steps
// in which there was nothing are not in them. An error that a wrong query causes wraps ErrQuery.
type Reader interface {
	// Series is what all operations that a query asks for have had, one point for each step.
	Series(ctx context.Context, q Query) ([]Point, error)

	// Top is the first n, by an order, of what a dimension tells apart, over all of a query's time. Equal
	// ones are in the order of their names.
	Top(ctx context.Context, q Query, by Dimension, order Order, n int) ([]Row, error)

	// Endings is with which codes operations ended or were refused, one for each step and code.
	Endings(ctx context.Context, q Query) ([]Ending, error)

	// Latencies is how long events took, one for each step and field. Of a query's Where it knows the field.
	Latencies(ctx context.Context, q Query) ([]Timing, error)

	// Gauges is what gauges stood at, one for each step and name: the sum over all nodes, and the average
	// over the step, as far as it is over. One that stood at 0 is not in it. It knows no Where.
	Gauges(ctx context.Context, q Query) ([]Gauge, error)
}

// A Query says which sums are wanted.
type Query struct {
	Step     Step
	From, To time.Time // steps that begin at From or later, and before To
	Where    Where
}

// Where says whose operations are wanted, and which: those that are equal in everything that is not empty.
type Where struct {
	Kind, Operation, Document, Field, Topic string
	Consumer, Plan                          string
	Issuer                                  *string // nil: whoever has issued; else only consumers of this issuer, "" being keys'
	Transport, Client, Country              string
}

// A Point is what operations have had in the step that begins At a time.
type Point struct {
	At time.Time `json:"at"`
	Counts
}

// A Row is what the operations have had that a dimension does not tell apart: its labels have no others
// than the dimension's.
type Row struct {
	Labels analytics.Labels `json:"labels"`
	Counts
}

// An Ending is how often operations ended with a code, in the step that begins At a time.
type Ending struct {
	At   time.Time `json:"at"`
	Code string    `json:"code"`
	N    int64     `json:"n"`
}

// A Gauge is what something stood at in the step that begins At a time.
type Gauge struct {
	At      time.Time `json:"at"`
	Name    string    `json:"name"`
	Average float64   `json:"average"`
}

// A Dimension is what Top tells operations apart by.
type Dimension string

// The dimensions.
const (
	ByOperation Dimension = "operation" // its name, document, kind and field
	ByConsumer  Dimension = "consumer"  // with its issuer and plan
	ByPlan      Dimension = "plan"
	ByField     Dimension = "field"
	ByTopic     Dimension = "topic"
	ByClient    Dimension = "client" // with its version
	ByTransport Dimension = "transport"
	ByCountry   Dimension = "country"
)

// Dimensions are all of them.
var Dimensions = []Dimension{ByOperation, ByConsumer, ByPlan, ByField, ByTopic, ByClient, ByTransport, ByCountry}

// An Order says of what Top's first have most.
type Order string

// The orders.
const (
	OfEvents     Order = "events"
	OfBytes      Order = "bytes"
	OfOperations Order = "operations" // started
	OfRefusals   Order = "refusals"
	OfFailures   Order = "failures" // events with errors
	OfDrops      Order = "drops"
	OfConnected  Order = "connected" // time
)

// Orders are all of them.
var Orders = []Order{OfEvents, OfBytes, OfOperations, OfRefusals, OfFailures, OfDrops, OfConnected}

// MostPoints is how many steps a query may be long.
const MostPoints = 5000

// MostRows is how many rows Top may be asked for.
const MostRows = 1000

// ErrQuery is wrapped by what is wrong with a query. The whole text says what to do.
var ErrQuery = errors.New("rollup: not to be answered")

// ErrRange is an ErrQuery: of a range that ends before it begins, or is too long.
var ErrRange = fmt.Errorf("%w: the range", ErrQuery)

// Check says what is wrong with a query, or nil.
func (q Query) Check() error {
	if !slices.Contains(Steps[:], q.Step) {
		return fmt.Errorf("%w: %d s is no step: ask for a second, minute, hour or day", ErrQuery, q.Step)
	}
	if q.To.Before(q.From) {
		return fmt.Errorf("%w ends before it begins: ask for a later end", ErrRange)
	}
	if most := MostPoints * q.Step.Length(); q.To.Sub(q.From) > most {
		return fmt.Errorf("%w is longer than %d steps of a %s (%s): ask for less, or for longer steps", ErrRange, MostPoints, q.Step, most)
	}
	return nil
}

// CheckTop says what is wrong with Top's parameters, or nil.
func CheckTop(by Dimension, order Order, n int) error {
	switch {
	case !slices.Contains(Dimensions, by):
		return fmt.Errorf("%w: %q is no dimension: ask for one of %q", ErrQuery, by, Dimensions)
	case !slices.Contains(Orders, order):
		return fmt.Errorf("%w: %q is no order: ask for one of %q", ErrQuery, order, Orders)
	case n < 1 || n > MostRows:
		return fmt.Errorf("%w: %d rows: ask for 1 to %d", ErrQuery, n, MostRows)
	}
	return nil
}
