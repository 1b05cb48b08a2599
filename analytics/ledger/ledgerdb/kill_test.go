package ledgerdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/ledgertest"
)

const childVariable = "LEDGER_CHILD" // a folder, and the word "away" when the store does nothing

var killed = ledger.Key{Consumer: "shop", Plan: "metered", Field: "Subscription.tick"}

// childMain is the process that is killed: it adds one event after the other, has each written, says how
// many there are, and never ends.
func childMain() bool {
	folder, mode, ok := strings.Cut(os.Getenv(childVariable), " ")
	if !ok {
		return false
	}
	var store ledger.Store = away{}
	if mode != "away" {
		s, err := Open(context.Background(), filepath.Join(folder, "usage.db"))
		if err != nil {
			panic(err)
		}
		store = s
	}
	l, err := ledger.Open(store, filepath.Join(folder, "spool"), ledger.Options{})
	if err != nil {
		panic(err)
	}
	for n := 1; ; n++ {
		l.Add(killed, ledger.Usage{Events: 1, Bytes: 7})
		fmt.Println("added", n)
		_ = l.Flush(context.Background()) // with the store away it is in the spool
		if l.Health().Full {
			panic("the spool fails")
		}
		fmt.Println("written", n)
	}
}

var errAway = errors.New("away")

// away is a store that is.
type away struct{}

func (away) Import(context.Context, *ledger.Batch) (bool, error) { return false, errAway }

func (away) Prune(context.Context, time.Time) error { return errAway }

// killChild starts the child, kills it at some moment, and returns what it had added and written.
func killChild(t *testing.T, folder, mode string) (added, written int64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childVariable+"="+folder+" "+mode)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	until := 1 + rand.IntN(60)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		what, number, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil:
			continue // the log
		case what == "added":
			added = n
		default:
			written = n
		}
		if until--; until == 0 {
			_ = child.Process.Kill() // and what it has said until then is read
		}
		if until < -1000 {
			t.Fatal("the child was not killed")
		}
	}
	_ = child.Process.Kill()
	_ = child.Wait() // says that it was killed
	if added == 0 {
		t.Fatal("the child has added nothing")
	}
	return added, written
}

func TestAKilledProcessLosesOnlyWhatWasNotWrittenAndNothingCountsTwice(t *testing.T) {
	folder := t.TempDir()
	var least, most int64 // events that the ledger must have, and may have
	for _, mode := range []string{"here", "away", "away", "here", "away", "here"} {
		added, written := killChild(t, folder, mode)
		least, most = least+written, most+added
	}
	s := open(t, filepath.Join(folder, "usage.db"))
	l, err := ledger.Open(s, filepath.Join(folder, "spool"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var events, bytes int64
	for _, e := range ledgertest.All(t, s, ledger.Query{From: time.Unix(0, 0), To: time.Now().Add(time.Hour)}) {
		events, bytes = events+e.Events, bytes+e.Bytes
	}
	if events < least || events > most || bytes != 7*events {
		t.Errorf("the ledger has %d events and %d bytes, want %d to %d events of 7 bytes", events, bytes, least, most)
	}
	if left, _ := os.ReadDir(filepath.Join(folder, "spool")); len(left) != 0 {
		t.Errorf("%d spools are left", len(left))
	}
}
