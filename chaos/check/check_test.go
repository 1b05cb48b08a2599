package check

import (
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

func at(offset uint64) pubsub.Position {
	return pubsub.Position{Epoch: 7, Offset: offset, ID: [12]byte{byte(offset)}}
}

func got(number int, offset uint64) Entry {
	return Entry{Kind: Received, ID: ID{Number: number}, Position: at(offset)}
}

func sent(numbers ...int) (all []Publish) {
	for _, n := range numbers {
		all = append(all, Publish{ID: ID{Number: n}, Topic: "stock.1", Acknowledged: true, Tries: 1})
	}
	return all
}

func TestFindings(t *testing.T) {
	began, gap, joined, resumed := Entry{Kind: Began}, Entry{Kind: Gapped}, Entry{Kind: Joined}, Entry{Kind: Resumed}
	unknown := sent(1, 2, 3)
	unknown[1].Acknowledged, unknown[1].Tries = false, 2
	again := sent(1, 2, 3)
	again[1].Tries = 2
	closing := sent(1, 2, 3)
	closing[2].Closing = true
	for _, c := range []struct {
		name    string
		sent    []Publish
		entries []Entry
		left    bool
		want    []string
	}{
		{name: "all arrived", sent: sent(1, 2, 3), entries: []Entry{began, got(1, 1), got(2, 2), got(3, 3)}},
		{name: "all arrived over two connections", sent: sent(1, 2), entries: []Entry{began, got(1, 1), resumed, got(2, 2)}},
		{name: "a client that has left misses nothing", sent: sent(1, 2), entries: []Entry{began, got(1, 1)}, left: true},
		{name: "the last is missing", sent: sent(1, 2), entries: []Entry{began, got(1, 1)}, want: []string{Lost}},
		{name: "nothing arrived", sent: sent(1, 2), entries: []Entry{began}, want: []string{Lost, Lost}},
		{name: "one is missing where it resumed", sent: sent(1, 2, 3), entries: []Entry{began, got(1, 1), resumed, got(3, 3)}, want: []string{Misplaced, Lost}},
		{name: "what was before it joined is not its", sent: sent(1, 2, 3), entries: []Entry{joined, got(2, 2), got(3, 3)}},
		{name: "a gap was told of it", sent: sent(1, 2, 3), entries: []Entry{began, got(1, 1), gap, joined, got(3, 3)}},
		{name: "a gap was told of nothing", sent: sent(1, 2), entries: []Entry{began, got(1, 1), gap, joined, got(2, 2)}, want: []string{NeedlessGap}},
		{name: "a gap excuses nothing that was sent when all had subscribed again", sent: closing, entries: []Entry{began, got(1, 1), gap, joined}, want: []string{Lost}},
		{name: "joining anew with a cursor in hand excuses nothing", sent: sent(1, 2, 3), entries: []Entry{began, got(1, 1), joined, got(3, 3)}, want: []string{Misplaced, Lost}},
		{name: "one came twice", sent: sent(1), entries: []Entry{began, got(1, 1), resumed, got(1, 1)}, want: []string{Misplaced, Duplicated}},
		{name: "one came after a later one", sent: sent(1, 2), entries: []Entry{joined, got(2, 1), got(1, 2)}, want: []string{Reordered}},
		{name: "one was never published", sent: sent(1), entries: []Entry{began, got(1, 1), got(2, 2)}, want: []string{Invented}},
		{name: "nobody knows of one, and it did not arrive", sent: unknown, entries: []Entry{began, got(1, 1), got(3, 2)}},
		{name: "nobody knows of one, and it arrived", sent: unknown, entries: []Entry{began, got(1, 1), got(2, 2), got(3, 3)}},
		{name: "what a rollback took back came again after the gap", sent: again, entries: []Entry{began, got(1, 1), got(2, 2), gap, joined, {Kind: Received, ID: ID{Number: 2}, Position: at(9)}, got(3, 10)}, want: []string{NeedlessGap}},
		{name: "what was sent twice came twice without a gap", sent: again, entries: []Entry{began, got(1, 1), got(2, 2), got(2, 3), got(3, 4)}, want: []string{Misplaced, Duplicated}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := Run(History{Published: c.sent, Clients: []Client{{Name: "a", Topic: "stock.1", Entries: c.entries, Stayed: !c.left}}})
			var kinds []string
			for _, f := range found {
				kinds = append(kinds, f.Kind)
			}
			slices.Sort(kinds)
			slices.Sort(c.want)
			if !slices.Equal(kinds, c.want) {
				t.Errorf("found %v, want %v", found, c.want)
			}
		})
	}
}

func TestWhatNobodyAcknowledgedIsThereForAllOrForNobody(t *testing.T) {
	h := History{Published: sent(1, 2, 3)}
	h.Published[1].Acknowledged = false
	for name, entries := range map[string][]Entry{
		"has it":    {{Kind: Began}, got(1, 1), got(2, 2), got(3, 3)},
		"lacks it":  {{Kind: Began}, got(1, 1), got(3, 3)},
		"elsewhere": {{Kind: Began}, got(1, 1), got(3, 2), got(2, 3)},
	} {
		h.Clients = append(h.Clients, Client{Name: name, Topic: "stock.1", Entries: entries, Stayed: true})
	}
	wrong := make(map[string]bool)
	for _, f := range Run(h) {
		wrong[f.Client] = true
	}
	if !wrong["lacks it"] || !wrong["elsewhere"] {
		t.Errorf("found %v", Run(h))
	}
}

func TestAGapThatTheLogCouldHaveFilledIsNeedless(t *testing.T) {
	entries := []Entry{{Kind: Began}, got(1, 1), {Kind: Gapped}, {Kind: Joined}, got(3, 3)}
	h := History{Published: sent(1, 2, 3), Clients: []Client{{Name: "a", Topic: "stock.1", Entries: entries, Stayed: true}}}
	for _, c := range []struct {
		name string
		log  []Entry
		want int
	}{
		{"the log has all", []Entry{got(1, 1), got(2, 2), got(3, 3)}, 1},
		{"the log begins later", []Entry{got(2, 2), got(3, 3)}, 0},
		{"the client's last event is elsewhere in the log", []Entry{got(1, 4), got(2, 5), got(3, 6)}, 0},
	} {
		h.Streams = []Stream{{Topic: "stock.1", Events: c.log}}
		if n := Count(Run(h))[NeedlessGap]; n != c.want {
			t.Errorf("%s: %d needless gaps, want %d", c.name, n, c.want)
		}
	}
}

func TestAFindingIsOneLine(t *testing.T) {
	f := Finding{Kind: Lost, Client: "a", Topic: "stock.1", ID: ID{1, 2}, Detail: "is missing"}
	if got := f.String(); got != "lost a stock.1 1/2: is missing" {
		t.Error(got)
	}
}
