package live

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// indexRun is a run whose result was made from some keys.
func indexRun(x *index, g *Group, before []*place, add bool, keys ...string) []*place {
	x.begin(g)
	now, _ := x.end(g, before, keys, add)
	return now
}

func keysOf(places []*place) (keys []string) {
	for _, p := range places {
		keys = append(keys, p.of.key)
	}
	return keys
}

func TestTheIndexFindsGroupsByWhatTheirLastRunTold(t *testing.T) {
	for _, tt := range []struct {
		name      string
		keys      []string
		ofA, ofB  bool
		thenFound bool // of both, by all keys, when they are invalidated as well
	}{
		{"none by none", nil, false, false, true},
		{"none by a key of nobody", []string{"4"}, false, false, true},
		{"one by its key", []string{"1"}, true, false, true},
		{"all that have one of the keys", []string{"1", "2"}, true, true, false},
		{"each once", []string{"3", "4", "3", "2", "1"}, true, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var x index
			a, b := new(Group), new(Group)
			indexRun(&x, a, nil, false, "1", "2", "2")
			indexRun(&x, b, nil, false, "3", "2")
			found := x.find(tt.keys)
			if n := len(found); slices.Contains(found, a) != tt.ofA || slices.Contains(found, b) != tt.ofB || n > 2 {
				t.Errorf("%d groups", n)
			}
			if again := x.find(tt.keys); len(again) > 0 {
				t.Errorf("%d groups are found that are old already", len(again))
			}
			if rest := x.find([]string{"1", "2", "3"}); len(rest)+len(found) != 2 || (len(rest) > 0) != tt.thenFound {
				t.Errorf("%d and then %d groups", len(found), len(rest))
			}
		})
	}
}

func TestTheKeysOfARunTakeThePlaceOfThoseBefore(t *testing.T) {
	var x index
	a, b := new(Group), new(Group)
	ofA := indexRun(&x, a, nil, false, "1", "2", "2")
	ofB := indexRun(&x, b, nil, false, "2", "3")
	ofA = indexRun(&x, a, ofA, false, "3")
	ofB = indexRun(&x, b, ofB, true, "4", "3")
	if !slices.Equal(keysOf(ofA), []string{"3"}) || !slices.Equal(keysOf(ofB), []string{"2", "3", "4"}) {
		t.Errorf("known by %q and %q", keysOf(ofA), keysOf(ofB))
	}
	if len(x.find([]string{"1"})) != 0 || len(x.find([]string{"2", "3"})) != 2 {
		t.Error("they do not")
	}
	ofA = indexRun(&x, a, ofA, false, "3", "5")
	if found := x.find([]string{"3"}); !slices.Equal(found, []*Group{a}) {
		t.Errorf("%d groups are found, want the one that has run since", len(found))
	}
	x.forget(a, ofA)
	if got := slices.Sorted(maps.Keys(x.byKey)); !slices.Equal(got, keysOf(ofB)) {
		t.Errorf("left: %q, want %q", got, keysOf(ofB))
	}
	x.forget(b, ofB)
	if x.len() != 0 || len(x.running) != 0 {
		t.Errorf("left: %d keys, %d runs", x.len(), len(x.running))
	}
}

// The places that the next invalidation of a key looks at are those of the groups that it has, each where
// it says it is.
func TestTheIndexKeepsItsPlaces(t *testing.T) {
	var x index
	r := rand.New(rand.NewPCG(1, 1))
	keys := strings.Split("abcdefgh", "")
	groups := make([]Group, 20)
	places := make([][]*place, len(groups))
	for range 20_000 {
		i := r.IntN(len(groups))
		switch g := &groups[i]; r.IntN(4) {
		case 0:
			for _, found := range x.find(keys[:r.IntN(3)]) {
				if !found.touched.Load() {
					t.Fatal("a group is found and not touched")
				}
			}
		case 1:
			x.forget(g, places[i])
			places[i] = nil
		default:
			r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			places[i] = indexRun(&x, g, places[i], r.IntN(4) == 0, keys[:r.IntN(6)]...)
		}
		checkPlaces(t, &x, groups, places)
	}
}

func checkPlaces(t *testing.T, x *index, groups []Group, places [][]*place) {
	t.Helper()
	count := make(map[string]int)
	for i := range groups {
		if !slices.IsSorted(keysOf(places[i])) {
			t.Fatalf("not in order: %q", keysOf(places[i]))
		}
		for _, p := range places[i] {
			count[p.of.key]++
			if x.byKey[p.of.key] != p.of {
				t.Fatal("a place of another key")
			}
			if p.isFresh() && p.of.fresh[p.at].group != &groups[i] || !p.isFresh() && !groups[i].touched.Load() {
				t.Fatal("an invalidation would not find a group")
			}
		}
	}
	for key, k := range x.byKey {
		if k.groups != count[key] || len(k.fresh) > k.groups {
			t.Fatalf("%d groups with key %s, %d of them fresh; want %d", k.groups, key, len(k.fresh), count[key])
		}
	}
	if len(x.byKey) != len(count) {
		t.Fatalf("%d keys, want %d", len(x.byKey), len(count))
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
	x.find([]string{"b"})
	if keys, overtaken = x.end(g, keys, []string{"a", "b"}, false); !overtaken || !g.touched.Load() {
		t.Error("not overtaken by what was invalidated during the run")
	}
	x.begin(g)
	if _, overtaken = x.end(g, keys, []string{"b"}, false); overtaken {
		t.Error("overtaken by what was invalidated during the run before")
	}
}
