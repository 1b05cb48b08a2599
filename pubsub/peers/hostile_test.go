package peers

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
)

func TestMessagesThatAreNoGoodAreCountedAndPassedOver(t *testing.T) {
	id := strings.Repeat("x", maxID+1)
	started := `"started":"2026-01-02T03:04:05Z"`
	for name, test := range map[string]struct{ topic, payload string }{
		"nothing":                               {nodesTopic, ``},
		"no JSON":                               {nodesTopic, `\x00`},
		"half of an announcement":               {nodesTopic, `{"node":"x",` + started},
		"an announcement without a name":        {nodesTopic, `{` + started + `}`},
		"a name that is another topic":          {nodesTopic, `{"node":"x.y",` + started + `}`},
		"a name with a newline":                 {nodesTopic, `{"node":"x\ny",` + started + `}`},
		"a name of the wrong type":              {nodesTopic, `{"node":["x"],` + started + `}`},
		"an announcement without a start":       {nodesTopic, `{"node":"x"}`},
		"a start that is no time":               {nodesTopic, `{"node":"x","started":"tomorrow"}`},
		"a state that is too large":             {nodesTopic, `{"node":"x",` + started + `,"state":"` + strings.Repeat("x", MaxState) + `"}`},
		"an announcement that is too large":     {nodesTopic, strings.Repeat("[", maxAnnouncement+1)},
		"JSON that is too deep":                 {nodesTopic, `{"node":"x",` + started + `,"state":` + strings.Repeat("[", 100_000)},
		"a question without an id":              {askTopic, `{"from":"x","kind":"echo"}`},
		"a question with a long id":             {askTopic, `{"id":"` + id + `","from":"x","kind":"echo"}`},
		"a question of nobody":                  {askTopic, `{"id":"1","kind":"echo"}`},
		"a question that redirects its answer":  {askTopic, `{"id":"1","from":"../price","kind":"echo"}`},
		"a question to a pattern":               {askTopic, `{"id":"1","from":"x","to":"*","kind":"echo"}`},
		"a question of no kind":                 {askTopic, `{"id":"1","from":"x"}`},
		"a body that is no base64":              {askTopic, `{"id":"1","from":"x","kind":"echo","body":"!"}`},
		"a question that is too large":          {askTopic, strings.Repeat("x", maxMessage+1)},
		"a body that is a little too large":     {askTopic, `{"id":"1","from":"x","kind":"echo","body":"` + strings.Repeat("AAAA", MaxBody/3+1) + `"}`},
		"an answer without an id":               {answersTopic + "a", `{"node":"x"}`},
		"an answer of nobody":                   {answersTopic + "a", `{"id":"1"}`},
		"an answer with a long code":            {answersTopic + "a", `{"id":"1","node":"x","code":"` + id + `"}`},
		"an answer that is too large":           {answersTopic + "a", strings.Repeat("x", maxMessage+1)},
		"an answer that is a list of something": {answersTopic + "a", `[1]`},
	} {
		t.Run(name, func(t *testing.T) {
			onMemory(t, func(t *testing.T, broker *flaky) {
				a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
				synctest.Wait()
				publish(t, broker, test.topic, test.payload)
				synctest.Wait()
				if s := a.Stats(); s.Malformed != 1 || s.Handled+s.Refused != 0 {
					t.Errorf("stats = %+v", s)
				}
				wantPeers(t, a, "a")
				wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1")
			})
		})
	}
}

func TestAnswersThatNobodyWaitsForChangeNothing(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		synctest.Wait()
		publish(t, broker, nodesTopic, announcement{Node: "b", Started: time.Now()})
		publish(t, broker, answersTopic+"a", answer{ID: "1", Node: "b", Body: []byte("an unknown id")})
		synctest.Wait()
		forge := forger{t, broker, []answer{
			{Node: "stranger", Body: []byte("who was not asked")},
			{Node: "b", Code: "of-the-future", Text: strings.Repeat("x", 1000)},
			{Node: "b", Body: []byte("a second time")},
		}}
		if _, err := broker.Subscribe(t.Context(), askTopic, forge); err != nil {
			t.Fatal(err)
		}
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1", "b!peers: node b: "+strings.Repeat("x", maxText))
		synctest.Wait()
		if s := a.Stats(); s.Answered != 2 || s.Malformed != 0 {
			t.Errorf("stats = %+v", s)
		}
	})
}

// A forger answers the questions of a with what it likes.
type forger struct {
	t       *testing.T
	broker  *flaky
	answers []answer
}

func (f forger) Receive(e *pubsub.Event) {
	q, _ := parseQuestion(e.Payload)
	go func() {
		for _, a := range f.answers {
			a.ID = q.ID
			text, _ := encode(a)
			_ = f.broker.Publish(f.t.Context(), answersTopic+"a", text)
		}
	}()
}

func TestNodesAndTheirStatesAreBounded(t *testing.T) {
	state := []byte(`"` + strings.Repeat("x", MaxState-2) + `"`)
	var table table
	now := time.Now()
	dropped := 0
	for i := range MaxPeers + 10 {
		a := announcement{Node: fmt.Sprint("n", i), Started: now, State: state}
		if _, kept := table.add(a, now, time.Minute); !kept {
			dropped++
		}
	}
	list := table.present(now, time.Minute)
	if len(list) != MaxPeers || table.states != maxStates || dropped != MaxPeers+10-maxStates/MaxState {
		t.Errorf("%d peers with %d bytes of states, %d dropped", len(list), table.states, dropped)
	}
	for range 2 { // a state that is told again takes no more room
		table.add(announcement{Node: "n0", Started: now, State: state}, now, time.Minute)
	}
	if table.states != maxStates {
		t.Errorf("%d bytes of states", table.states)
	}
	later := now.Add(time.Minute)
	if newcomer, kept := table.add(announcement{Node: "late", Started: now, State: state}, later, time.Minute); !newcomer || !kept {
		t.Error("those who have expired leave no room")
	}
	if len(table.peers) != 1 || table.states != MaxState {
		t.Errorf("%d peers with %d bytes of states remain", len(table.peers), table.states)
	}
	if !table.remove(announcement{Node: "late", Started: now}) || table.states != 0 {
		t.Errorf("%d bytes of states of nobody", table.states)
	}
}

func TestOpenQuestionsAndWhatTheyGatherAreBounded(t *testing.T) {
	var p pending
	var nodes []string
	for i := range 300 {
		nodes = append(nodes, fmt.Sprintf("n%03d", i))
	}
	first, err := p.begin("echo", nodes, nil)
	if err != nil {
		t.Fatal(err)
	}
	body := bytes.Repeat([]byte("x"), MaxBody)
	for _, node := range nodes {
		p.settle(first.id, Answer{Node: node, Body: body})
	}
	<-first.complete
	if p.gathered != maxGathered {
		t.Errorf("%d bytes are gathered", p.gathered)
	}
	for range MaxQuestions - 1 {
		if _, err := p.begin("echo", nodes[:1], nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.begin("echo", nodes[:1], nil); !errors.Is(err, ErrBusy) {
		t.Errorf("one question too many: %v", err)
	}
	other, err := p.begin("dismiss", nodes[:1], nil)
	if err != nil {
		t.Errorf("a question of another kind: %v", err)
	}
	p.end(other)
	if len(p.kinds) != 1 || p.kinds["echo"] != MaxQuestions {
		t.Errorf("open are %v", p.kinds)
	}
	answers, silent := p.end(first)
	tooLarge := 0
	for _, a := range answers {
		if errors.Is(a.Err, ErrTooLarge) {
			tooLarge++
		}
	}
	if silent != 0 || tooLarge != len(nodes)-maxGathered/MaxBody || p.gathered != 0 {
		t.Errorf("%d silent, %d too large, %d bytes left", silent, tooLarge, p.gathered)
	}
	if _, err := p.begin("echo", nodes[:1], nil); err != nil {
		t.Errorf("a question that ended leaves no room: %v", err)
	}
}

func TestAFullInboxDropsAndCounts(t *testing.T) {
	for name, test := range map[string]struct{ size, messages, kept int }{
		"too many messages":     {size: 1, messages: inboxMessages + 7, kept: inboxMessages},
		"too many bytes":        {size: 256 << 10, messages: 70, kept: inboxBytes / (256 << 10)},
		"as much as there fits": {size: 16, messages: inboxMessages, kept: inboxMessages},
	} {
		t.Run(name, func(t *testing.T) {
			i := &inbox{limit: maxMessage, queue: make(chan []byte, inboxMessages), counts: new(counts)}
			for range test.messages {
				i.Receive(&pubsub.Event{Payload: make([]byte, test.size)})
			}
			if dropped := i.counts.dropped.Load(); len(i.queue) != test.kept || dropped != uint64(test.messages-test.kept) {
				t.Errorf("%d wait and %d are dropped", len(i.queue), dropped)
			}
			if got := i.bytes.Load(); got != int64(test.kept*test.size) {
				t.Errorf("%d bytes wait", got)
			}
		})
	}
}

func TestAFloodOfQuestionsLeavesNothingBehind(t *testing.T) {
	onMemory(t, func(t *testing.T, broker *flaky) {
		a := start(t, broker, Options{Node: "a", Handlers: echo("a")})
		synctest.Wait()
		for i := range 10_000 {
			publish(t, broker, askTopic, question{ID: fmt.Sprint(i), From: "x", Kind: []string{"echo", "what"}[i%2]})
		}
		time.Sleep(5 * time.Second)
		s := a.Stats()
		if all := s.Handled + s.Refused + s.Dropped; all < 10_000 || s.Malformed != 0 {
			t.Errorf("stats = %+v", s)
		}
		for _, i := range a.inboxes() {
			if i.bytes.Load() != 0 || len(a.seats["echo"]) != 0 {
				t.Errorf("%d bytes wait and %d seats are taken", i.bytes.Load(), len(a.seats["echo"]))
			}
		}
		wantAnswers(t, ask(t, a, "echo", "1"), "a=a:1")
	})
}

// FuzzMessages hears anything on every topic of a node, and reads what it has understood again.
func FuzzMessages(f *testing.F) {
	for _, message := range []any{
		announcement{Node: "b", Started: time.Unix(1, 0), State: []byte(`{"sessions":1}`)},
		announcement{Node: "b", Started: time.Unix(1, 0), Gone: true},
		question{ID: "1", From: "b", To: "a", Kind: "echo", Body: []byte("?")},
		answer{ID: "1", Node: "b", Body: []byte("!")},
		answer{ID: "1", Node: "b", Code: codeFailed, Text: "no such operation"},
	} {
		text, err := encode(message)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	n := start(f, memory.New(), Options{Node: "a", Handlers: echo("a")})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if a, err := parseAnnouncement(payload); err == nil {
			again(t, a, parseAnnouncement)
		}
		if q, err := parseQuestion(payload); err == nil {
			again(t, q, parseQuestion)
		}
		if a, err := parseAnswer(payload); err == nil {
			again(t, a, parseAnswer)
		}
		kept := bytes.Clone(payload) // the next one is written over it
		for _, i := range n.inboxes() {
			i.Receive(&pubsub.Event{Payload: kept})
		}
		for _, p := range n.All() {
			if !isName(p.Node) || len(p.State) > MaxState {
				t.Errorf("%q is listed as %+v", payload, p)
			}
		}
	})
}

// again reads a message from what encode makes of it.
func again[M any](t *testing.T, message M, parse func([]byte) (M, error)) {
	t.Helper()
	text, err := encode(message)
	if err != nil {
		t.Fatalf("%+v cannot be told: %v", message, err)
	}
	second, err := parse(text)
	if err != nil {
		t.Fatalf("%s is not understood", text)
	}
	third, err := encode(second)
	if err != nil || !reflect.DeepEqual(text, third) {
		t.Fatalf("%s becomes %s, %v", text, third, err)
	}
}
