package transporttest

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
)

// RunLive runs the part of the suite that is about live queries: for a transport that has no
// subscriptions.
func RunLive(t *testing.T, transport Transport) { runAll(t, transport, NewRooms, liveCases) }

// liveCases are the promises about queries whose results are kept true.
var liveCases = []testCase{
	{"a live query is sent at once, and again when somebody has changed what it shows", true, liveChange},
	{"a live query is sent the last of a burst of changes", true, liveBurst},
	{"a live query is not sent what is the same", true, liveUnchanged},
	{"a live query is sent as patches to who asks for them", true, livePatches},
	{"a live query that is not to be live has one result and is complete", true, liveIfNot},
	{"what cannot be live is refused", true, liveNever},
	{"a client that stops a live query leaves nothing behind", true, liveStop},
	{"a client that vanishes leaves no live query behind", true, liveVanish},
	{"a budget that is used up ends a live query, and only that", true, liveBudget},
	{"a token's expiry ends a live query, to the moment", true, liveExpired},
	{"a key's revocation ends a live query", true, liveRevoked},
	{"a slow reader of a live query gets the newest result, alone", true, liveSlow},
	{"a slow reader of patches misses none that it needs", true, liveSlowPatches},
}

const (
	note    = `query @live { note(id: 1) { text } }`
	metered = `query @live { note: metered { text } }`
)

// write changes the note, as a client of its own does.
func (b *bench) write(text string) {
	b.Helper()
	client := b.client()
	op := client.Start(`mutation($text: String!) { write(id: 1, text: $text) { id } }`, map[string]any{"text": text})
	if end := b.ended(op); end.Errors != nil || end.Again {
		b.Fatalf("the note was not written: %+v", end)
	}
	client.Close()
	synctest.Wait()
}

// watched checks how many live queries there are.
func (b *bench) watched(want int) {
	b.Helper()
	synctest.Wait()
	if got := b.Engine.LiveStats().Members; got != want {
		b.Fatalf("%d live queries are kept true, want %d", got, want)
	}
}

// settle waits until a live query that has just begun has run as often as it does for that.
func (b *bench) settle() { time.Sleep(3 * time.Second) }

// is checks the next result.
func (b *bench) is(op Operation, want string) {
	b.Helper()
	if got := op.Next(); string(got.Result) != want {
		b.Fatalf("got %s, %+v\nwant %s", got.Result, got, want)
	}
}

// shows is a live result that shows the note.
func shows(text string) string { return `{"data":{"note":{"text":"` + text + `"}},"isLive":true}` }

// silent checks that nothing comes for a while, and returns what comes then.
func (b *bench) silent(op Operation, d time.Duration) <-chan Event {
	b.Helper()
	next := reading(op)
	time.Sleep(d)
	select {
	case event := <-next:
		b.Fatalf("there came %s, %+v", event.Result, event)
	default:
	}
	return next
}

func liveChange(_ *testing.T, b *bench) {
	b.write("one")
	op := b.client().Start(note, nil)
	b.is(op, shows("one"))
	b.settle()
	b.write("two")
	b.is(op, shows("two"))
	b.settle()
	b.invalidate("Note:1") // of which it is no part that anything differs
	b.write("three")
	b.settle()
	b.is(op, shows("three"))
	late := b.client().Start(note, nil)
	b.is(late, shows("three"))
	b.watched(2)
}

func (b *bench) invalidate(keys ...string) {
	b.Helper()
	if err := b.Engine.Invalidate(b.Context(), keys...); err != nil {
		b.Fatal(err)
	}
}

func liveBurst(_ *testing.T, b *bench) {
	b.write("one")
	op := b.client().Start(note, nil)
	b.is(op, shows("one"))
	b.settle()
	for i := range 20 {
		b.write(strconv.Itoa(i))
	}
	b.is(op, shows("0")) // nothing was sent within the second before it
	b.silent(op, 990*time.Millisecond)
	runs := b.Engine.LiveStats().Runs
	time.Sleep(20 * time.Millisecond)
	synctest.Wait()
	if again := b.Engine.LiveStats().Runs; again != runs+1 {
		b.Errorf("it ran %d times for the rest of the burst", again-runs)
	}
}

func liveUnchanged(t *testing.T, b *bench) {
	b.write("one")
	op := b.client().Start(note, nil)
	b.is(op, shows("one"))
	b.write("one")
	b.invalidate("*")
	next := b.silent(op, 2*time.Minute)
	b.write("two")
	if got := <-next; string(got.Result) != shows("two") {
		t.Fatalf("got %s, %+v", got.Result, got)
	}
}

func liveIfNot(t *testing.T, b *bench) {
	b.write("one")
	op := b.client().Start(`query($live: Boolean!) @live(if: $live) { note(id: 1) { text } }`, map[string]any{"live": false})
	b.is(op, `{"data":{"note":{"text":"one"}}}`)
	if end := op.Next(); end.Result != nil || end.Errors != nil || end.Again {
		t.Fatalf("then %s, %+v", end.Result, end)
	}
	b.watched(0)
}

func liveNever(t *testing.T, b *bench) {
	client := b.client()
	for _, query := range []string{
		`mutation @live { write(id: 1, text: "one") { id } }`,
		`subscription @live { noteWritten { ids } }`,
		`query @live { ... @defer { hello } }`,
	} {
		if end := b.ended(client.Start(query, nil)); operation.Code(end.Errors) != operation.CodeValidationFailed || end.Again {
			t.Errorf("%s ended by %+v", query, end)
		}
	}
}

func liveStop(t *testing.T, b *bench) {
	b.write("one")
	client := b.client()
	op, other := client.Start(note, nil), b.client().Start(note, nil)
	b.is(op, shows("one"))
	b.is(other, shows("one"))
	b.watched(2)
	op.Stop()
	b.watched(1)
	b.settle()
	b.write("two")
	b.is(other, shows("two"))
	other.Stop()
	b.settle() // a group without members waits a moment for others
	if s := b.Engine.LiveStats(); s.Members != 0 || s.Groups != 0 || s.Keys != 0 {
		t.Errorf("there is left %+v", s)
	}
}

func liveVanish(t *testing.T, b *bench) {
	b.write("one")
	client := b.client()
	b.is(client.Start(note, nil), shows("one"))
	b.watched(1)
	client.Close()
	b.watched(0)
	if got := b.Sessions.Len(); got != 0 {
		t.Errorf("%d sessions are left", got)
	}
}

func liveBudget(t *testing.T, b *bench) {
	b.write("one")
	client := b.client()
	op, other := client.Start(metered, nil), b.client().Start(note, nil)
	b.is(op, shows("one"))
	b.is(other, shows("one"))
	for _, text := range []string{"two", "three"} {
		b.settle()
		b.write(text)
		b.is(other, shows(text))
	}
	b.is(op, shows("two"))
	if end := b.ended(op); operation.Code(end.Errors) != operation.CodeBudgetEvents || end.Errors[0].Extensions["resetAt"] == nil {
		t.Fatalf("it has ended by %+v", end)
	}
	b.watched(1)
	if end := b.ended(client.Start(metered, nil)); operation.Code(end.Errors) != operation.CodeBudgetEvents {
		t.Errorf("a new one has ended by %+v", end)
	}
	b.is(client.Start(note, nil), shows("three")) // the client may go on
	time.Sleep(time.Minute)
	b.is(b.client().Start(metered, nil), shows("three"))
}

func liveExpired(t *testing.T, b *bench) {
	const token, life = "short", 20 * time.Second // in which it runs for nothing but its changes
	b.write("one")
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Issuer: "test", Expires: time.Now().Add(life)})
	client := b.clientOf(token)
	op := client.Start(note, nil)
	b.is(op, shows("one"))
	next := reading(op)
	time.Sleep(life - time.Millisecond)
	b.write("two")
	if event := <-next; string(event.Result) != shows("two") {
		t.Fatalf("before its time there came %s, %+v", event.Result, event)
	}
	b.watched(1)
	time.Sleep(time.Millisecond)
	b.watched(0)
	b.over(op, "TOKEN_EXPIRED")
	b.clean(client)
}

func liveRevoked(_ *testing.T, b *bench) {
	const token = "revocable"
	b.write("one")
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Key: "k1", KeySecret: 1})
	op, other := b.clientOf(token).Start(note, nil), b.client().Start(note, nil)
	b.is(op, shows("one"))
	b.is(other, shows("one"))
	b.settle()
	b.Viewers.Set(token, nil)
	if err := b.Sessions.Grants().Recheck(b.Context(), "k1"); err != nil {
		b.Error(err)
	}
	b.watched(1)
	b.write("two")
	b.over(op, "KEY_REVOKED")
	b.is(other, shows("two"))
}
