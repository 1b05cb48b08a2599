package outbox

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A model is the plainest outbox: lists, and no order between streams.
type model struct {
	t       *testing.T
	limits  Limits
	streams map[int]*modelStream
	bytes   int              // of frames
	frames  int              // that are no events, since the beginning
	taken   int              // of them
	fresh   map[*Origin]bool // of events that were taken latest
	timed   int              // events whose origins were told
	made    int              // origins
}

type modelStream struct {
	Stream
	id              int
	waiting         []modelEvent
	untold          uint64
	lost, toldLost  int // by the model, by the outbox
	offered, framed int
	size            int // of those that were offered
	ended           bool
	inTheWay        *obstacle // nil: nothing was refused since there was room
}

// A modelEvent is one that waits, with the origin whose cursor it shows.
type modelEvent struct {
	Event
	from *Origin
}

// An obstacle is what waited when something was refused that its stream keeps.
type obstacle struct {
	bodies map[*byte]bool
	frames int
}

func (m *model) events() (n, bytes int) {
	bytes = m.bytes
	for _, s := range m.streams {
		n += len(s.waiting)
		for _, e := range s.waiting {
			bytes += e.size()
		}
	}
	return n, bytes
}

func (m *model) fits(size, freed int) bool {
	_, bytes := m.events()
	return bytes == freed || bytes-freed+size <= m.limits.Bytes
}

func (m *model) admit(s *modelStream, e Event) bool {
	if s.Overflow == Latest {
		for i, old := range s.waiting {
			if old.Key == e.Key {
				if !m.fits(e.size(), old.size()) {
					return false
				}
				s.lose(old.Event)
				s.waiting[i] = modelEvent{e, cmp.Or(old.from, e.Origin)}
				return true
			}
		}
	}
	n, _ := m.events()
	if n >= m.limits.Events || s.Most > 0 && len(s.waiting) >= s.Most || !m.fits(e.size(), 0) {
		return false
	}
	s.waiting = append(s.waiting, modelEvent{e, e.Origin})
	return true
}

func (m *model) offer(s *modelStream, e Event) Verdict {
	s.offered++
	s.size += e.size()
	switch {
	case s.ended:
		s.lost++
		return Closed
	case m.admit(s, e):
		return Queued
	case s.Keeps:
		s.offered--
		s.size -= e.size()
		if s.inTheWay == nil {
			s.inTheWay = m.obstacle()
		}
		return Full
	case s.Overflow == Disconnect:
		s.lost++
		return Full
	}
	_, others := m.events()
	for _, own := range s.waiting {
		others -= own.size()
	}
	for len(s.waiting) > 0 && (others == 0 || others+e.size() <= m.limits.Bytes) {
		s.lose(s.waiting[0].Event)
		s.waiting = s.waiting[1:]
		if m.admit(s, e) {
			return Queued
		}
	}
	s.lose(e)
	return Lost
}

func (s *modelStream) lose(e Event) {
	s.lost++
	s.untold += 1 + e.Dropped
}

// obstacle is what waits now.
func (m *model) obstacle() *obstacle {
	b := &obstacle{make(map[*byte]bool), m.frames}
	for _, s := range m.streams {
		for _, e := range s.waiting {
			b.bodies[&e.Body[0]] = true
		}
	}
	return b
}

// gone reports whether nothing of an obstacle waits any more.
func (m *model) gone(b *obstacle) bool {
	for _, s := range m.streams {
		if slices.ContainsFunc(s.waiting, func(e modelEvent) bool { return b.bodies[&e.Body[0]] }) {
			return false
		}
	}
	return m.taken >= b.frames
}

// room is a stream's Room.
func (m *model) room(s *modelStream) {
	switch {
	case s.ended, s.inTheWay == nil:
		m.t.Errorf("stream %d is told of room that it does not want", s.id)
	case !m.gone(s.inTheWay):
		m.t.Errorf("stream %d is told of room too early", s.id)
	}
	s.inTheWay = nil
}

// checkRooms looks whether every stream knows that there is room for it. How many places of patient
// streams were in the way, the model does not know: with such it waits until nothing at all is.
func (m *model) checkRooms(nothing bool) {
	m.t.Helper()
	patient := false
	for _, s := range m.streams {
		patient = patient || s.patient()
	}
	for _, s := range m.streams {
		if !s.ended && s.inTheWay != nil && m.gone(s.inTheWay) && (!patient || nothing) {
			m.t.Fatalf("stream %d is not told that there is room", s.id)
		}
	}
}

var frame = regexp.MustCompile(`\[(\d+) (\{[^\]]*)\]|<(\d+)>`)

// take compares what the outbox gives with the model.
func (m *model) take(frames string) {
	m.t.Helper()
	clear(m.fresh)
	if rest := frame.ReplaceAllString(frames, ""); rest != "" {
		m.t.Fatalf("between the frames stands %q", rest)
	}
	for _, f := range frame.FindAllStringSubmatch(frames, -1) {
		if f[3] != "" {
			if f[3] != strconv.Itoa(m.taken) {
				m.t.Fatalf("frame %s, want %d", f[3], m.taken)
			}
			m.taken++
			m.bytes -= len(f[0])
			continue
		}
		id, _ := strconv.Atoi(f[1])
		s := m.streams[id]
		if s == nil || len(s.waiting) == 0 {
			m.t.Fatalf("%s is not waiting", f[0])
		}
		e := s.waiting[0]
		s.waiting = s.waiting[1:]
		s.framed++
		m.fresh[e.Origin] = true
		if want := s.text(e); f[2] != want {
			m.t.Fatalf("stream %d: %s, want %s", id, f[2], want)
		}
		s.untold = 0
	}
}

func (s *modelStream) text(e modelEvent) string {
	var members []string
	if dropped := e.Dropped + s.untold; dropped > 0 {
		members = append(members, fmt.Sprintf(`"dropped":%d`, dropped))
	}
	if e.Extensions != nil {
		members = append(members, string(e.Extensions))
	}
	cursor := ""
	if e.from != nil {
		cursor = string(e.from.Cursor)
	}
	if cursor != "" && s.Cursor == InExtensions {
		members = append(members, `"cursor":"`+cursor+`"`)
	}
	text := string(e.Body)
	if members != nil {
		text = strings.TrimSuffix(text, "}") + `,"extensions":{` + strings.Join(members, ",") + "}}"
	}
	if cursor != "" && s.Cursor == BeforeTail {
		text += string(s.CursorMark) + cursor
	}
	return text
}

// origin is that of an event, which is told only when that has just been taken.
func (m *model) origin() *Origin {
	m.made++
	o := &Origin{At: time.Unix(int64(m.made), 0)} // each long after the one before: all may be timed
	if m.made%3 > 0 {
		o.Cursor = fmt.Append(nil, "c", m.made)
	}
	o.Written = func(time.Duration) {
		if m.timed++; !m.fresh[o] {
			m.t.Error("an event is told to be written that is not")
		}
	}
	return o
}

// Random operations, compared step by step: verdicts, order, bytes, what frames tell, what is lost, and
// which event is timed.
func TestTheOutboxIsTheModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { compare(t, rand.New(rand.NewPCG(seed, 1))) })
	}
}

func compare(t *testing.T, random *rand.Rand) {
	m := &model{t: t, limits: Limits{Events: 1 + random.IntN(60), Bytes: 50 + random.IntN(3000)}, streams: make(map[int]*modelStream), fresh: make(map[*Origin]bool)}
	o := New(brackets{}, &m.limits, new(counter))
	var all []*modelStream
	alive := make([]*modelStream, 1+random.IntN(5))
	open := func(i int) {
		s := &modelStream{id: len(all)}
		s.Head = fmt.Appendf(nil, "%d ", s.id)
		s.Overflow = Overflow(random.IntN(3))
		s.Most = random.IntN(3) * random.IntN(20)
		s.Cursor, s.CursorMark = CursorPlace(random.IntN(3)), []byte("|id ")
		if s.Overflow == Disconnect && random.IntN(2) == 0 {
			s.Keeps, s.Room = true, func() { m.room(s) }
		}
		s.Lost = func(n int, _ Loss) { s.toldLost += n }
		m.streams[s.id], alive[i] = s, s
		all = append(all, s)
	}
	for i := range alive {
		open(i)
	}
	for step := range 1500 {
		i := random.IntN(len(alive))
		s := alive[i]
		switch what := random.IntN(1000); {
		case what < 5:
			o.Drop(&s.Stream)
			s.lost += len(s.waiting)
			s.waiting, s.ended = nil, true
			if s.Overflow == Disconnect { // its bodies stay until they are passed over
				flush(o, m)
			}
			open(i)
		case what < 10:
			text, room := m.frame()
			want := Queued
			switch {
			case s.ended:
				want = Closed
			case !room:
				want = Full
			}
			if got := o.End(&s.Stream, []byte(text)); got != want {
				t.Fatalf("step %d: verdict %v of an end, want %v", step, got, want)
			}
			if want == Queued {
				m.sent(text)
				s.ended = true
			}
			if s.ended && random.IntN(2) == 0 {
				open(i)
			}
		case what < 15:
			text, room := m.frame()
			if o.Send([]byte(text)) != room {
				t.Fatalf("step %d: a frame was taken: %v, want %v", step, !room, room)
			}
			if room {
				m.sent(text)
			}
		case what < 300-int(m.limits.Events):
			frames, _ := o.Take(nil, 1+random.IntN(200))
			m.take(string(frames))
			o.TellRoom()
			m.checkRooms(len(frames) == 0)
			o.Written()
		default:
			e := Event{
				Body: fmt.Appendf(nil, `{"n":%d,"x":"%s"}`, step, strings.Repeat("x", random.IntN(1+random.IntN(120)))),
				Key:  fmt.Sprint(random.IntN(30)),
			}
			if random.IntN(3) > 0 {
				e.Origin = m.origin()
			}
			if random.IntN(20) == 0 {
				e.Dropped = random.Uint64N(5)
			}
			if random.IntN(20) == 0 {
				e.Extensions = []byte(`"b":1`)
			}
			if got, want := o.Offer(&s.Stream, e), m.offer(s, e); got != want {
				t.Fatalf("step %d: verdict %v, want %v", step, got, want)
			}
		}
		m.check(o, all)
	}
	switch random.IntN(3) {
	case 0:
		o.Abandon()
	case 1:
		o.Finish([]byte("<0>"), true)
	default:
		flush(o, m)
	}
	if m.timed == 0 || o.sample.stream != nil {
		t.Errorf("%d events were timed; one still is, and none waits: %v", m.timed, o.sample.stream != nil)
	}
	for _, s := range all {
		s.lost += len(s.waiting)
		if s.framed+s.toldLost != s.offered || s.toldLost != s.lost {
			t.Errorf("stream %d: %d offered, %d framed, %d lost, want %d", s.id, s.offered, s.framed, s.toldLost, s.lost)
		}
	}
}

// frame is the next frame that is no event, and whether there is room for it.
func (m *model) frame() (text string, room bool) {
	text = fmt.Sprintf("<%d>", m.frames)
	return text, m.bytes == 0 || m.bytes+len(text) <= m.limits.Bytes
}

func (m *model) sent(frame string) {
	m.frames++
	m.bytes += len(frame)
}

func flush(o *Outbox, m *model) {
	m.t.Helper()
	for {
		frames, _ := o.Take(nil, 1000)
		m.take(string(frames))
		o.TellRoom()
		m.checkRooms(len(frames) == 0)
		if len(frames) == 0 {
			return
		}
		o.Written()
	}
}
