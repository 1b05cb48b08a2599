package operation_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
)

// bodies are what a till was given.
func (s *till) bodies() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, e := range s.events {
		all = append(all, string(e.Body))
	}
	return all
}

// lively runs a test in a bubble, on an engine whose ear listens already, with some notes.
func lively(t *testing.T, options operation.Options, run func(*testing.T, *bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, options)
		b.notes.Set("1", "one")
		b.notes.Set("2", "two")
		first := b.prepare(nil, `query @live { hello }`, "")
		first.Run(t.Context(), new(till))
		synctest.Wait()
		first.Stop()
		time.Sleep(3 * time.Second)
		run(t, b)
	})
}

// do runs a mutation.
func (b *bench) do(query string) {
	b.t.Helper()
	result, err := b.engine.Do(b.t.Context(), operation.Request{Viewer: alice, Query: query})
	if err != nil || bytes.Contains(result, []byte("errors")) {
		b.t.Fatalf("%s: %s, %v", query, result, err)
	}
	synctest.Wait()
}

func TestALiveQueryRunsAgainExactlyWhenSomethingItShowsHasChanged(t *testing.T) {
	const one, all, none = `query @live { note(id: 1) { text } }`, `query @live { notes { text } }`, `query @live { note(id: 3) { text } }`
	for _, c := range []struct {
		name, query string
		change      func(*bench)
		runs        int
	}{
		{"an object that a mutation shows", one, func(b *bench) { b.do(`mutation { write(id: 1, text: "new") { text } }`) }, 1},
		{"without the client selecting the id", one, func(b *bench) { b.do(`mutation { write(id: 1, text: "new") { __typename } }`) }, 1},
		{"another object", one, func(b *bench) { b.do(`mutation { write(id: 2, text: "new") { id } }`) }, 0},
		{"a list, by one of its objects", all, func(b *bench) { b.do(`mutation { rewrite(id: 2, text: "new") { id } }`) }, 1},
		{"a list, by a new object", all, func(b *bench) { b.do(`mutation { write(id: 3, text: "new") { id } }`) }, 1},
		{"a list, by a new object of which its mutation says nothing", all, func(b *bench) { b.do(`mutation { rewrite(id: 3, text: "new") { id } }`) }, 0},
		{"an object that went", one, func(b *bench) { b.do(`mutation { erase(id: 1) { __typename } }`) }, 1},
		{"a list of which one went", all, func(b *bench) { b.do(`mutation { erase(id: 2) { __typename } }`) }, 1},
		{"an object that comes", none, func(b *bench) { b.do(`mutation { write(id: 3, text: "new") { id } }`) }, 1},
		{"what a mutation says it has changed", `query @live { counted }`, func(b *bench) { b.do(`mutation { rewrite(id: 3, text: "new") { id } }`) }, 1},
		{"what resolvers say", `query @live { counted }`, func(b *bench) { b.do(`mutation { erase(id: 1) { id } }`) }, 1},
		{"what resolvers do not say", `query @live { counted }`, func(b *bench) { b.do(`mutation { write(id: 1, text: "new") { id } }`) }, 0},
		{"one root field of a mutation that says what it changes, and one that does not", all, func(b *bench) {
			b.do(`mutation { write(id: 9, text: "new") { id } rewrite(id: 3, text: "new") { id } }`)
		}, 1},
		{"a mutation that gives no object", all, func(b *bench) { b.do(`mutation { wipe }`) }, 1},
		{"a mutation that gives a list", one, func(b *bench) { b.do(`mutation { eraseAll(ids: ["1", "7"]) { __typename } }`) }, 1},
		{"the event of a mutation, once", one, func(b *bench) { b.do(`mutation { announce(ids: ["1"], text: "new") { ids } }`) }, 1},
		{"a mutation without a result", one, func(b *bench) { b.do(`mutation { announce(ids: [], text: "new") { ids } }`) }, 0},
		{"an event of a topic", all, func(b *bench) { b.publish("note.written", `{"ids": ["2", "7"]}`) }, 1},
		{"an event about others", all, func(b *bench) { b.publish("note.written", `{"ids": ["7"]}`) }, 0},
		{"an event that says nothing", all, func(b *bench) { b.publish("note.written", `[1]`) }, 0},
		{"a root field", all, func(b *bench) { b.invalidate("Query.notes") }, 1},
		{"a root field with its arguments", one, func(b *bench) { b.invalidate(`Query.note({"id":"1"})`) }, 1},
		{"a root field with others", one, func(b *bench) { b.invalidate(`Query.note({"id":"2"})`) }, 0},
		{"all objects of a type", one, func(b *bench) { b.invalidate("Note:*") }, 1},
		{"many keys at once", all, func(b *bench) { b.invalidate("Note:1", "Note:2", "Note", "Query.notes") }, 1},
		{"another node", one, func(b *bench) { b.publish("_sluice.live", `{"node":"other","keys":["Note:1"]}`) }, 1},
		{"a message that is none", one, func(b *bench) { b.publish("_sluice.live", `{"keys":"Note:1"}`) }, 0},
		{"a query", one, func(b *bench) { b.do(`{ notes { id } }`) }, 0},
		{"nothing for half a minute", one, func(*bench) { time.Sleep(34 * time.Second) }, 1},
		{"what is polled", `query @live { howMany }`, func(*bench) { time.Sleep(16 * time.Second) }, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			lively(t, operation.Options{}, func(t *testing.T, b *bench) {
				b.watch(operation.Request{Query: c.query})
				time.Sleep(2 * time.Second)
				before := b.engine.LiveStats().Runs
				c.change(b)
				synctest.Wait()
				if runs := b.engine.LiveStats().Runs - before; runs != uint64(c.runs) {
					t.Errorf("%d runs, want %d", runs, c.runs)
				}
			})
		})
	}
}

func (b *bench) invalidate(keys ...string) {
	b.t.Helper()
	if err := b.engine.Invalidate(b.t.Context(), keys...); err != nil {
		b.t.Fatal(err)
	}
}

func TestALiveQueryIsSentWhenItDiffers(t *testing.T) {
	lively(t, operation.Options{}, func(t *testing.T, b *bench) {
		s := b.watch(operation.Request{Query: `query @live(throttle: 200) { note(id: 1) { text } }`})
		same := b.watch(operation.Request{Query: `query @live(throttle: 200) { note(id: 1) { text } }`})
		asked := b.notes.Asked()
		if asked != 1 {
			t.Errorf("two queries that are one have asked %d times", asked)
		}
		b.do(`mutation { write(id: 1, text: "a") { id } }`)
		b.do(`mutation { write(id: 1, text: "a") { id } }`) // the same again
		time.Sleep(time.Second)
		for _, text := range []string{"b", "c", "d"} { // a burst
			b.do(`mutation { write(id: 1, text: "` + text + `") { id } }`)
		}
		time.Sleep(time.Second)
		want := ""
		for _, text := range []string{"one", "a", "b", "d"} {
			want += `{"data":{"note":{"text":"` + text + `"}},"isLive":true}` + "\n"
		}
		for _, s := range []*till{s, same} {
			if got := strings.Join(s.bodies(), "\n") + "\n"; got != want {
				t.Errorf("it was sent\n%swant\n%s", got, want)
			}
		}
	})
}

func TestAnErrorIsSentOnceAndTheQueryLives(t *testing.T) {
	lively(t, operation.Options{}, func(t *testing.T, b *bench) {
		s := b.watch(operation.Request{Query: `query @live { note(id: 1) { text } }`})
		b.notes.Break(true)
		b.invalidate("Note:1")
		before := b.notes.Asked()
		time.Sleep(2 * time.Minute) // 1, 2, 4, … 30, 30 s
		if n := b.notes.Asked() - before; n < 6 || n > 9 {
			t.Errorf("it was asked %d times in two minutes", n)
		}
		b.notes.Break(false)
		time.Sleep(time.Minute)
		bodies := s.bodies()
		if len(bodies) != 3 || !strings.Contains(bodies[1], `"code":"INTERNAL"`) || bodies[2] != bodies[0] || s.code() != "" {
			t.Errorf("it was sent\n%s\nand has ended by %q", strings.Join(bodies, "\n"), s.code())
		}
	})
}

func TestPrivateResultsAreSharedWithNobody(t *testing.T) {
	lively(t, operation.Options{}, func(t *testing.T, b *bench) {
		b.notes.Set(alice.Subject, "hers")
		b.notes.Set(bob.Subject, "his")
		hers := b.watch(operation.Request{Viewer: alice, Query: `query @live { mine { text } }`})
		his := b.watch(operation.Request{Viewer: bob, Query: `query @live { mine { text } }`})
		if !strings.Contains(hers.bodies()[0], "hers") || !strings.Contains(his.bodies()[0], "his") {
			t.Errorf("alice sees %s and bob %s", hers.bodies(), his.bodies())
		}
		shared := b.watch(operation.Request{Viewer: alice, Query: `query @live { whoami }`}) // not marked private
		if strings.Contains(shared.bodies()[0], alice.Subject) {
			t.Errorf("a shared execution knows its viewer: %s", shared.bodies())
		}
	})
}

// A page is a client that keeps what a stream of patches makes.
type page struct {
	data     any
	revision int
	wholes   int
}

func (p *page) read(t *testing.T, body string) {
	t.Helper()
	var m struct {
		Data     any
		Patch    []map[string]any
		Revision int
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatal(err)
	}
	switch {
	case m.Patch == nil && m.Revision == 1:
		p.data, p.revision = m.Data, 1
		p.wholes++
	case m.Patch != nil && m.Revision == p.revision+1 && m.Data == nil:
		p.revision++
		p.data = apply(t, p.data, m.Patch)
	default:
		t.Fatalf("after revision %d it was sent %s", p.revision, body)
	}
}

// apply applies the operations of a patch that replace a value.
func apply(t *testing.T, data any, patch []map[string]any) any {
	t.Helper()
	for _, op := range patch {
		if op["op"] != "replace" {
			t.Fatalf("an operation of the test's data is %v", op)
		}
		at := data
		path := strings.Split(op["path"].(string), "/")[1:]
		for _, name := range path[:len(path)-1] {
			at = at.(map[string]any)[name]
		}
		at.(map[string]any)[path[len(path)-1]] = op["value"]
	}
	return data
}

func TestAClientThatTakesPatchesGetsThem(t *testing.T) {
	lively(t, operation.Options{}, func(t *testing.T, b *bench) {
		request := operation.Request{
			Query:      `query @live { note(id: 1) { text } long: hello(name: "` + strings.Repeat("long", 50) + `") }`,
			Extensions: map[string]any{"livePatch": "json-patch"},
		}
		early, whole := b.watch(request), b.watch(operation.Request{Query: request.Query})
		change := func(text string) {
			b.do(`mutation { write(id: 1, text: "` + text + `") { id } }`)
			time.Sleep(1500 * time.Millisecond)
		}
		change("a")
		late := b.watch(request)
		change("b")
		b.notes.Break(true)
		b.invalidate("Note:1")
		time.Sleep(1500 * time.Millisecond)
		b.notes.Break(false)
		time.Sleep(time.Minute)
		change("c")
		last := whole.bodies()[whole.count()-1]
		var want struct{ Data any }
		if err := json.Unmarshal([]byte(last), &want); err != nil {
			t.Fatal(err)
		}
		for name, s := range map[string]*till{"early": early, "late": late} {
			var p page
			for _, body := range s.bodies() {
				p.read(t, body)
				if strings.Contains(body, "isLive") {
					t.Errorf("%s: %s", name, body)
				}
			}
			got, _ := json.Marshal(p.data)
			expected, _ := json.Marshal(want.Data)
			if !bytes.Equal(got, expected) {
				t.Errorf("%s ends with %s, want %s", name, got, expected)
			}
			if p.wholes != 3 { // the first, the error, and the one after it
				t.Errorf("%s was sent %d whole results:\n%s", name, p.wholes, strings.Join(s.bodies(), "\n"))
			}
		}
	})
}

// The published client of patches throws when there is no data at revision 1.
func TestAResultWithoutDataHasNoRevision(t *testing.T) {
	lively(t, operation.Options{}, func(t *testing.T, b *bench) {
		s := b.watch(operation.Request{
			Query:      `query @live { notes { text } }`, // which cannot be null
			Extensions: map[string]any{"livePatch": "json-patch"},
		})
		b.notes.Break(true)
		b.invalidate("Note")
		time.Sleep(1500 * time.Millisecond)
		b.notes.Break(false)
		time.Sleep(time.Minute)
		const data = `{"data":{"notes":[{"text":"one"},{"text":"two"}]},"revision":1}`
		bodies := s.bodies()
		if len(bodies) != 3 || bodies[0] != data || bodies[2] != data ||
			!strings.HasSuffix(bodies[1], `}],"data":null}`) {
			t.Errorf("it was sent\n%s", strings.Join(bodies, "\n"))
		}
	})
}

func TestLiveQueriesAreRefusedByWhatTheyCost(t *testing.T) {
	b := newBench(t, operation.Options{Query: operation.QueryLimits{Cost: 25}})
	for query, code := range map[string]string{
		`query @live { notes { text } }`:                                                             "",
		`query @live(throttle: 100) { notes { text } }`:                                              "",
		`query @live(throttle: 100) { a: notes { text } b: tree { offspring(first: 6) { name } } }`:  "COST_LIMIT",
		`query @live(throttle: 1000) { a: notes { text } b: tree { offspring(first: 6) { name } } }`: "",
		`query @live(throttle: 1) { notes { text } }`:                                                "", // as if 100 were asked for
		`mutation @live { write(id: 1, text: "a") { id } }`:                                          "GRAPHQL_VALIDATION_FAILED",
		`subscription @live { noteWritten { ids } }`:                                                 "GRAPHQL_VALIDATION_FAILED",
		`query @live { ... @defer { hello } }`:                                                       "GRAPHQL_VALIDATION_FAILED",
	} {
		op, errs := b.engine.Prepare(t.Context(), operation.Request{Viewer: alice, Query: query})
		if errs == nil {
			s := new(till)
			op.Run(t.Context(), s)
			op.Stop()
			errs = s.errs
		}
		if code == "" && errs != nil || code != "" && (errs == nil || operation.Code(errs) != code) {
			t.Errorf("%s: %v, want %q", query, errs, code)
		}
	}
}

func TestALiveQueryOfTheProgramRunsOnce(t *testing.T) {
	b := newBench(t, operation.Options{})
	result, err := b.engine.Do(t.Context(), operation.Request{Viewer: alice, Query: `query @live { hello }`})
	if err != nil || string(result) != `{"data":{"hello":"hello world"}}` {
		t.Errorf("%s, %v", result, err)
	}
}

func TestRightsOfALiveQueryThatChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, operation.Options{})
		staff := &auth.Viewer{Consumer: "c", Subject: "s", Scopes: []string{"staff", "read"}}
		op := b.prepare(staff, `query @live { staff(note: "x") }`, "")
		s := new(till)
		op.Run(t.Context(), s)
		synctest.Wait()
		if s.count() != 1 {
			t.Fatalf("it was sent %s", s.bodies())
		}
		op.Reauthorize(&auth.Viewer{Consumer: "c", Subject: "s"})
		synctest.Wait()
		if s.code() != "FORBIDDEN" {
			t.Errorf("it has ended by %q", s.code())
		}
		if n := b.engine.LiveStats().Members; n != 0 {
			t.Errorf("%d members are left", n)
		}
	})
}
