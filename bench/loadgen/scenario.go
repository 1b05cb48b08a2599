package main

import (
	"fmt"
	"strconv"
	"time"
)

// A scenario is one way to load a server. Zero means none: no rate is a closed loop, no window an
// open one.
type scenario struct {
	name      string
	sse       bool
	sessions  int
	topics    int
	documents int
	rate      float64 // events per second over all topics
	window    int     // events of one topic in flight
	padding   int     // bytes added to each note, so that a delivery has about 200 bytes
	quiet     time.Duration
}

var scenarios = map[string]scenario{
	"fanout":   {sessions: 1000, topics: 1, documents: 1, window: 32},
	"fanout8":  {sessions: 1000, topics: 1, documents: 1, window: 8},
	"fanout20": {sessions: 1000, topics: 1, documents: 1, rate: 20},
	"own":      {sessions: 2000, topics: 2000, documents: 1, window: 1},
	"mixed":    {sessions: 5000, topics: 100, documents: 3, window: 2, padding: 30},
	"sse":      {sessions: 1000, topics: 1, documents: 1, window: 32, sse: true},
	"fanout5k": {sessions: 5000, topics: 1, documents: 1, rate: 20},
	"idle":     {sessions: 10000, topics: 1, documents: 1, quiet: 10 * time.Second},
	"connect":  {sessions: 10000, topics: 1, documents: 1},
}

// documents differ in their selections. All hold revision and note, which the load generator reads.
var documents = []string{
	"subscription($ids:[ID!]) { priceChanged(productIds:$ids) { productId price previousPrice currency revision note changedAt } }",
	"subscription($ids:[ID!]) { priceChanged(productIds:$ids) { productId price revision note changedAt } }",
	"subscription($ids:[ID!]) { priceChanged(productIds:$ids) { currency price previousPrice revision note } }",
}

func (sc scenario) validate() error {
	switch {
	case sc.sessions < 1, sc.topics < 1, sc.sessions < sc.topics:
		return fmt.Errorf("%d sessions on %d topics: at least one session per topic", sc.sessions, sc.topics)
	case sc.documents < 1, sc.documents > len(documents):
		return fmt.Errorf("%d documents: 1 to %d", sc.documents, len(documents))
	case sc.window >= ring:
		return fmt.Errorf("window %d: below %d", sc.window, ring)
	case sc.rate > 0 && sc.window > 0:
		return fmt.Errorf("rate and window: a loop is open or closed")
	}
	return nil
}

// plan gives the subscribers of a scenario: every topic gets every document.
func (sc scenario) plan() (topics []*topic, subscribers []*subscriber) {
	for i := range sc.topics {
		topics = append(topics, &topic{product: fmt.Sprintf("bench-%04d", i)})
	}
	for i := range sc.sessions {
		t := topics[i%sc.topics]
		operation := subscription(documents[i/sc.topics%sc.documents], t.product)
		subscribers = append(subscribers, &subscriber{session: session{sse: sc.sse, operation: operation}, topic: t})
	}
	return topics, subscribers
}

// subscription is the request's JSON object of a document for one product.
func subscription(document, product string) []byte {
	b := append([]byte(nil), `{"query":`...)
	b = strconv.AppendQuote(b, document)
	b = append(b, `,"variables":{"ids":["`...)
	b = append(b, product...)
	return append(b, `"]}}`...)
}
