package operation_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
)

func with(v *auth.Viewer, scopes ...string) *auth.Viewer {
	other := *v
	other.Scopes = scopes
	return &other
}

func TestWhoIsRefused(t *testing.T) {
	b := newBench(t, operation.Options{})
	for _, tt := range []struct {
		name   string
		viewer *auth.Viewer
		query  string
		want   string // the errors, in JSON
	}{
		{
			"nobody", nil, `{ a: staff(note: "") whoami b: staff(note: "") }`,
			`[{"message":"this field is for authenticated callers: send an API key or a token","path":["a"],"extensions":{"code":"UNAUTHENTICATED"}},` +
				`{"message":"this field is for authenticated callers: send an API key or a token","path":["b"],"extensions":{"code":"UNAUTHENTICATED"}}]`,
		},
		{
			"somebody without a scope", with(alice, "read"), `{ staff(note: "") }`,
			`[{"message":"this field needs the scope staff, which you do not have","path":["staff"],"extensions":{"code":"FORBIDDEN","missingScopes":["staff"]}}]`,
		},
		{
			"somebody without any scope", alice, `{ ...f } fragment f on Query { s: staff(note: "") }`,
			`[{"message":"this field needs the scopes staff and read, which you do not have","path":["s"],"extensions":{"code":"FORBIDDEN","missingScopes":["staff","read"]}}]`,
		},
		{
			"somebody else", bob, `subscription { own(room: "alice") { text } }`,
			`[{"message":"the rule of this field does not allow you to use it, or not with these arguments","path":["own"],"extensions":{"code":"FORBIDDEN"}}]`,
		},
		{
			"somebody who is refused does not learn what is wrong besides", alice, `query($n: String!) { staff(note: $n) }`,
			`[{"message":"this field needs the scopes staff and read, which you do not have","path":["staff"],"extensions":{"code":"FORBIDDEN","missingScopes":["staff","read"]}}]`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, errs := b.engine.Prepare(context.Background(), operation.Request{Viewer: tt.viewer, Query: tt.query})
			got, err := json.Marshal(errs)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, string(got), tt.want)
		})
	}
	b.prepare(with(alice, "read", "staff"), `{ staff(note: "") }`, "")
	b.prepare(alice, `subscription { own(room: "alice") { text } }`, "")
}

func TestRightsThatChange(t *testing.T) {
	const audit, own, secret, open = `subscription { audit(room: "alice") { text } }`, `subscription { own(room: "alice") { text } }`,
		`subscription { secret { text } }`, `subscription { message(rooms: ["alice"]) { text } }`
	auditor := with(alice, "audit")
	renewed := *auditor
	renewed.Claims = map[string]any{"exp": 2.0}
	auditor.Claims = map[string]any{"exp": 1.0}
	for _, tt := range []struct {
		name, query string
		to          *auth.Viewer
		code        string // empty: it goes on
	}{
		{"a renewal changes nothing", audit, &renewed, ""},
		{"a renewal leaves a private operation alone", secret, &renewed, ""},
		{"a scope that is needed is gone", audit, with(alice, "other"), "FORBIDDEN"},
		{"a scope that is not needed is gone", own, alice, ""},
		{"another subject", own, with(bob, "audit"), "FORBIDDEN"},
		{"an operation that depends on nobody", open, auth.Anonymous, ""},
		{"other rights of a private operation", secret, alice, "VIEWER_CHANGED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, operation.Options{})
			op, s := b.subscribe(auditor, tt.query, "")
			b.started()
			op.Reauthorize(tt.to)
			b.publish("room.alice", message("alice", "after"))
			b.publish("secret.alice", `{"text":"after"}`)
			if tt.code == "" {
				if got := s.next(t); !strings.Contains(got, "after") {
					t.Errorf("got %s", got)
				}
				return
			}
			if code := operation.Code(s.end(t)); code != tt.code {
				t.Errorf("it ended by %s, want %s", code, tt.code)
			}
			eventually(t, "nobody is a member", func() bool { return b.engine.Stats().Members == 0 })
			s.silent(t)
		})
	}
}

func TestRightsThatChangeBeforeTheStart(t *testing.T) {
	b := newBench(t, operation.Options{})
	op, s := b.prepare(with(alice, "audit"), `subscription { audit(room: "1") { text } }`, ""), newSink()
	op.Reauthorize(alice)
	op.Run(t.Context(), s)
	if code := operation.Code(s.end(t)); code != "FORBIDDEN" || b.engine.Stats().Members != 0 {
		t.Errorf("it ended by %s", code)
	}
}

func TestAMutationThatHasNotBegunDoesNot(t *testing.T) {
	b := newBench(t, operation.Options{})
	op, s := b.prepare(with(alice, "read", "staff"), `{ staff(note: "") }`, ""), newSink()
	op.Reauthorize(alice)
	op.Run(t.Context(), s)
	if code := operation.Code(s.end(t)); code != "FORBIDDEN" {
		t.Errorf("it ended by %s", code)
	}
	s.silent(t)
}

func TestAnonymousCallersShareNothingPrivate(t *testing.T) {
	b := newBench(t, operation.Options{})
	for range 2 {
		b.subscribe(auth.Anonymous, `subscription { mood(room: "1") { text } }`, "")
	}
	b.subscribe(alice, `subscription { mood(room: "1") { text } }`, "")
	b.subscribe(alice, `subscription { mood(room: "1") { text } }`, "")
	if n := b.engine.Stats().Groups; n != 3 {
		t.Errorf("%d groups, want one for each anonymous caller and one for alice", n)
	}
}

func TestErrorsNameOnlyWhatTheClientWrote(t *testing.T) {
	for query, want := range map[string]string{
		`{ whoam }`:                `Cannot query field "whoam" on type "…".`,
		`{ staff }`:                `Field "staff" argument "…" of type "…" is required, but it was not provided.`,
		`{ whoami { x } }`:         `Cannot query field "x" on type "…".`,
		`subscription { message }`: `Field "message" of type "…" must have a selection of subfields.`,
		`mutation { say(room: 1, text: 2) { room } }`:                    `String cannot represent a non string value: 2`,
		`{ hello(nam: "x") }`:                                            `Unknown argument "nam" on field "…".`,
		`query Q { hello(name: "x") ... on Query { hello(name: "y") } }`: `Fields "hello" conflict because they have differing arguments. Use different aliases on the fields to fetch both if this was intentional.`,
	} {
		_, errs := newBench(t, operation.Options{}).engine.Prepare(context.Background(), operation.Request{Query: query})
		if errs == nil {
			t.Fatalf("%s was accepted", query)
		}
		equal(t, errs[0].Message, want)
	}
	_, errs := newBench(t, operation.Options{Suggestions: true}).engine.Prepare(context.Background(), operation.Request{Query: `{ whoam }`})
	equal(t, errs[0].Message, `Cannot query field "whoam" on type "Query". Did you mean "whoami"?`)
}
