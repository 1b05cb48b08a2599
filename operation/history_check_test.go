package operation_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/internal/cursor"
	"github.com/sluice-gateway/sluice/operation"
)

// settle lets everything come to rest, and compares what clients have with what they are to have.
func (h *history) settle() error {
	h.running.Wait()
	synctest.Wait()
	for _, k := range h.topics {
		if err := k.settle(); err != nil {
			return err
		}
	}
	for i, l := range h.listeners {
		if l.done {
			continue
		}
		if h.spoil != nil {
			h.spoil(l)
		}
		if err := h.check(l); err != nil {
			return fmt.Errorf("listener %d (%s, %s, from %.8q): %w\nit has taken %.20q and read %d", i, l.script.query, l.script.viewer.Subject, l.from, err, l.taken, l.read)
		}
	}
	for _, c := range h.connections {
		if err := h.checkEnd(c); err != nil {
			return err
		}
	}
	for _, l := range h.listeners {
		l.done = l.done || l.left
	}
	for _, k := range h.topics {
		k.before = k.top()
	}
	return nil
}

// check compares one client with the model.
func (h *history) check(l *listener) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	cut := l.conn.cut != nil
	if err := h.begin(l, cut); err != nil || l.done {
		return err
	}
	for ; l.checked < len(l.got); l.checked++ {
		if err := h.follow(l, l.at, l.got[l.checked].text, l.checked == 0); err != nil {
			return err
		}
		if err := h.keep(l, l.got[l.checked].cursor, l.at); err != nil {
			return err
		}
		h.count["results"]++
	}
	ahead, err := h.ahead(l)
	switch {
	case err != nil:
		return err
	case l.left:
		return nil
	case l.ended:
		l.done = true
		return h.checkGap(l, ahead)
	case cut: // see checkEnd
	case !l.full && !slices.Equal(ahead, h.tops(l)):
		return fmt.Errorf("it has everything up to %v of %v, and nobody has told it", ahead, h.tops(l))
	}
	l.joined, l.refused = !l.full, false
	return nil
}

// begin finds where a client begins, and ends those that may not.
func (h *history) begin(l *listener, cut bool) error {
	switch {
	case l.at != nil:
	case l.barred && (l.left || cut):
		l.done = true
	case l.barred && (!l.ended || len(l.taken) > 0 || operation.Code(l.errs) != operation.CodeResumeGap):
		return fmt.Errorf("it may not go on after this cursor, and has %q and %q", l.taken, l.errs.Error())
	case l.barred:
		l.done = true
		h.count["came with what is no cursor of theirs"]++
	case l.from != "":
		at := h.place(l)
		if at == nil {
			return fmt.Errorf("nobody was given the cursor %s", l.from)
		}
		l.at = at
		h.count["resumed"]++
	case l.began == "" && (l.left || cut):
		l.done = true
	case l.began == "":
		return fmt.Errorf("it did not begin, and has %q and %q", l.taken, l.errs.Error())
	default:
		at, err := h.decode(l, l.began)
		if err != nil {
			return err
		}
		for i, k := range h.of(l) {
			if at[i] < k.before || at[i] > k.top() {
				return fmt.Errorf("it begins at %d of %s, where %d were before it came and are %d", at[i], k.name, k.before, k.top())
			}
		}
		l.at = at
		return h.keep(l, l.began, at)
	}
	return nil
}

// follow moves a place by a result, which must be what comes next.
func (h *history) follow(l *listener, at []uint64, text string, first bool) error {
	if first && l.from == "" && l.script.begins && at[0] > 0 {
		shown := h.topic(boardTopic).offset(text)
		if k := h.topic(boardTopic); shown < at[0] || shown > at[0] && k.top()-k.before < 5 {
			return fmt.Errorf("its snapshot is %q, the %dth event; it begins after the %dth", text, shown, at[0])
		}
		h.count["began with a snapshot"]++
		return nil
	}
	for i, k := range h.of(l) {
		if !strings.HasPrefix(text, k.name+"/") {
			continue
		}
		if n := k.offset(text); n != at[i]+1 {
			return fmt.Errorf("after the %dth event of %s it has %q, which is the %dth", at[i], k.name, text, n)
		}
		at[i]++
		return nil
	}
	return fmt.Errorf("it has %q, which is of another topic", text)
}

// keep notes the cursor of a place, which must be what it says.
func (h *history) keep(l *listener, text string, at []uint64) error {
	said, err := h.decode(l, text)
	if err != nil {
		return fmt.Errorf("the cursor %q: %w", text, err)
	}
	if !slices.Equal(said, at) {
		return fmt.Errorf("after %v its cursor says %v", at, said)
	}
	if _, known := h.places[text]; !known {
		h.places[text] = make(map[string]uint64)
		for i, topic := range l.script.topics {
			h.places[text][topic] = at[i]
		}
		h.cursors = append(h.cursors, given{l.script, text})
	}
	return nil
}

// place is where a client goes on, if its cursor is good.
func (h *history) place(l *listener) (at []uint64) {
	if place := h.places[l.from]; place != nil && !l.barred {
		for _, topic := range l.script.topics {
			at = append(at, place[topic])
		}
	}
	return at
}

// decode reads the offsets of a cursor.
func (h *history) decode(l *listener, text string) (at []uint64, err error) {
	places, err := h.keys.Read(text, scopeIn(text), l.script.cursorTopics())
	for _, p := range places {
		at = append(at, p.Offset)
	}
	return at, err
}

// ahead is where a client stands once it has read what waits for it.
func (h *history) ahead(l *listener) ([]uint64, error) {
	at := slices.Clone(l.at)
	for i := l.read; i < len(l.taken); i++ {
		if err := h.follow(l, at, l.taken[i], i == 0); err != nil {
			return nil, fmt.Errorf("what waits: %w", err)
		}
	}
	return at, nil
}

// lost reports whether what follows a place cannot be had any more.
func (h *history) lost(l *listener, at []uint64) bool {
	for i, k := range h.of(l) {
		if !k.joins(at[i]) {
			return true
		}
	}
	return false
}

// checkGap compares the end of a client with what it has missed.
func (h *history) checkGap(l *listener, ahead []uint64) error {
	h.count["were told of a gap"]++
	facts := l.errs[0].Extensions
	switch {
	case operation.Code(l.errs) != operation.CodeResumeGap:
		return fmt.Errorf("it is told %q", l.errs.Error())
	case !h.lost(l, ahead):
		return fmt.Errorf("it stands at %v of %v, of which nothing is lost, and is told %v", ahead, h.tops(l), facts)
	case l.joined && !l.refused && !h.narrow:
		return fmt.Errorf("it had everything and had room, and is told %v", facts)
	}
	if l.late && len(l.taken) > 0 {
		h.count["were told of a gap after some events, and had come too late"]++
	}
	for i, k := range h.of(l) {
		if k.name == facts["topic"] && !k.joins(ahead[i]) {
			if top, _ := facts["top"].(uint64); top > k.top() || top < k.before {
				return fmt.Errorf("the top of %s is %d: %v", k.name, k.top(), facts)
			}
			if first, _ := facts["firstAvailable"].(uint64); k.top() == k.before && first != k.first() {
				return fmt.Errorf("%s begins at %d: %v", k.name, k.first(), facts)
			}
			return nil
		}
	}
	return fmt.Errorf("it is told of a topic that has no gap: %v", facts)
}

// patienceForRoom is how long a snapshot waits for a client to read what is before it.
const patienceForRoom = 30 * time.Second

// checkEnd wants a reason for the end of a connection.
func (h *history) checkEnd(c *connection) error {
	if c.gone || c.cut == nil || c.err != nil {
		return c.err
	}
	reason := false
	for _, l := range c.readers {
		reason = reason || l.opening && l.script.begins && l.from == "" && time.Since(l.came) >= patienceForRoom
		if l.done || l.at == nil {
			continue
		}
		ahead, err := h.ahead(l)
		if err != nil {
			return err
		}
		l.done = true
		reason = reason || l.slow && h.lost(l, ahead)
	}
	if !reason || *c.cut != operation.SlowConsumer {
		return fmt.Errorf("a connection with %d subscriptions ended by %v, and they have missed nothing", len(c.readers), *c.cut)
	}
	h.count["were ended as slow"]++
	c.close()
	return nil
}

// tops are the newest offsets of a client's topics.
func (h *history) tops(l *listener) (tops []uint64) {
	for _, k := range h.of(l) {
		tops = append(tops, k.top())
	}
	return tops
}

// of are the topics of a client.
func (h *history) of(l *listener) (topics []*kept) {
	for _, name := range l.script.topics {
		topics = append(topics, h.topic(name))
	}
	return topics
}

func (h *history) topic(name string) *kept {
	return h.topics[slices.IndexFunc(h.topics, func(k *kept) bool { return k.name == name })]
}

// scopeIn is whose results a cursor says that it is a place in: the engine's affair, whose tests show what it is for.
func scopeIn(text string) (scope cursor.Scope) {
	if raw, err := base64.RawURLEncoding.DecodeString(text); err == nil && len(raw) > 25 {
		copy(scope[:], raw[len(raw)-25:])
	}
	return scope
}

func (s *script) cursorTopics() (topics []cursor.Topic) {
	for _, name := range s.topics {
		topics = append(topics, cursor.TopicOf(name))
	}
	return topics
}
