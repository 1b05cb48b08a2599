package rollupdb

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/analytics/rollup/rolluptest"
)

const childVariable = "ROLLUP_CHILD" // a sequence and a dsn

// killedBatch has one event in every step.
func killedBatch(sequence int64) *rollup.Batch {
	b := rolluptest.Batch("the same", sequence)
	for _, step := range rollup.Steps {
		b.Entries = append(b.Entries, rolluptest.Entry(step, 0, labelled, 1))
	}
	return b
}

// childMain is the process that is killed: it adds one batch after the other, says before each which one it
// is, and never ends.
func childMain() bool {
	first, dsn, ok := strings.Cut(os.Getenv(childVariable), " ")
	if !ok {
		return false
	}
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		panic(err)
	}
	s, err := Open(context.Background(), dsn)
	if err != nil {
		panic(err)
	}
	for ; ; n++ {
		fmt.Println(n)
		if err := s.Add(context.Background(), killedBatch(n)); err != nil {
			panic(err)
		}
	}
}

// killChild starts the child with a sequence, kills it at some moment, and returns the last batch that it
// has tried.
func killChild(t *testing.T, dsn string, first int64) (last int64) {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", childVariable, first, dsn))
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	until := 1 + rand.IntN(40)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil { // else it is the log
			last = n
		}
		if until--; until == 0 {
			_ = child.Process.Kill() // and what it has said until then is read
		}
	}
	_ = child.Wait() // says that it was killed
	if last == 0 {
		t.Fatal("the child has tried nothing")
	}
	return last
}

func TestABatchThatAKilledProcessHasTriedCountsOnceWhenItIsTriedAgain(t *testing.T) {
	everyDatabase(t, func(t *testing.T, dsn string) {
		last := int64(1)
		for range 6 {
			last = killChild(t, dsn, last) // what the one before was at is tried again
		}
		s := open(t, dsn)
		if err := s.Add(t.Context(), killedBatch(last)); err != nil {
			t.Fatal(err)
		}
		for _, step := range rollup.Steps {
			at := step.Start(rolluptest.Noon)
			q := rollup.Query{Step: step, From: at, To: at.Add(step.Length())}
			if sum := rolluptest.Sum(t, s, q); sum.Events != last || sum.Bytes != 10*last {
				t.Errorf("by %s: %d events of %d batches", step, sum.Events, last)
			}
		}
	})
}
