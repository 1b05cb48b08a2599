package transporttest

import (
	"net/http"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// What a small node has room for.
const (
	roomInAll, roomOfAddress, roomOfViewer = 4, 2, 2
	burstInAll, burstOfAddress             = 12, 3
)

// capCases are the limits of sessions, on a node that has room for few.
var capCases = []testCase{
	{"a node that is full refuses sessions until one has gone", false, fullNode},
	{"a node opens sessions no faster than it may", false, hurriedNode},
	{"an address that has its sessions is refused, alone", false, fullAddress},
	{"an address opens sessions no faster than it may", false, hurriedAddress},
	{"a viewer who has all sessions is refused, alone", false, fullViewer},
	{"a viewer who changes keeps the place, and gives it back", false, changedInPlace},
}

// NewSmall starts a node of the storefront that has room for few sessions.
func NewSmall(t testing.TB) *Node {
	t.Helper()
	n := newNode(t)
	n.callers.Sessions = roomOfViewer
	n.limits = transport.SessionLimits{
		Sessions:    roomInAll,
		PerAddress:  roomOfAddress,
		Rate:        limits.Rate{PerSecond: 1, Burst: burstInAll},
		AddressRate: limits.Rate{PerSecond: 1, Burst: burstOfAddress},
	}
	return n.storefront()
}

// open opens a session, and has it take part in what is published.
func (b *bench) open(token string) Client {
	b.Helper()
	before := b.Engine.Stats().Members
	client := b.clientOf(token)
	client.Start(Prices, One())
	b.members(before + 1)
	return client
}

// gone closes a session and waits until nothing is left of it.
func (b *bench) gone(client Client) {
	client.Close()
	synctest.Wait()
}

// refused checks that no further session is opened, for which limit and how, and returns how long the
// client is told to wait. A WebSocket that was open before its viewer was known can be told no more than
// its close code says.
func (b *bench) refused(token, limit, code string, status int) (wait time.Duration) {
	b.Helper()
	sessions, before := b.Sessions.Len(), b.Engine.Refusals().Counts()[limit]
	client := b.clientOf(token)
	end := client.Start(Prices, One()).Next()
	synctest.Wait()
	if got := b.Engine.Refusals().Counts()[limit]; got != before+1 {
		b.Errorf("%d refusals of %s are counted, want %d", got, limit, before+1)
	}
	told := end.Status == status && operation.Code(end.Errors) == code
	closed := end.Status == 0 && token != "" && b.Sessions.Endings()[code] > 0
	if end.Result != nil || !end.Again || !told && !closed {
		b.Errorf("refused by %+v, want %d %s", end, status, code)
	}
	b.gone(client)
	if got := b.Sessions.Len(); got != sessions {
		b.Errorf("%d sessions are open, %d were before", got, sessions)
	}
	if !told {
		return 0
	}
	ms, _ := end.Errors[0].Extensions["retryAfterMs"].(float64)
	if wait = time.Duration(ms) * time.Millisecond; wait > 0 != (code == operation.CodeRateLimited) || wait > 10*time.Second {
		b.Errorf("the client is told to wait for %v", wait)
	}
	return wait
}

func (b *bench) from(address string) { b.Address = netip.MustParseAddr(address) }

func fullNode(_ *testing.T, b *bench) {
	for range 2 { // what is given back is as good as new
		var all []Client
		for range roomInAll {
			all = append(all, b.open(""))
		}
		b.refused("", "max-sessions", operation.CodeSessionCap, http.StatusServiceUnavailable)
		b.gone(all[0])
		all[0] = b.open("")
		for _, client := range all {
			b.gone(client)
		}
	}
}

func hurriedNode(_ *testing.T, b *bench) {
	for range burstInAll {
		b.gone(b.open(""))
	}
	time.Sleep(b.refused("", "session-rate", operation.CodeRateLimited, http.StatusServiceUnavailable))
	b.open("")
}

func fullAddress(_ *testing.T, b *bench) {
	b.from("192.0.2.1")
	first := b.open("")
	b.open("")
	b.refused("", "max-sessions-per-address", operation.CodeSessionCap, http.StatusTooManyRequests)
	b.from("192.0.2.2")
	b.open("")
	b.from("192.0.2.1")
	b.gone(first)
	b.open("")
}

func hurriedAddress(_ *testing.T, b *bench) {
	b.from("2001:db8:1:2::3")
	for range burstOfAddress {
		b.gone(b.open(""))
	}
	b.from("2001:db8:1:2::4") // of the same subscriber
	wait := b.refused("", "session-rate-per-address", operation.CodeRateLimited, http.StatusTooManyRequests)
	b.from("2001:db8:1:5::3")
	b.open("")
	b.from("2001:db8:1:2::3")
	time.Sleep(wait)
	b.open("")
}

func fullViewer(_ *testing.T, b *bench) {
	const another = "bob's token"
	b.Viewers.Set(another, &auth.Viewer{Consumer: "shop", Subject: "bob"})
	first := b.open(Key)
	b.open(Key)
	b.refused(Key, "max-sessions-per-viewer", operation.CodeSessionCap, http.StatusTooManyRequests)
	b.open(another)
	b.gone(first)
	b.open(Key)
}

func changedInPlace(t *testing.T, b *bench) {
	const token = "changing"
	for _, scopes := range [][]string{nil, {"more"}, nil} {
		b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Key: "k1", Scopes: scopes})
		first, second := b.open(token), b.open(token)
		b.Viewers.Set(token, &auth.Viewer{Consumer: "web", Key: "k1", Scopes: []string{"other"}})
		if err := b.Sessions.Grants().Recheck(t.Context(), "k1"); err != nil {
			t.Error(err)
		}
		b.refused(token, "max-sessions-per-viewer", operation.CodeSessionCap, http.StatusTooManyRequests)
		b.gone(first)
		b.gone(second)
	}
}
