package crowd

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestAMixIsWhatItWasSetTo(t *testing.T) {
	m := make(Mix)
	for text, want := range map[string]Mix{
		"websocket=60,sse=20,multipart=20": {WebSocket: 60, SSE: 20, Multipart: 20},
		"sse=1":                            {SSE: 1},
		"multipart=1,websocket=3":          {WebSocket: 3, Multipart: 1},
	} {
		if err := m.Set(text); err != nil || !maps.Equal(m, want) {
			t.Errorf("%q is %v, %v", text, m, err)
		}
		again := make(Mix)
		if err := again.Set(m.String()); err != nil || !maps.Equal(m, again) {
			t.Errorf("%v is written as %q", m, m.String())
		}
	}
	for _, bad := range []string{"", "pigeon=1", "sse", "sse=-1", "sse=0", "sse=1;websocket=1", "sse=x"} {
		if err := m.Set(bad); err == nil {
			t.Errorf("%q is %v", bad, m)
		}
	}
}

func TestAMixDealsItsParts(t *testing.T) {
	for _, n := range []int{0, 1, 7, 100, 1000} {
		dealt := Mix{WebSocket: 60, SSE: 20, Multipart: 20}.deal(n, rand.New(rand.NewPCG(1, 1)))
		got := make(Mix)
		for _, transport := range dealt {
			got[transport]++
		}
		if len(dealt) != n || n >= 100 && (got[WebSocket] != n*6/10 || got[SSE] != n/5 || got[Multipart] != n/5) {
			t.Errorf("of %d: %v", n, got)
		}
		if n >= 100 && slices.IsSorted(dealt) {
			t.Error("they stand in a row")
		}
	}
}
