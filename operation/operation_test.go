package operation_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/share"
)

var (
	alice = &auth.Viewer{Consumer: "shop", Subject: "alice"}
	bob   = &auth.Viewer{Consumer: "shop", Subject: "bob"}
)

func TestRefusals(t *testing.T) {
	b := newBench(t, operation.Options{})
	long := strings.Repeat("a", 100<<10)
	for _, tt := range []struct {
		name, query, operation, variables, code string
	}{
		{"an empty request", ``, "", "", "BAD_REQUEST"},
		{"text that is no GraphQL", `query {`, "", "", "GRAPHQL_PARSE_FAILED"},
		{"a fragment alone", `fragment f on Query { whoami }`, "", "", "OPERATION_RESOLUTION_FAILURE"},
		{"an unknown field", `{ nothing }`, "", "", "GRAPHQL_VALIDATION_FAILED"},
		{"two root fields in a subscription", `subscription { a: count(to: 1) b: count(to: 2) }`, "", "", "GRAPHQL_VALIDATION_FAILED"},
		{"two root fields by a fragment", `subscription { ...f } fragment f on Subscription { a: count(to: 1) b: count(to: 2) }`, "", "", "GRAPHQL_VALIDATION_FAILED"},
		{"@defer in a query", `{ ... @defer { whoami } }`, "", "", "GRAPHQL_VALIDATION_FAILED"},
		{"@defer deep in a subscription", `subscription { message { ...f } } fragment f on Message { ... @defer { viewer } }`, "", "", "GRAPHQL_VALIDATION_FAILED"},
		{"a root field that may be skipped", `subscription($x: Boolean!) { count(to: 1) @skip(if: $x) }`, "", `{"x":true}`, "GRAPHQL_VALIDATION_FAILED"},
		{"no operation of that name", `query A { whoami }`, "B", "", "OPERATION_RESOLUTION_FAILURE"},
		{"several operations and no name", `query A { whoami } query B { whoami }`, "", "", "OPERATION_RESOLUTION_FAILURE"},
		{"a variable that is missing", `subscription($n: Int!) { count(to: $n) }`, "", "", "BAD_USER_INPUT"},
		{"a variable of the wrong kind", `subscription($n: Int!) { count(to: $n) }`, "", `{"n":"x"}`, "BAD_USER_INPUT"},
		{"more tokens than allowed", `{` + strings.Repeat(` whoami`, 1001) + `}`, "", "", "TOKEN_LIMIT"},
		{"a document that is too large", `{ whoami } # ` + long, "", "", "QUERY_TOO_LARGE"},
		{"introspection while it is off", `{ __schema { types { name } } }`, "", "", "INTROSPECTION_DISABLED"},
		{"introspection by a fragment", `{ ...f } fragment f on Query { x: __type(name: "Query") { name } }`, "", "", "INTROSPECTION_DISABLED"},
		{"a private subscription of nobody", `subscription { secret { text } }`, "", "", "UNAUTHENTICATED"},
		{"an empty topic part", `subscription { message(rooms: [""]) { text } }`, "", "", "BAD_USER_INPUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req := operation.Request{Viewer: auth.Anonymous, Query: tt.query, OperationName: tt.operation}
			if tt.variables != "" {
				_ = json.Unmarshal([]byte(tt.variables), &req.Variables)
			}
			_, errs := b.engine.Prepare(context.Background(), req)
			if len(errs) == 0 {
				t.Fatal("it was accepted")
			}
			if code := operation.Code(errs); code != tt.code {
				t.Errorf("code %s, want %s: %v", code, tt.code, errs)
			}
			if len(errs) > 10 {
				t.Errorf("%d errors, want at most 10", len(errs))
			}
		})
	}
}

func TestNoSuggestionNamesTheSchemaWithoutIntrospection(t *testing.T) {
	for query, secret := range map[string]string{
		`{ whoam }`:                              "whoami",
		`{ hello(nam: "x") }`:                    "\"name\"",
		`query($x: Messag) { whoami }`:           "Message",
		`{ hello { x } }`:                        "String!",
		`subscription { message { txt } }`:       "\"text\"",
		`mutation { say(rooms:"1") { text } }`:   "\"room\"",
		`fragment f on Messages { room } {...f}`: "\"Message\"",
	} {
		_, errs := newBench(t, operation.Options{}).engine.Prepare(context.Background(), operation.Request{Viewer: auth.Anonymous, Query: query})
		if errs == nil {
			t.Fatalf("%s was accepted", query)
		}
		for _, err := range errs {
			if strings.Contains(err.Message, "Did you mean") && strings.Contains(err.Message, secret) {
				t.Errorf("%s is told: %s", query, err.Message)
			}
		}
	}
}

func TestQueriesAndMutations(t *testing.T) {
	b := newBench(t, operation.Options{Introspection: true})
	for _, tt := range []struct{ name, query, want string }{
		{"a query runs for its viewer", `{ whoami }`, `{"data":{"whoami":"shop/alice"}}`},
		{"defaults of arguments apply", `{ hello }`, `{"data":{"hello":"hello world"}}`},
		{"introspection answers when it is on", `{ __type(name:"Message") { name } }`, `{"data":{"__type":{"name":"Message"}}}`},
		{"a mutation gives its result", `mutation { say(room:"1", text:"hi") { text } }`, `{"data":{"say":{"text":"hi"}}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSink()
			b.prepare(alice, tt.query, "").Run(t.Context(), s)
			equal(t, s.next(t), tt.want)
			if errs := s.end(t); errs != nil {
				t.Errorf("ended with %v", errs)
			}
		})
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	b := newBench(t, operation.Options{})
	for _, query := range []string{`{ broken }`, `{ panics }`} {
		s := newSink()
		b.prepare(alice, query, "").Run(t.Context(), s)
		got := s.next(t)
		if strings.Contains(got, "hunter2") || strings.Contains(got, "oh no") {
			t.Errorf("%s leaks: %s", query, got)
		}
		if !strings.Contains(got, `"code":"INTERNAL"`) || !strings.Contains(got, `"errorId":"`) {
			t.Errorf("%s answers %s, want INTERNAL with an errorId", query, got)
		}
	}
	if log := b.log.String(); !strings.Contains(log, "hunter2") || !strings.Contains(log, "oh no") {
		t.Errorf("the operator's log lacks the causes: %s", log)
	}
}

func TestAnErrorMadeForClientsIsShownAsItIs(t *testing.T) {
	b := newBench(t, operation.Options{})
	s := newSink()
	b.prepare(alice, `{ refused }`, "").Run(t.Context(), s)
	equal(t, s.next(t), `{"errors":[{"message":"you may not","path":["refused"],"locations":[{"line":1,"column":3}],"extensions":{"code":"FORBIDDEN"}}],"data":{"refused":null}}`)
}

func TestAQueryEndsAtItsTimeout(t *testing.T) {
	b := newBench(t, operation.Options{Timeout: 10 * time.Millisecond})
	s := newSink()
	b.prepare(alice, `{ slow }`, "").Run(t.Context(), s)
	if got := s.next(t); !strings.Contains(got, "INTERNAL") {
		t.Errorf("got %s", got)
	}
}

func TestAMutationPublishesItsWholeResult(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, s := b.subscribe(bob, `subscription { message(rooms:["7"]) { room text } }`, "")
	b.started()
	b.prepare(alice, `mutation { x: say(room:"7", text:"hello") { room } }`, "").Run(t.Context(), newSink())
	equal(t, s.next(t), `{"data":{"message":{"room":"7","text":"hello"}}}`)
}

func TestASubscriptionOfEveryTopic(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, all := b.subscribe(bob, `subscription { message { room } }`, "")
	_, two := b.subscribe(bob, `subscription($r: [ID!]) { message(rooms: $r) { room } }`, `{"r":["1","a.b*"]}`)
	b.started()
	b.publish("room.a%2Eb%2A", message("a.b*", "x"))
	equal(t, all.next(t), `{"data":{"message":{"room":"a.b*"}}}`)
	equal(t, two.next(t), `{"data":{"message":{"room":"a.b*"}}}`)
	b.publish("room.2", message("2", "x"))
	equal(t, all.next(t), `{"data":{"message":{"room":"2"}}}`)
	two.silent(t)
}

func TestOneExecutionForThousandMembers(t *testing.T) {
	b := newBench(t, operation.Options{})
	queries := []string{ // one document, said in different ways
		`subscription { message(rooms: ["1"]) { room text } }`,
		"subscription {\n  # a comment\n  message(rooms: [\"1\"]) { room, text }\n}",
		`subscription { message(rooms: ["1"]) { room text } } fragment unused on Message { text }`,
	}
	if _, errs := b.engine.Prepare(context.Background(), operation.Request{Viewer: alice, Query: queries[2]}); errs != nil {
		queries = queries[:2] // the validator refuses fragments that are not used
	}
	var sinks []*sink
	for i := range 1000 {
		viewer := []*auth.Viewer{alice, bob, auth.Anonymous}[i%3]
		_, s := b.subscribe(viewer, queries[i%len(queries)], "")
		sinks = append(sinks, s)
	}
	b.started()
	if n := b.engine.Stats().Groups; n != 1 {
		t.Fatalf("%d groups, want 1", n)
	}
	before := b.engine.Stats()
	for i := range 10 {
		b.publish("room.1", message("1", fmt.Sprint(i)))
	}
	for _, s := range sinks {
		for i := range 10 {
			equal(t, s.next(t), fmt.Sprintf(`{"data":{"message":{"room":"1","text":"%d"}}}`, i))
		}
	}
	after := b.engine.Stats()
	if n := after.Executions - before.Executions; n != 10 {
		t.Errorf("%d executions for 10 events, want 10", n)
	}
	eventually(t, "10,000 deliveries are counted", func() bool {
		return b.engine.Stats().Deliveries-before.Deliveries == 10_000
	})
}

func TestWhatIsNotShared(t *testing.T) {
	for _, tt := range []struct {
		name                  string
		one, other            *auth.Viewer
		query, queryOfOther   string
		variables, variables2 string
	}{
		{"other selections", alice, alice, `subscription { message { room } }`, `subscription { message { text } }`, "", ""},
		{"other aliases", alice, alice, `subscription { message { room } }`, `subscription { m: message { room } }`, "", ""},
		{"other variables", alice, alice, `subscription($r: [ID!]) { message(rooms: $r) { room } }`, `subscription($r: [ID!]) { message(rooms: $r) { room } }`, `{"r":["1"]}`, `{"r":["2"]}`},
		{"other literals", alice, alice, `subscription { message(rooms:["1"]) { room } }`, `subscription { message(rooms:["2"]) { room } }`, "", ""},
		{"private operations of two subjects", alice, bob, `subscription { secret { text } }`, `subscription { secret { text } }`, "", ""},
		{"private operations with other scopes", alice, &auth.Viewer{Consumer: "shop", Subject: "alice", Scopes: []string{"x"}}, `subscription { secret { text } }`, `subscription { secret { text } }`, "", ""},
		{"private operations of names that would join", &auth.Viewer{Consumer: "a", Subject: "bc"}, &auth.Viewer{Consumer: "ab", Subject: "c"}, `subscription { secret { text } }`, `subscription { secret { text } }`, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, operation.Options{})
			b.subscribe(tt.one, tt.query, tt.variables)
			b.subscribe(tt.other, tt.queryOfOther, tt.variables2)
			if n := b.engine.Stats().Groups; n != 2 {
				t.Errorf("%d groups, want 2", n)
			}
		})
	}
}

func TestPrivateOperations(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, a1 := b.subscribe(alice, `subscription { secret { text viewer } }`, "")
	_, a2 := b.subscribe(alice, `subscription { secret { text viewer } }`, "")
	_, bo := b.subscribe(bob, `subscription { secret { text viewer } }`, "")
	if n := b.engine.Stats().Groups; n != 2 {
		t.Fatalf("%d groups, want one for each subject", n)
	}
	b.started()
	b.publish("secret.alice", `{"text":"for alice"}`)
	want := `{"data":{"secret":{"text":"for alice","viewer":"shop/alice"}}}`
	equal(t, a1.next(t), want)
	equal(t, a2.next(t), want)
	bo.silent(t)
}

func TestASharedExecutionHasNoViewer(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, spy := b.subscribe(alice, `subscription { spy(room:"1") { text } }`, "")
	if code := operation.Code(spy.end(t)); code != "INTERNAL" {
		t.Errorf("a resolver that asks for the viewer at the start ends with %s, want INTERNAL", code)
	}
	_, s := b.subscribe(alice, `subscription { message(rooms:["1"]) { text viewer } }`, "")
	b.started()
	b.publish("room.1", message("1", "x"))
	if got := s.next(t); strings.Contains(got, "alice") || !strings.Contains(got, `"path":["message","viewer"]`) {
		t.Errorf("a resolver that asks for the viewer of an event gives %s", got)
	}
	if !strings.Contains(b.log.String(), auth.ErrNoViewer.Error()) {
		t.Error("the log does not say how to mend it")
	}
}

func TestNullsAndErrorPathsOfSubscriptions(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, strict := b.subscribe(alice, `subscription { m: message(rooms:["1"]) { text author } }`, "")
	_, loose := b.subscribe(alice, `subscription { maybe(room:"1") { text author } }`, "")
	b.started()
	b.publish("room.1", message("1", "without author"))
	equal(t, strict.next(t), `{"errors":[{"message":"the requested element is null which the schema does not allow","path":["m","author"],"extensions":{"code":"INTERNAL"}}],"data":null}`)
	equal(t, loose.next(t), `{"errors":[{"message":"the requested element is null which the schema does not allow","path":["maybe","author"],"extensions":{"code":"INTERNAL"}}],"data":{"maybe":null}}`)
}

func TestAPanicInAFieldEndsNothing(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, s := b.subscribe(alice, `subscription { message(rooms:["1"]) { text panics } }`, "")
	b.started()
	for range 2 {
		b.publish("room.1", message("1", "x"))
		if got := s.next(t); !strings.Contains(got, `"path":["message","panics"]`) {
			t.Errorf("got %s", got)
		}
	}
}

func TestAPayloadThatCannotBeDecodedHurtsNobody(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, s := b.subscribe(alice, `subscription { message(rooms:["1"]) { text } }`, "")
	b.started()
	for range 100 {
		b.publish("room.1", `{"text":`)
	}
	b.publish("room.1", message("1", "good"))
	equal(t, s.next(t), `{"data":{"message":{"text":"good"}}}`)
	if n := b.engine.Stats().DecodeErrors; n != 100 {
		t.Errorf("%d decode errors counted, want 100", n)
	}
	if n := strings.Count(b.log.String(), "cannot be decoded"); n != 1 {
		t.Errorf("%d log lines for 100 bad payloads, want 1", n)
	}
}

func TestAPayloadIsDecodedOncePerType(t *testing.T) {
	decoded := 0
	decode := func(p []byte) (string, error) { decoded++; return string(p), nil }
	e := &pubsub.Event{Topic: "x", Payload: []byte("y")}
	for range 3 {
		if v, err := pubsub.Decode(e, decode); v != "y" || err != nil {
			t.Fatal(v, err)
		}
	}
	if decoded != 1 {
		t.Errorf("decoded %d times", decoded)
	}
}

func TestAResolversOwnChannel(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, s := b.subscribe(alice, `subscription { count(to: 3) }`, "")
	for i := 1; i <= 3; i++ {
		equal(t, s.next(t), fmt.Sprintf(`{"data":{"count":%d}}`, i))
	}
	if errs := s.end(t); errs != nil {
		t.Errorf("ended with %v, want completion", errs)
	}
	eventually(t, "the group is gone", func() bool { return b.engine.Stats().Groups == 0 })
}

func TestARefusedSubscriptionEndsWithAnError(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, s := b.subscribe(alice, `subscription { refused }`, "")
	errs := s.end(t)
	if operation.Code(errs) != "INTERNAL" || strings.Contains(errs.Error(), "fire") {
		t.Errorf("ended with %v", errs)
	}
	s.silent(t)
}

func TestTheLastLeaverStopsTheGroupAfterItsLinger(t *testing.T) {
	b := newBench(t, operation.Options{Share: share.Options{Linger: time.Millisecond}})
	op, s := b.subscribe(alice, `subscription { message(rooms:["1"]) { text } }`, "")
	b.started()
	op.Stop()
	op.Stop()
	eventually(t, "the group is gone", func() bool { return b.engine.Stats().Groups == 0 })
	b.publish("room.1", message("1", "late"))
	s.silent(t)
}

func TestAReconnectWithinTheLingerFindsTheGroupRunning(t *testing.T) {
	b := newBench(t, operation.Options{Share: share.Options{Linger: time.Hour}})
	op, s := b.subscribe(alice, `subscription { message(rooms:["1"]) { text } }`, "")
	b.started()
	op.Stop()
	_, again := b.subscribe(bob, `subscription { message(rooms:["1"]) { text } }`, "")
	b.publish("room.1", message("1", "at once"))
	equal(t, again.next(t), `{"data":{"message":{"text":"at once"}}}`)
	s.silent(t)
	if n := b.engine.Stats().Groups; n != 1 {
		t.Errorf("%d groups", n)
	}
}

func TestAFullSinkEndsItsSessionOnly(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, fast := b.subscribe(alice, `subscription { message(rooms:["1"]) { text } }`, "")
	b.started()
	op, slow := b.prepare(bob, `subscription { message(rooms:["1"]) { text } }`, ""), newSink()
	slow.full = true
	op.Run(t.Context(), slow)
	t.Cleanup(op.Stop)
	b.publish("room.1", message("1", "y"))
	equal(t, fast.next(t), `{"data":{"message":{"text":"y"}}}`)
	if e := <-slow.cut; e != operation.SlowConsumer {
		t.Errorf("ended with %v", e)
	}
}

func TestAResultThatIsTooLargeBecomesAnError(t *testing.T) {
	b := newBench(t, operation.Options{Share: share.Options{MaxResult: 1000}})
	_, s := b.subscribe(alice, `subscription { message(rooms:["1"]) { text } }`, "")
	b.started()
	b.publish("room.1", message("1", strings.Repeat("x", 1001)))
	if got := s.next(t); !strings.Contains(got, "RESULT_TOO_LARGE") || !strings.HasSuffix(got, `"data":null}`) {
		t.Errorf("got %.200s", got)
	}
	b.publish("room.1", message("1", "small"))
	equal(t, s.next(t), `{"data":{"message":{"text":"small"}}}`)
}

func TestDrainRefusesNewOperationsAndKeepsOldOnes(t *testing.T) {
	b := newBench(t, operation.Options{})
	_, s := b.subscribe(alice, `subscription { message(rooms:["1"]) { text } }`, "")
	b.started()
	b.engine.Drain()
	if _, errs := b.engine.Prepare(context.Background(), operation.Request{Viewer: alice, Query: `{ whoami }`}); operation.Code(errs) != "DRAINING" {
		t.Errorf("refused with %v", errs)
	}
	b.publish("room.1", message("1", "still"))
	equal(t, s.next(t), `{"data":{"message":{"text":"still"}}}`)
}
