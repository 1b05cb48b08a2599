package transporttest

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
)

// Orders is a subscription whose results depend on the viewer.
const Orders = `subscription { orderStatusChanged { orderId } }`

// A Renewer is a Client that can show fresh credentials on its connection.
type Renewer interface {
	Renew(token string)
}

// follow reads on to the end, and closes the channel after it.
func follow(op Operation) <-chan Event {
	events := make(chan Event, 1000)
	go func() {
		defer close(events)
		for {
			event := op.Next()
			events <- event
			if event.Result == nil {
				return
			}
		}
	}()
	return events
}

// over checks that an operation is over for a reason, and that nothing comes after it but the end of
// the session, which its client may open again.
func (b *bench) over(op Operation, code string) {
	b.Helper()
	end := b.ended(op)
	if operation.Code(end.Errors) != code {
		b.Errorf("the operation ended by %+v, want %s", end, code)
	}
	if after := op.Next(); after.Result != nil || !after.Again && !end.Again {
		b.Errorf("after the end came %s, %+v", after.Result, after)
	}
}

// clean checks that nothing is left once the client has gone.
func (b *bench) clean(client Client) {
	b.Helper()
	client.Close()
	time.Sleep(20 * time.Second) // a reservation may be kept for a while
	b.members(0)
	if sessions, grants := b.Sessions.Len(), b.Sessions.Grants().Len(); sessions != 0 || grants != 0 {
		b.Errorf("%d sessions and %d grants are left", sessions, grants)
	}
}

func (b *bench) endings(code string, want uint64) {
	b.Helper()
	if got := b.Sessions.Endings()[code]; got != want {
		b.Errorf("%d sessions ended by %s, want %d", got, code, want)
	}
}

func expired(t *testing.T, b *bench) {
	const token, life = "short", 30 * time.Second
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Subject: "bob", Issuer: "test", Expires: time.Now().Add(life)})
	client := b.clientOf(token)
	op := b.subscribe(client)
	next := reading(op)
	time.Sleep(life - time.Millisecond)
	b.Publish(1, "")
	if event := <-next; event.Result == nil {
		t.Fatalf("it ended too early: %+v", event)
	}
	b.members(1)
	time.Sleep(time.Millisecond)
	b.members(0)
	b.Publish(2, "")
	b.over(op, "TOKEN_EXPIRED")
	b.endings("TOKEN_EXPIRED", 1)
	b.clean(client)
}

func expiredAlready(t *testing.T, b *bench) {
	const token = "late"
	viewer := &auth.Viewer{Consumer: "web", Issuer: "test", Expires: time.Now().Add(time.Second)}
	b.Viewers.Set(token, viewer)
	client := b.clientOf(token)
	time.Sleep(time.Second)
	synctest.Wait()
	op := client.Start(Prices, One())
	b.members(0)
	// A session that was open already has ended with the token; a new one is refused.
	if end := b.ended(op); !end.Again && operation.Code(end.Errors) != operation.CodeUnauthenticated {
		t.Errorf("it ended by %+v", end)
	}
	b.clean(client)
}

func revoked(t *testing.T, b *bench) {
	const token = "revocable"
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Subject: "bob", Key: "k1", KeySecret: 1})
	b.Viewers.Set("another's", &auth.Viewer{Consumer: "app", Key: "k2", KeySecret: 1})
	client, other := b.clientOf(token), b.subscribe(b.clientOf("another's"))
	first, second := b.subscribe(client), b.subscribe(client)
	b.members(3)
	b.Publish(1, "")
	b.price(first)
	b.price(second)
	b.Viewers.Set(token, nil)
	for _, key := range []string{"k1", "k2", "unknown"} {
		if err := b.Sessions.Grants().Recheck(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	b.members(1)
	b.Publish(2, "")
	b.over(first, "KEY_REVOKED")
	b.over(second, "KEY_REVOKED")
	b.price(other)
	if got := b.price(other); got.Revision != 2 {
		t.Errorf("another viewer got %+v", got)
	}
	client.Close()
	b.members(1)
}

func renewed(t *testing.T, b *bench) {
	bob := auth.Viewer{Consumer: "web", Subject: "bob", Issuer: "test", Scopes: []string{"read"}}
	give := func(token string, life time.Duration) *auth.Viewer {
		viewer := bob
		viewer.Expires = time.Now().Add(life)
		b.Viewers.Set(token, &viewer)
		return &viewer
	}
	give("old", 30*time.Second)
	client := b.clientOf("old")
	op := b.subscribe(client)
	events := follow(op)
	sent := 0
	publish := func(d time.Duration) {
		for range d / time.Second {
			b.Publish(sent, "")
			sent++
			time.Sleep(time.Second)
		}
	}
	publish(20 * time.Second)
	fresh := give("fresh", 40*time.Second)
	if renewer, ok := client.(Renewer); ok {
		renewer.Renew("fresh")
	} else if n := b.Sessions.Grants().Extend(fresh.Renewal()); n == 0 {
		t.Error("nobody was renewed")
	}
	publish(39 * time.Second)
	b.members(1)
	time.Sleep(time.Second)
	b.members(0)
	got := 0
	for event := range events {
		errs := event.Errors
		if event.Result != nil {
			errs = event.refusal(t)
		}
		switch {
		case errs != nil && operation.Code(errs) != "TOKEN_EXPIRED":
			t.Errorf("it ended by %v", errs)
		case errs == nil && event.Result != nil:
			got++
		}
	}
	if got != sent {
		t.Errorf("%d events of %d arrived", got, sent)
	}
	b.endings("TOKEN_EXPIRED", 1)
	b.clean(client)
}

func changed(t *testing.T, b *bench) {
	const token = "changing"
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Subject: "bob", Key: "k1"})
	client := b.clientOf(token)
	public := b.subscribe(client)
	private := client.Start(Orders, nil)
	b.members(2)
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Subject: "bob", Key: "k1", Scopes: []string{"more"}})
	if err := b.Sessions.Grants().Recheck(t.Context(), "k1"); err != nil {
		t.Error(err)
	}
	if end := b.ended(private); operation.Code(end.Errors) != operation.CodeViewerChanged {
		t.Errorf("what depended on the rights ended by %+v", end)
	}
	b.members(1)
	b.Publish(1, "")
	if got := b.price(public); got.Revision != 1 {
		t.Errorf("what did not depend on them got %+v", got)
	}
	b.endings("VIEWER_CHANGED", 0)
	b.clean(client)
}

func changedForLater(t *testing.T, b *bench) {
	b.WithStore()
	const token, change = "growing", `mutation { changePrice(productId: "1", price: "7.25") { price } }`
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Key: "k1"})
	client := b.clientOf(token)
	if end := b.ended(client.Start(change, nil)); operation.Code(end.Errors) != operation.CodeForbidden {
		t.Errorf("without the scope: %+v", end)
	}
	b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Key: "k1", Scopes: []string{"catalog:write"}})
	if err := b.Sessions.Grants().RecheckAll(t.Context()); err != nil {
		t.Error(err)
	}
	if got := client.Start(change, nil).Next(); string(got.Result) != `{"data":{"changePrice":{"price":"7.25"}}}` {
		t.Errorf("with the scope: %s, %+v", got.Result, got)
	}
	b.clean(client)
}
