package gateway_test

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/vault"
)

// A watcher is one viewer's subscription.
type watcher struct {
	cell   cell
	who    *client
	answer *answer
}

// streams tries the cells of subscriptions, over all transports at once: everybody asks for the same,
// so that whoever may shares an execution. The loser has every right at first, and loses it.
func (m *matrix) streams(l lock, s shape) []cell {
	m.t.Helper()
	m.members(0)
	topic, key := m.id("cell"), m.id("loser")
	m.viewers.set(key, "cat", true)
	loser := m.client(key, "cat")
	defer loser.close()
	first, afterwards := cellsOf(l, s, subscription), cellsOf(l, s, later)

	var keepers []watcher
	for _, c := range first {
		for _, who := range m.callers() {
			if m.told(l, who) == "" {
				keepers = append(keepers, m.watch(c, who, topic))
			}
		}
	}
	var losers []watcher
	for _, c := range afterwards {
		losers = append(losers, m.watch(c, loser, topic))
	}
	all := append(losers, keepers...)
	defer func() {
		for _, w := range all {
			w.answer.stop()
		}
	}()
	m.members(len(all))
	for _, w := range m.refusing(l, s) {
		if w.cell.kind == subscription { // while others watch
			m.complain(w.cell, w.who, m.try(w, topic))
		}
	}

	m.publish(topic, "first")
	m.see(all, "first")
	m.lose(l, loser)
	m.losses(l, losers)
	m.publish(topic, "second")
	m.see(keepers, "second")
	m.after(l, losers)
	for _, w := range all {
		m.complain(w.cell, w.who, w.answer.mayShow(w.who.subject))
	}
	return append(first, afterwards...)
}

func (m *matrix) watch(c cell, who *client, topic string) watcher {
	m.t.Helper()
	return watcher{c, who, m.ask(c, who, topic)}
}

// members waits until so many subscriptions receive events.
func (m *matrix) members(n int) {
	m.t.Helper()
	m.until(fmt.Sprintf("%d subscriptions", n), func() bool {
		stats := m.gateway.Stats()
		return stats.Members == n && stats.Starting == 0
	})
}

// until waits for a condition.
func (m *matrix) until(what string, holds func() bool) {
	m.t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			m.t.Fatalf("%s: in vain, stats %+v", what, m.gateway.Stats())
		}
		<-time.After(time.Millisecond / 4)
	}
}

// publish sends an event to everybody who watches.
func (m *matrix) publish(topic, word string) {
	m.t.Helper()
	for _, name := range []string{"vault." + topic, "own.ann." + topic, "own.bob." + topic, "own.cat." + topic} {
		if err := m.broker.Publish(m.t.Context(), name, vault.Payload(topic, word)); err != nil {
			m.t.Error(err)
		}
	}
}

// refusing are the viewers whom the cells of a lock and a shape should refuse.
func (m *matrix) refusing(l lock, s shape) []watcher {
	var refusing []watcher
	for _, k := range []kind{query, mutation, subscription} {
		for _, c := range cellsOf(l, s, k) {
			for _, who := range m.callers() {
				if m.told(l, who) != "" {
					refusing = append(refusing, watcher{cell: c, who: who})
				}
			}
		}
	}
	return refusing
}

// try returns what is wrong with a refusal. Should a subscription not be refused, it gets an event
// after the grace.
func (m *matrix) try(w watcher, topic string) []string {
	m.t.Helper()
	code := m.told(w.cell.lock, w.who)
	if w.cell.kind != subscription {
		return m.refusal(w.cell, w.who, code, string(w.cell.kind))
	}
	provoke := time.NewTimer(m.grace)
	done, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-provoke.C:
				m.publish(topic, "provoked")
				provoke.Reset(5 * time.Millisecond)
			case <-done:
				return
			}
		}
	}()
	defer func() { close(done); <-gone; provoke.Stop() }()
	return m.refusal(w.cell, w.who, code, topic)
}

func (m *matrix) see(watchers []watcher, word string) {
	m.t.Helper()
	for _, w := range watchers {
		m.complain(w.cell, w.who, w.answer.shows(w.cell.lock.canary(w.who.subject, word)))
	}
}

// lose takes the loser's rights away, and announces that to the node. It returns when the node has
// checked every session: announcements are taken in turn, so the second check follows the first.
func (m *matrix) lose(l lock, loser *client) {
	m.t.Helper()
	if l.revoked {
		m.viewers.revoke(loser.token)
	} else {
		m.viewers.set(loser.token, loser.subject, false)
	}
	before := m.viewers.checks(loser.token)
	for range 2 {
		if err := gateway.AnnounceKey(m.t.Context(), m.broker, loser.token); err != nil {
			m.t.Fatal(err)
		}
	}
	if !l.revoked { // or else no session is left to be checked again
		m.until("a second check", func() bool { return m.viewers.checks(loser.token) >= before+2 })
	}
}

// losses waits until the subscriptions have ended that stood on the right, and asks again where the
// session lasts.
func (m *matrix) losses(l lock, losers []watcher) {
	m.t.Helper()
	if l.ends == "" {
		return
	}
	for _, w := range losers {
		m.complain(w.cell, w.who, w.answer.ends(l.ends))
		if l.stranger != "" {
			topic := m.id("again")
			m.complain(w.cell, w.who, m.refusal(w.cell, w.who, l.stranger, topic))
		}
	}
}

// after checks what came of the event that was published after the loss, once everybody else has it.
func (m *matrix) after(l lock, losers []watcher) {
	m.t.Helper()
	if l.ends == "" {
		m.see(losers, "second")
		return
	}
	for _, w := range losers {
		w.who.fence()
		if strings.Contains(w.answer.bytes.String(), ":second") {
			m.complain(w.cell, w.who, []string{fmt.Sprintf("the later event: %s", w.answer.bytes.Bytes())})
		}
	}
}
