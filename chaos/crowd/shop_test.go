package crowd

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"

	"github.com/sluice-gateway/sluice/pubsub"
)

// A shop is what several gateways serve: it keeps all events. It refuses and cuts by chance, and is wrong in
// the ways that it is told to be.
type shop struct {
	skips, repeats, forgetsKeys, tellsGaps bool

	mu     sync.Mutex // guards the fields below
	more   *sync.Cond
	chance *rand.Rand
	logs   map[string][]string
	keys   map[string]bool
	closed bool
}

func newShop() *shop {
	s := &shop{logs: make(map[string][]string), keys: make(map[string]bool), chance: rand.New(rand.NewPCG(1, 1))}
	s.more = sync.NewCond(&s.mu)
	return s
}

func (s *shop) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.more.Broadcast()
}

// happens is true once in so many times.
func (s *shop) happens(once int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.chance.IntN(once) == 0
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if topic, ok := strings.CutPrefix(r.URL.Path, "/publish/"); ok {
		s.publish(w, r, topic)
		return
	}
	c := counterOf(w, r)
	if c == nil {
		return
	}
	defer c.close()
	s.serve(c)
}

// publish fails now and then, before it has kept the event or after.
func (s *shop) publish(w http.ResponseWriter, r *http.Request, topic string) {
	body, _ := io.ReadAll(r.Body)
	key := topic + r.Header.Get("Idempotency-Key")
	early, late := s.happens(10), s.happens(10)
	s.mu.Lock()
	if !early && (s.forgetsKeys || !s.keys[key]) {
		s.keys[key] = true
		s.logs[topic] = append(s.logs[topic], string(body))
		s.more.Broadcast()
	}
	s.mu.Unlock()
	if early || late {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// serve answers one subscription.
func (s *shop) serve(c counter) {
	order, ok := c.order()
	if !ok {
		return
	}
	topic := "stock." + order.Variables.ID
	at := s.start(topic, order.Extensions.Resume)
	c.begin(cursorOf(pubsub.Position{Epoch: 1, Offset: uint64(at)}))
	for s.await(topic, at) && !s.happens(40) {
		if s.tellsGaps && s.happens(100) {
			c.gap()
			return
		}
		text := s.at(topic, at)
		at++
		errors := ""
		if s.happens(20) {
			errors = `"errors":[{"message":"a field has failed","extensions":{"code":"INTERNAL"}}],`
		}
		if !c.next(fmt.Sprintf(`%s"data":{"stockChanged":%s}`, errors, text), cursorOf(pubsub.Position{Epoch: 1, Offset: uint64(at)})) {
			return
		}
	}
}

// start is how many events a subscription passes over.
func (s *shop) start(topic string, resume any) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	cursor, resumes := resume.(string)
	switch at := int(position(cursor).Offset); {
	case !resumes:
		return len(s.logs[topic])
	case s.skips && at < len(s.logs[topic]):
		return at + 1
	case s.repeats && at > 0: // who has a place before the first event has none to repeat
		return at - 1
	default:
		return at
	}
}

// await waits for an event after so many; false: there will be none.
func (s *shop) await(topic string, at int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.logs[topic]) <= at && !s.closed {
		s.more.Wait()
	}
	return !s.closed
}

func (s *shop) at(topic string, at int) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.logs[topic][at]
}

func cursorOf(p pubsub.Position) string {
	raw := append(make([]byte, 0, cursorEnd), 1, 1, 0, 0, 0, 0, 0, 0, 0, 0)
	raw = binary.BigEndian.AppendUint64(raw, p.Epoch)
	raw = binary.BigEndian.AppendUint64(raw, p.Offset)
	return base64.RawURLEncoding.EncodeToString(append(raw, p.ID[:]...))
}
