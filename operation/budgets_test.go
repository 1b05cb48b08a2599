package operation_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
)

func TestACallerSeesWhatIsLeftOfItsBudgets(t *testing.T) {
	hour := time.Hour
	fields := map[string]limits.Terms{
		"message": {Quotas: &[]limits.Quota{{Events: 1000, Window: limits.Day}, {Events: 500, Window: limits.Hour}}, Duration: &hour},
		"hello":   terms(3, limits.Minute),
	}
	metered(t, fields, func(t *testing.T, b *bench) {
		b.watch(operation.Request{Viewer: alice, Query: room1})
		b.publishMany(40)
		mine, err := b.engine.Budgets(auth.WithViewer(t.Context(), alice))
		if err != nil {
			t.Fatal(err)
		}
		if len(mine) != 3 || mine[0].Field != "Query.hello" || mine[1].Field != "Query.metered" || mine[2].Field != "Subscription.message" || mine[2].Limits.Duration != hour {
			t.Fatalf("Budgets() = %+v", mine)
		}
		for i, want := range []int64{960, 460} {
			if q := mine[2].Quotas[i]; q.Left != want || q.ResetAt.IsZero() {
				t.Errorf("%s: %d are left until %v, want %d", q.Window, q.Left, q.ResetAt, want)
			}
		}
		if left := mine[0].Quotas[0].Left; left != 3 {
			t.Errorf("%d requests are left of 3", left)
		}
		other, err := b.engine.Budgets(auth.WithViewer(t.Context(), &auth.Viewer{Consumer: "other"}))
		if err != nil || other[2].Quotas[0].Left != 1000 {
			t.Errorf("another consumer has %+v, %v", other, err)
		}
	})
}

func TestBudgetsWithoutAViewerAreNobodys(t *testing.T) {
	b := newBench(t, operation.Options{})
	if _, err := b.engine.Budgets(t.Context()); !errors.Is(err, auth.ErrNoViewer) {
		t.Errorf("the error is %v", err)
	}
}

// mute is a counter that does not answer.
type mute struct{ limits.Counter }

func (mute) Usage(context.Context, string, limits.Quota) (limits.Usage, error) {
	return limits.Usage{}, errors.New("no route to host")
}

func TestBudgetsThatCannotBeLookedUpAreAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		book := limits.NewBook(mute{}, limits.Options{})
		defer func() { _ = book.Close(t.Context()) }()
		b := newBench(t, operation.Options{Budgets: operation.BudgetOptions{
			Book: book, Plans: plan(t, map[string]limits.Terms{"hello": terms(3, limits.Minute)}),
		}})
		_, err := b.engine.Budgets(auth.WithViewer(t.Context(), alice))
		if err == nil || err.Error() != "input: the budgets cannot be looked up at the moment; try again" {
			t.Errorf("the error is %v", err)
		}
	})
}

func TestAnonymousCallersOfALiveQueryAreKnownByTheirAddress(t *testing.T) {
	metered(t, map[string]limits.Terms{"hello": terms(3, limits.Minute)}, func(t *testing.T, b *bench) {
		b.notes.Tell = func(ctx context.Context) string {
			all, err := b.engine.Budgets(ctx)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprint(all[0].Quotas[0].Left)
		}
		if _, err := b.engine.Do(t.Context(), operation.Request{Address: far, Query: `{ hello }`}); err != nil {
			t.Fatal(err)
		}
		for address, want := range map[string]string{far.String(): `"2"`, "203.0.113.8": `"3"`} {
			s := b.watch(operation.Request{Address: netip.MustParseAddr(address), Query: `query @live { told }`})
			if bodies := s.bodies(); len(bodies) != 1 || !strings.Contains(bodies[0], want) {
				t.Errorf("%s is told %s, want %s", address, bodies, want)
			}
		}
	})
}
