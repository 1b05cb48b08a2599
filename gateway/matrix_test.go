package gateway_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/vault"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport/graphqlws"
)

// enough is how long a matrix goes on that has failed.
const enough = 30 * time.Second

// The matrix: no directive can be got round, by whatever way through the type graph, means of a
// document, kind of operation or transport. Its cells are generated from the lists of locks, shapes
// and kinds.
func TestMatrixOfAuthorization(t *testing.T) {
	m := newMatrix(t, vault.New())
	cells, start := 0, time.Now()
	for _, l := range locks {
		for _, s := range shapes {
			t.Run(l.name+"/"+s.name, func(t *testing.T) {
				m.on(t)
				for _, k := range []kind{query, mutation} {
					cells += len(m.single(l, s, k))
				}
				m.mutationByGet(l, s)
				if t.Failed() {
					t.Fatal("its subscriptions are not tried")
				}
				cells += len(m.streams(l, s))
			})
			if t.Failed() && time.Since(start) > enough { // what does not come is waited for
				t.Fatalf("the rest is not tried, after %d cells", cells)
			}
		}
	}
	t.Logf("%d cells", cells)
	if cells < 400 {
		t.Errorf("only %d cells", cells)
	}
}

// A matrix is a gateway and its viewers.
type matrix struct {
	t       *testing.T
	gateway *gateway.Gateway
	broker  *memory.Broker
	url     string
	viewers *viewers
	last    int           // number of the last id
	grace   time.Duration // until those who should be refused are given an event
	report  func(c cell, who *client, complaint string)

	nobody, stranger, holder *client
}

// callers are who lasts as long as the matrix.
func (m *matrix) callers() []*client { return []*client{m.nobody, m.stranger, m.holder} }

func newMatrix(t *testing.T, schema graphql.ExecutableSchema) *matrix {
	t.Helper()
	m := &matrix{t: t, broker: memory.New(), viewers: newViewers(), grace: time.Second}
	g, err := gateway.New(schema, gateway.Options{
		Broker: m.broker, Authenticator: m.viewers, Log: slog.New(slog.DiscardHandler),
		// The cells are many, and in a hurry.
		WebSocket: graphqlws.Options{Messages: limits.UnlimitedRate, Pings: limits.UnlimitedRate},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	m.gateway, m.url = g, server.URL
	m.viewers.set("stranger", "bob", false)
	m.viewers.set("holder", "ann", true)
	m.nobody, m.stranger, m.holder = m.client("", ""), m.client("stranger", "bob"), m.client("holder", "ann")
	m.report = func(c cell, who *client, complaint string) {
		m.t.Errorf("%s, for %q: %s\n%s", c, who.token, complaint, c.document())
	}
	t.Cleanup(func() {
		for _, c := range m.callers() {
			c.close()
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := g.Close(ctx, 0); err != nil {
			t.Errorf("close: %v", err)
		}
		server.Close()
	})
	return m
}

// on begins a test of its own. It stands on no connection that broke in the one before.
func (m *matrix) on(t *testing.T) {
	m.t = t
	for _, c := range m.callers() {
		c.t = t
		c.renew()
	}
}

func (m *matrix) client(token, subject string) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &client{t: m.t, url: m.url, token: token, subject: subject, http: &http.Client{Transport: transport}}
}

func (m *matrix) id(what string) string {
	m.last++
	return fmt.Sprintf("%s-%d", what, m.last)
}

func (m *matrix) complain(c cell, who *client, complaints []string) {
	for _, complaint := range complaints {
		m.report(c, who, complaint)
	}
}

// told is what a viewer is told where a lock guards: nothing where it may pass.
func (m *matrix) told(l lock, who *client) string {
	switch who {
	case m.nobody:
		return l.nobody
	case m.stranger:
		return l.stranger
	}
	return ""
}

// single tries the cells of a query or mutation.
func (m *matrix) single(l lock, s shape, k kind) []cell {
	m.t.Helper()
	cells := cellsOf(l, s, k)
	for _, c := range cells {
		for _, who := range m.callers() {
			if m.told(l, who) != "" {
				m.complain(c, who, m.try(watcher{cell: c, who: who}, ""))
				continue
			}
			a := m.ask(c, who, "")
			m.complain(c, who, a.shows(l.canary(who.subject, string(k))))
			m.complain(c, who, a.mayShow(who.subject))
			a.stop()
		}
	}
	return cells
}

func (m *matrix) ask(c cell, who *client, topic string) *answer {
	m.t.Helper()
	variables := map[string]any{}
	if strings.Contains(c.variables(), "$cell") {
		variables["cell"] = topic
	}
	if strings.Contains(c.variables(), "$owner") {
		variables["owner"] = "vault"
	}
	return who.ask(c.over, c.document(), variables)
}

// refusal tries a cell for a viewer who should be refused, and returns what is wrong with that.
// counted is whose executions there should be none of.
func (m *matrix) refusal(c cell, who *client, code, counted string) []string {
	m.t.Helper()
	before := vault.Executions(counted)
	a := m.ask(c, who, counted)
	defer a.stop()
	return a.refused(code, c.key(), func() int64 { return vault.Executions(counted) - before })
}

// mutationByGet checks that a GET changes nothing, whoever sends it, and is refused.
func (m *matrix) mutationByGet(l lock, s shape) {
	m.t.Helper()
	before := vault.Executions(string(mutation))
	for _, over := range []wire{byGet, byStreamGet} {
		for _, who := range m.callers() {
			c := cell{l, s, mutation, over}
			a := m.ask(c, who, "")
			m.complain(c, who, a.ends(cmp.Or(m.told(l, who), operation.CodeBadRequest)))
			a.stop()
			if a.has(vault.Canary) || vault.Executions(string(mutation)) != before {
				m.report(c, who, "it was executed")
			}
		}
	}
}
