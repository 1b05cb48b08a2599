package operation

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/limits/memory"
	"github.com/sluice-gateway/sluice/policy"
)

// BudgetOptions say what consumers may have besides what the schema says. The zero value counts in
// this process alone, without plans.
type BudgetOptions struct {
	// Book spends the quotas. Default: one on a counter in this process, which the engine closes.
	Book *limits.Book
	// Plans are what consumers have bought; default none. SetPlans changes them.
	Plans *limits.Plans
	// Pepper keys the hashes that stand for the addresses of anonymous callers: every node must have
	// the same. Empty: a constant, from which somebody with the counter's data can find addresses.
	Pepper []byte
}

// addressPepper hashes addresses where there is no pepper: whoever has the counter's data can then find
// out by trying which addresses are meant.
const addressPepper = "github.com/sluice-gateway/sluice/operation"

// openBudgets checks the options, before the engine is used.
func (e *Engine) openBudgets(o BudgetOptions) error {
	if o.Plans == nil {
		o.Plans, _ = limits.NewPlans(nil, "", "") // nothing in it can be wrong
	}
	if err := e.checkPlans(o.Plans); err != nil {
		return err
	}
	e.plans.Store(o.Plans)
	if e.pepper = o.Pepper; len(e.pepper) == 0 {
		e.pepper = []byte(addressPepper)
	}
	if e.book = o.Book; e.book == nil {
		e.book, e.ours = limits.NewBook(memory.New(memory.Options{}), limits.Options{Log: e.options.Log}), true
	}
	return nil
}

// A Budget is what an operation of one consumer may have of one field.
type Budget struct {
	Field  string // "Subscription.priceChanged"
	Limits limits.Budget
	plan   *limits.Plan
	whose  string // the consumer, as part of a key
}

// budgetsOf are the budgets of an operation's root fields for whoever asks.
func (e *Engine) budgetsOf(roots []policy.RootField, v *auth.Viewer, address netip.Addr) []Budget {
	plan, whose := e.planOf(v), e.consumer(v, address)
	all := make([]Budget, len(roots))
	for i, root := range roots {
		all[i] = newBudget(root.Selection.ObjectDefinition.Name, root.Selection.Name, root.Policy.Budget, plan, whose)
	}
	return all
}

func newBudget(of, field string, schema limits.Budget, plan *limits.Plan, whose string) Budget {
	return Budget{
		Field:  of + "." + field,
		Limits: plan.Budget(of, field, schema),
		plan:   plan,
		whose:  whose,
	}
}

func (e *Engine) planOf(v *auth.Viewer) *limits.Plan {
	plans := e.plans.Load()
	if v.IsAnonymous() {
		return plans.Stranger()
	}
	plan, err := plans.Of(v.Plan)
	if err != nil {
		e.trouble.Warn(e.options.Log, "a consumer has a plan that is not configured, and gets the default one", "plan", cut(v.Plan))
	}
	return plan
}

// consumer names whose budget is spent: a consumer, of an issuer, or an address. That of an anonymous
// caller is hashed, for it is nobody's business; of IPv6, the network that one subscriber has.
func (e *Engine) consumer(v *auth.Viewer, address netip.Addr) string {
	if !v.IsAnonymous() {
		return strconv.Itoa(len(v.Issuer)) + ":" + v.Issuer + v.Consumer
	}
	mac := hmac.New(sha256.New, e.pepper)
	mac.Write(Network(address).AsSlice())
	return "~" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// Network is what an address is counted as: itself, or of IPv6 the /64 that one subscriber has.
func Network(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		network, _ := a.Prefix(64)
		a = network.Addr()
	}
	return a
}

func (b Budget) key(q limits.Quota) string { return b.Field + "/" + q.Window.String() + "/" + b.whose }

// fallback is what an account does when the counter cannot be reached.
func (b Budget) fallback() limits.Fallback {
	if b.plan.Postpaid {
		return limits.GoOn
	}
	return limits.Stop
}

// A purse is the accounts of some budgets, of one mostly, in one small piece of memory: every event looks
// into it.
type purse struct {
	accounts []account
	few      [limits.MaxQuotas]account // what accounts are, unless there are more
}

// An account is one quota of a purse.
type account struct {
	*limits.Account
	term   atomic.Uint32 // of the latest event taken
	window limits.Window
}

// open fills an empty purse with an account for every quota of the budgets.
func (p *purse) open(book *limits.Book, budgets ...Budget) {
	n := 0
	for _, b := range budgets {
		n += len(b.Limits.Quotas)
	}
	if p.accounts = p.few[:]; n > len(p.few) {
		p.accounts = make([]account, n)
	}
	p.accounts, n = p.accounts[:n], 0
	for _, b := range budgets {
		for _, q := range b.Limits.Quotas {
			a := &p.accounts[n]
			a.Account, a.window = book.Open(b.key(q), q, b.fallback()), q.Window
			n++
		}
	}
}

func (p *purse) close() {
	for i := range p.accounts {
		p.accounts[i].Close()
	}
}

// take takes one event of every account, or none of any. It says which one refused.
func (p *purse) take() (limits.Verdict, *account) {
	for i := range p.accounts {
		a := &p.accounts[i]
		term, verdict := a.Take()
		if verdict != limits.Taken {
			p.giveTo(i, 1)
			return verdict, a
		}
		if a.term.Load() != uint32(term) {
			a.term.Store(uint32(term))
		}
	}
	return limits.Taken, nil
}

// give gives events back that were taken and will not be delivered.
func (p *purse) give(n int) { p.giveTo(len(p.accounts), n) }

func (p *purse) giveTo(accounts, n int) {
	for i := range accounts {
		a := &p.accounts[i]
		a.Give(limits.Term(a.term.Load()), int64(n))
	}
}

// takeOne takes one event from a purse, and waits for leases if it must. It returns the errors that
// refuse it.
func (e *Engine) takeOne(ctx context.Context, p *purse) gqlerror.List {
	for {
		verdict, of := p.take()
		switch verdict {
		case limits.Taken:
			return nil
		case limits.Pending:
			resumed := make(wake, 1)
			of.Wait(resumed)
			select {
			case <-resumed:
			case <-ctx.Done():
				return over(of.limit("unavailable"), CodeBudgetUnavailable, "the budget could not be looked up in time; try again")
			}
		default:
			return e.overBudget(of, verdict)
		}
	}
}

// A wake is a limits.Waiter for somebody who waits for nothing else.
type wake chan struct{}

func (w wake) Resume() {
	select {
	case w <- struct{}{}:
	default:
	}
}

// overBudget says why an account gives nothing.
func (e *Engine) overBudget(a *account, verdict limits.Verdict) gqlerror.List {
	if verdict == limits.Unavailable {
		return over(a.limit("unavailable"), CodeBudgetUnavailable, "the budget cannot be looked up at the moment, so nothing is delivered; try again")
	}
	state := a.State()
	err := overLimit(a.limit(a.window.String()), CodeBudgetEvents, "the budget of %d events per %s is used up until %s",
		state.Limit, unit(a.window), state.ResetAt.UTC().Format(time.RFC3339))
	err.Extensions["limit"] = state.Limit
	err.Extensions["resetAt"] = state.ResetAt.UTC().Format(time.RFC3339Nano)
	err.Extensions["retryAfterMs"] = max(0, time.Until(state.ResetAt).Milliseconds())
	return gqlerror.List{err}
}

func unit(w limits.Window) string {
	return strings.ToLower(strings.TrimPrefix(w.String(), "SLIDING_"))
}

// limit names what an account's budget says of its field.
func (a *account) limit(what string) string {
	field, _, _ := strings.Cut(a.Key(), "/")
	return budgetLimit(field, what)
}

// budgetLimit names what a budget says of a field.
func budgetLimit(field, what string) string { return "@budget " + field + " " + what }

// overTime says that an operation has lasted as long as it may.
func overTime(field string, d time.Duration) gqlerror.List {
	err := overLimit(budgetLimit(field, "duration"), CodeBudgetTime, "the operation may last %v, and has", d)
	err.Extensions["limitMs"] = d.Milliseconds()
	return gqlerror.List{err}
}

// SetPlans changes what consumers have bought. Operations that run go by the new terms from their
// next event; one whose duration is over by now ends. The error says which plan names a field that there is not; then
// everything stays as it was.
func (e *Engine) SetPlans(plans *limits.Plans) error {
	if err := e.checkPlans(plans); err != nil {
		return err
	}
	e.plans.Store(plans)
	e.meters.each(func(m *meter) { m.reprice() })
	return nil
}

// checkPlans says which fields of plans are none of the schema's, or cannot have such terms.
func (e *Engine) checkPlans(plans *limits.Plans) error {
	var bad []error
	for _, plan := range plans.All() {
		for field, terms := range plan.Fields {
			found, last := e.policy.RootFields(field)
			switch {
			case !found:
				bad = append(bad, fmt.Errorf("plan %q: there is no field %q of Query, Mutation or Subscription", plan.Name, field))
			case !last && (terms.Duration != nil || terms.Rate != nil):
				bad = append(bad, fmt.Errorf("plan %q: %s is asked for and answered: give events and per, not duration or rate", plan.Name, field))
			}
		}
	}
	return errors.Join(bad...)
}
