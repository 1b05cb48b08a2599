package transporttest

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// padded is note with so much besides that patches are smaller, as often as may be.
var padded = `query @live(throttle: 100) { note(id: 1) { text } padding: hello(name: "` + strings.Repeat("x", 2000) + `") }`

// wantsPatches is the extension of a request that asks for them.
func wantsPatches() map[string]any { return map[string]any{"livePatch": "json-patch"} }

// A page is what a client makes of the results of padded: whole ones and patches.
type page struct {
	text     string
	revision int
	wholes   int
	patches  int
}

// read takes the next result in.
func (p *page) read(b *bench, op Operation) {
	b.Helper()
	event := op.Next()
	if event.Result == nil {
		b.Fatalf("the operation ended: %+v", event)
	}
	var result struct {
		Data     *struct{ Note struct{ Text string } }
		Patch    []struct{ Op, Path, Value string }
		Revision int
		IsLive   *bool
	}
	mustParse(b.T, event.Result, &result)
	patch := result.Patch
	switch {
	case result.IsLive != nil:
		b.Fatalf("a client of patches was sent %s", event.Result)
	case result.Data != nil && result.Revision == 1 && patch == nil:
		p.text, p.revision = result.Data.Note.Text, 1
		p.wholes++
	case result.Data == nil && result.Revision == p.revision+1 && len(patch) == 1 && patch[0].Op == "replace" && patch[0].Path == "/note/text":
		p.text, p.revision = patch[0].Value, result.Revision
		p.patches++
	default:
		b.Fatalf("after revision %d came %s", p.revision, event.Result)
	}
}

func livePatches(t *testing.T, b *bench) {
	b.write("one")
	patched := b.client().StartWith(padded, nil, wantsPatches())
	var p page
	p.read(b, patched)
	b.settle()
	whole := b.client().Start(padded, nil)
	for _, text := range []string{"two", "three", `"\four`} {
		b.write(text)
		b.settle()
		if p.read(b, patched); p.text != text {
			t.Errorf("the page shows %q, want %q", p.text, text)
		}
	}
	if p.wholes != 1 || p.patches != 3 {
		t.Errorf("it was sent whole %d times and patched %d times", p.wholes, p.patches)
	}
	if text := string(whole.Next().Result); !strings.Contains(text, `"isLive":true`) || strings.Contains(text, "revision") {
		t.Errorf("who asks for no patches was sent %s", text)
	}
	var late page
	if late.read(b, b.client().StartWith(padded, nil, wantsPatches())); late.text != `"\four` {
		t.Errorf("who comes later begins with %+v", late)
	}
}

// changes is how often the note is written while somebody does not read.
const changes = 200

// stand has a client read nothing but the first result of padded, while another one reads all.
func (b *bench) stand(extensions map[string]any) (slow Operation) {
	b.Helper()
	b.write("0")
	slow = b.client().StartWith(padded, nil, extensions)
	fast := b.client().Start(padded, nil)
	b.watched(2)
	events := follow(fast)
	for n := range changes {
		b.write(strconv.Itoa(n+1) + " " + strings.Repeat("y", 2000))
		time.Sleep(150 * time.Millisecond) // more than the throttle
	}
	synctest.Wait()
	if read := len(events); read < changes {
		b.Fatalf("who reads was sent %d results of %d changes", read, changes)
	}
	b.watched(2)
	return slow
}

// number is that of the change that a note shows.
func (b *bench) number(text string) int {
	b.Helper()
	n, err := strconv.Atoi(strings.Fields(text)[0])
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func liveSlow(t *testing.T, b *bench) {
	slow := b.stand(nil)
	last, read := -1, 0
	for last < changes {
		var result struct {
			Data struct{ Note struct{ Text string } }
		}
		mustParse(t, slow.Next().Result, &result)
		n := b.number(result.Data.Note.Text)
		if n <= last {
			t.Fatalf("change %d came after %d", n, last)
		}
		last, read = n, read+1
	}
	if read > changes/2 {
		t.Errorf("%d results of %d changes were kept for a client that reads none", read, changes)
	}
}

func liveSlowPatches(t *testing.T, b *bench) {
	slow := b.stand(wantsPatches())
	var p page
	last := -1
	for last < changes {
		p.read(b, slow)
		n := b.number(p.text)
		if n <= last {
			t.Fatalf("change %d came after %d", n, last)
		}
		last = n
	}
	if p.wholes < 2 || p.wholes+p.patches > changes/2 {
		t.Errorf("it was sent whole %d times and patched %d times", p.wholes, p.patches)
	}
}
