package faults

import (
	"testing"

	"github.com/sluice-gateway/sluice/chaos/check"
	"github.com/sluice-gateway/sluice/pubsub"
)

func entry(words ...string) answer {
	fields := answer{}
	for _, w := range words {
		fields.list = append(fields.list, answer{text: w})
	}
	return answer{list: []answer{{text: "1-0"}, fields}}
}

func TestEntriesOfALog(t *testing.T) {
	at := pubsub.Position{Epoch: 0x5f2b, Offset: 42, ID: [12]byte{0, 0x11, 0x22}}
	got, err := readEntry(entry("m", "~1 p="+at.String()+" t=1793534400000000\n"+`{"productId":"1","stock":3,"revision":7}`))
	want := check.Entry{Kind: check.Received, ID: check.ID{Lane: 3, Number: 7}, Position: at}
	if err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for name, bad := range map[string]answer{
		"nothing":              {},
		"another field":        entry("m"),
		"no envelope":          entry("m", `{"stock":3}`),
		"no position":          entry("m", "~1 t=1793534400000000\n{}"),
		"no payload":           entry("m", "~1 p="+at.String()+"\n"),
		"a position of nobody": entry("m", "~1 p=5f2b-42\n{}"),
	} {
		if got, err := readEntry(bad); err == nil {
			t.Errorf("%s is %v", name, got)
		}
	}
}
