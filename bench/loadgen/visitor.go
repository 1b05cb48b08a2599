package main

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"time"
)

// A visitor is a client that keeps one page true, and knows which writes it has seen.
type visitor struct {
	crowd  *crowd
	page   *page
	conn   *conn
	hash   uint64 // of the last result; 0: there was none
	newest int64  // the number of the latest write in it
	seen   int    // how many of the page's writes
}

// result takes one result of the page, as it came.
func (v *visitor) result(b []byte) error {
	c := v.crowd
	if bytes.Contains(b, errorsKey) {
		return fmt.Errorf("refused: %s", b)
	}
	if v.page.products == nil {
		if err := v.page.learn(b); err != nil {
			return err
		}
	}
	c.results++
	hash := max(1, maphash.Bytes(c.seed, b))
	switch v.hash {
	case hash:
		return nil
	case 0:
		c.present++
	default:
		c.differing++
	}
	v.hash = hash
	v.see(newestIn(b), time.Now())
	return nil
}

// see credits the writes up to a number. A result shows the shop of one moment: what it shows the
// later ones of, it shows all of.
func (v *visitor) see(newest int64, now time.Time) {
	if newest < v.newest {
		v.crowd.stale++
		return
	}
	v.newest = newest
	v.crowd.newest = max(v.crowd.newest, newest)
	for writes := v.page.writes; v.seen < len(writes) && writes[v.seen].number <= newest; v.seen++ {
		writes[v.seen].shown(now)
	}
}

// lost implements client. The crowd stops with the first connection that ends.
func (v *visitor) lost() {}

// A poller asks for its page by HTTP.
type poller struct {
	visitor
	request []byte
	asked   bool // and waits for the answer
	answers answers
}

// ask sends the query, unless the last one was not answered yet.
func (p *poller) ask() error {
	if p.asked {
		p.crowd.skipped++
		return nil
	}
	p.asked = true
	return p.conn.write(p.request)
}

// feed implements client.
func (p *poller) feed(b []byte) error {
	p.crowd.bytes += int64(len(b))
	return p.answers.feed(b, func(body []byte) error {
		p.asked = false
		return p.result(body)
	})
}

// A watcher has its page sent by @live, over WebSocket.
type watcher struct {
	visitor
	session session
}

var nextType = []byte(`"type":"next"`)

// feed implements client.
func (w *watcher) feed(b []byte) error {
	w.crowd.bytes += int64(len(b))
	return w.session.feed(b, func(message []byte) error {
		if bytes.Contains(message, nextType) {
			return w.result(message)
		}
		return w.session.message(message)
	})
}
