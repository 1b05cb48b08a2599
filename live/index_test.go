package live

import (
	"maps"
	"slices"
	"testing"
)

func TestTheIndexFindsGroupsByWhatTheirLastRunTold(t *testing.T) {
	var x index
	a, b := new(Group), new(Group)
	run := func(g *Group, before []string, add bool, keys ...string) []string {
		x.begin(g)
		now, _ := x.end(g, before, keys, add)
		return now
	}
	ofA := run(a, nil, false, "1", "2", "2")
	ofB := run(b, nil, false, "2", "3")
	for _, tt := range []struct {
		keys []string
		want []*Group
	}{
		{nil, nil},
		{[]string{"4"}, nil},
		{[]string{"1"}, []*Group{a}},
		{[]string{"1", "2"}, []*Group{a, b}},
		{[]string{"3", "4", "3"}, []*Group{b}},
	} {
		found := x.find(tt.keys)
		if len(found) != len(tt.want) {
			t.Errorf("%q: %d groups, want %d", tt.keys, len(found), len(tt.want))
		}
		for _, g := range tt.want {
			if _, ok := found[g]; !ok {
				t.Errorf("%q: one is not found", tt.keys)
			}
		}
	}
	ofA = run(a, ofA, false, "3")
	ofB = run(b, ofB, true, "4", "3")
	if len(x.find([]string{"1"})) != 0 || len(x.find([]string{"2", "3"})) != 2 {
		t.Error("the keys of a run are not in the place of those before")
	}
	if !slices.Equal(ofA, []string{"3"}) || !slices.Equal(ofB, []string{"2", "3", "4"}) {
		t.Errorf("known by %q and %q", ofA, ofB)
	}
	x.forget(a, ofA)
	if got := slices.Sorted(maps.Keys(x.byKey)); !slices.Equal(got, ofB) {
		t.Errorf("left: %q, want %q", got, ofB)
	}
	x.forget(b, ofB)
	if x.len() != 0 || len(x.running) != 0 {
		t.Errorf("left: %d keys, %d runs", x.len(), len(x.running))
	}
}

func TestWhatIsInvalidatedDuringARunIsHeldAgainstNoOtherRun(t *testing.T) {
	var x index
	g := new(Group)
	x.find([]string{"a"}) // before
	x.begin(g)
	x.find([]string{"b"})
	keys, overtaken := x.end(g, nil, []string{"a"}, false)
	if overtaken {
		t.Error("overtaken by what was invalidated before")
	}
	if len(x.running) != 0 {
		t.Error("a run that has ended goes on being told")
	}
	x.begin(g)
	if _, overtaken = x.end(g, keys, []string{"b"}, false); overtaken {
		t.Error("overtaken by what was invalidated during the run before")
	}
}
