package cursor

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pubsub"
)

var everybody = ScopeOf("")

// some are topics and a position in each.
func some(n int) (topics []Topic, at []pubsub.Position) {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range n {
		topics = append(topics, TopicOf(fmt.Sprint("topic ", i)))
		p := pubsub.Position{Epoch: random.Uint64(), Offset: random.Uint64()}
		for j := range p.ID {
			p.ID[j] = byte(random.Uint32())
		}
		at = append(at, p)
	}
	return topics, at
}

func keysOf(t testing.TB, secrets ...string) *Keys {
	t.Helper()
	var all [][]byte
	for _, secret := range secrets {
		all = append(all, []byte(secret))
	}
	k, err := NewKeysOf(all...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestACursorIsReadAsItWasWritten(t *testing.T) {
	keys := NewKeys()
	for n := 1; n <= MaxTopics; n++ {
		topics, at := some(n)
		text := string(keys.Append([]byte("before "), everybody, topics, at))
		text, ok := strings.CutPrefix(text, "before ")
		if want := 84 + (n-1)*48; !ok || len(text) != want {
			t.Errorf("%d topics: %d characters, want %d", n, len(text), want)
		}
		if strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Errorf("%d topics: %s has characters that need escapes", n, text)
		}
		got, err := keys.Read(text, everybody, topics)
		if err != nil || !slices.Equal(got, at) {
			t.Errorf("%d topics: %v %v, want %v", n, got, err, at)
		}
		slices.Reverse(topics)
		slices.Reverse(at)
		got, err = keys.Read(text, everybody, topics)
		if err != nil || !slices.Equal(got, at) {
			t.Errorf("%d topics in another order: %v %v, want %v", n, got, err, at)
		}
	}
}

func TestNoCursorOfNoTopicsOrTooMany(t *testing.T) {
	for _, n := range []int{0, MaxTopics + 1} {
		topics, at := some(n)
		if got := NewKeys().Append(nil, everybody, topics, at); got != nil {
			t.Errorf("%d topics: %s", n, got)
		}
	}
}

func TestWhatIsWrongWithACursor(t *testing.T) {
	topics, at := some(3)
	keys := keysOf(t, "a secret of this node")
	text := string(keys.Append(nil, everybody, topics, at))
	twice, _ := some(1)
	twice = append(twice, topics[:2]...)
	for _, tt := range []struct {
		name   string
		text   string
		scope  Scope
		topics []Topic
		want   error
	}{
		{"nothing", text, everybody, topics, nil},
		{"it is empty", "", everybody, topics, ErrMalformed},
		{"it is some text", "latest", everybody, topics, ErrMalformed},
		{"it is cut", text[:len(text)-1], everybody, topics, ErrMalformed},
		{"it is cut at a character that ends a byte", text[:len(text)-4], everybody, topics, ErrMalformed},
		{"it is too long", text + "AAAA", everybody, topics, ErrMalformed},
		{"it is far too long", strings.Repeat("A", 1<<20), everybody, topics, ErrMalformed},
		{"it has a line break", text[:40] + "\n" + text[40:], everybody, topics, ErrMalformed},
		{"it has a line break in the place of a character", text[:40] + "\n" + text[41:], everybody, topics, ErrMalformed},
		{"it is padded", text + "=", everybody, topics, ErrMalformed},
		{"it is of another version", "B" + text[1:], everybody, topics, ErrMalformed},
		{"one character is another", text[:40] + other(text[40]) + text[41:], everybody, topics, ErrKey},
		{"another server has signed it", string(NewKeys().Append(nil, everybody, topics, at)), everybody, topics, ErrKey},
		{"one topic is another", text, everybody, []Topic{topics[0], topics[1], TopicOf("another")}, ErrTopics},
		{"there are more topics", text, everybody, append(topics[:3:3], TopicOf("another")), ErrTopics},
		{"there are fewer topics", text, everybody, topics[:2], ErrTopics},
		{"there are none", text, everybody, nil, ErrTopics},
		{"a topic stands for two", text, everybody, twice, ErrTopics},
		{"it is somebody else's", text, ScopeOf("of alice"), topics, ErrScope},
	} {
		at, err := keys.Read(tt.text, tt.scope, tt.topics)
		if !errors.Is(err, tt.want) || (err == nil) != (len(at) == 3) {
			t.Errorf("%s: %v %v, want %v", tt.name, at, err, tt.want)
		}
	}
}

// other is another character of the alphabet.
func other(c byte) string {
	if c == 'A' {
		return "B"
	}
	return "A"
}

func TestNoBitOfACursorCanBeChanged(t *testing.T) {
	topics, at := some(1)
	keys := NewKeys()
	raw, err := encoding.DecodeString(string(keys.Append(nil, everybody, topics, at)))
	if err != nil {
		t.Fatal(err)
	}
	for bit := range len(raw) * 8 {
		changed := bytes.Clone(raw)
		changed[bit/8] ^= 1 << (bit % 8)
		if _, err := keys.Read(encoding.EncodeToString(changed), everybody, topics); err == nil {
			t.Errorf("bit %d was changed", bit)
		}
	}
}

func TestATopicThatIsListedTwiceHasTwoPositions(t *testing.T) {
	topics, at := some(2)
	topics[1] = topics[0]
	keys := NewKeys()
	got, err := keys.Read(string(keys.Append(nil, everybody, topics, at)), everybody, topics)
	if err != nil || !slices.Equal(got, at) {
		t.Errorf("%v %v, want %v", got, err, at)
	}
}

// FuzzRead reads anything. What is taken for a cursor is written the same again.
func FuzzRead(f *testing.F) {
	keys := keysOf(f, "a secret of this node", "another, older secret")
	one, at := some(1)
	f.Add(string(keys.Append(nil, everybody, one, at)), 1)
	all, at := some(MaxTopics)
	f.Add(string(keys.Append(nil, everybody, all, at)), MaxTopics)
	f.Add(strings.Repeat("A", 84), 1)
	f.Add("AQA", 0)
	f.Fuzz(func(t *testing.T, text string, n int) {
		topics := all[:min(max(n, 0), MaxTopics)]
		at, err := keys.Read(text, everybody, topics)
		if err != nil {
			return
		}
		if got := string(keys.Append(nil, everybody, topics, at)); got != text {
			t.Errorf("%q is read as %v, and that written as %q", text, at, got)
		}
	})
}

func BenchmarkCursor(b *testing.B) {
	for _, n := range []int{1, MaxTopics} {
		topics, at := some(n)
		keys := NewKeys()
		text := string(keys.Append(nil, everybody, topics, at))
		b.Run(fmt.Sprintf("append/topics=%d", n), func(b *testing.B) {
			buf := make([]byte, 0, 1<<10)
			b.ReportAllocs()
			for b.Loop() {
				buf = keys.Append(buf[:0], everybody, topics, at)
			}
		})
		b.Run(fmt.Sprintf("read/topics=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := keys.Read(text, everybody, topics); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
