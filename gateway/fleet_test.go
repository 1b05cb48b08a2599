package gateway_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/gateway/fleet"
	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

// eventually waits until a condition holds.
func eventually(t *testing.T, holds func() error) {
	t.Helper()
	if err := redistest.Poll(20*time.Second, holds); err != nil {
		t.Fatal(err)
	}
}

// listen subscribes to room 1 by SSE, and returns what the stream says until its end.
func listen(t *testing.T, public string, header ...string) (lines <-chan string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, public+"/graphql",
		strings.NewReader(`{"query":"subscription Chat { message(rooms: [\"1\"]) { text } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan string, 100)
	go func() {
		defer close(all)
		defer func() { _ = answer.Body.Close() }()
		for in := bufio.NewScanner(answer.Body); in.Scan(); {
			all <- in.Text()
		}
	}()
	return all
}

func TestANodeListsAndEndsOperationsOfAnother(t *testing.T) {
	broker := memory.New()
	t.Cleanup(func() { _ = broker.Close() })
	viewers := transporttest.NewViewers()
	viewers.Set("token", &auth.Viewer{Consumer: "shop", Subject: "ann"})
	a, _, _ := serve(t, gateway.Options{Broker: broker, Node: "a", Authenticator: viewers})
	_, public, _ := serve(t, gateway.Options{Broker: broker, Node: "b", Authenticator: viewers})
	stream := listen(t, public, "Authorization", "Bearer token", "apollographql-client-name", "web")

	var found fleet.Run
	eventually(t, func() error {
		runs, err := a.Fleet().Runs(t.Context(), analytics.RunQuery{Search: "chat", First: 10})
		if err != nil || runs.Total != 1 || len(runs.First) != 1 || runs.Missing != nil {
			return fmt.Errorf("%+v: %w", runs, err)
		}
		found = runs.First[0]
		return nil
	})
	l := found.Labels
	if found.Node != "b" || l.Consumer != "shop" || l.Client != "web" || l.Field != "Subscription.message" || l.Transport != "sse" || l.Subject != "" {
		t.Errorf("%+v", found)
	}
	for consumer, want := range map[string]int{"shop": 1, "warehouse": 0} {
		runs, err := a.Fleet().Runs(t.Context(), analytics.RunQuery{Whose: &analytics.Whose{Consumer: consumer}})
		if err != nil || runs.Total != want {
			t.Errorf("%s has %d operations, want %d (%v)", consumer, runs.Total, want, err)
		}
	}
	ended, err := a.Fleet().Dismiss(t.Context(), found.ID, "too loud")
	if err != nil || ended.Labels != l {
		t.Errorf("%+v, %v", ended, err)
	}
	told := ""
	for line := range stream {
		told += line
	}
	if !strings.Contains(told, "ENDED_BY_OPERATOR") || !strings.Contains(told, "an operator has ended this operation: too loud") {
		t.Errorf("its client was told %s", told)
	}
	eventually(t, func() error {
		if _, err := a.Fleet().Dismiss(t.Context(), found.ID, ""); !errors.Is(err, fleet.ErrNoOperation) {
			return fmt.Errorf("ending it again: %w", err)
		}
		return nil
	})
	for _, id := range []string{"", "b", "b.", "b.x", "nobody.1", "a.99", found.ID + "0", "._.1"} {
		if _, err := a.Fleet().Dismiss(t.Context(), id, ""); !errors.Is(err, fleet.ErrNoOperation) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func TestNodesTellOfThemselvesAndTheirBackEnds(t *testing.T) {
	broker := memory.New()
	t.Cleanup(func() { _ = broker.Close() })
	var away atomic.Bool
	away.Store(true)
	backends := analytics.NewBackends()
	backends.Observe("search", "find", time.Millisecond, errors.New("no route"))
	a, _, _ := serve(t, gateway.Options{Broker: broker, Node: "a"})
	b, public, _ := serve(t, gateway.Options{Broker: broker, Node: "b", Backends: backends, Checks: map[string]func(context.Context) error{
		"search": func(context.Context) error {
			if away.Load() {
				return errors.New("it is away")
			}
			return nil
		},
	}})
	listen(t, public)
	search := func() (found fleet.BackendState, err error) {
		nodes := a.Fleet().Nodes()
		if len(nodes) != 2 || nodes[0].Name != "a" || nodes[1].Name != "b" || nodes[1].State == nil {
			return found, fmt.Errorf("nodes %+v", nodes)
		}
		s := nodes[1].State
		if s.Sessions["sse"] != 1 || s.Operations["subscription"] != 1 || s.Groups != 1 || s.Members != 1 {
			return found, fmt.Errorf("state %+v", s)
		}
		if len(s.Backends) != 2 || s.Backends[0].Name != "broker" || !s.Backends[0].Up {
			return found, fmt.Errorf("backends %+v", s.Backends)
		}
		return s.Backends[1], nil
	}
	eventually(t, func() error {
		s, err := search()
		if err == nil && (s.Up || s.Reason != "it is away" || len(s.Calls) != 1 || s.Calls[0].LastError != "no route" || s.Calls[0].ErrorRatio != 1) {
			err = fmt.Errorf("%+v", s)
		}
		return err
	})
	away.Store(false)
	eventually(t, func() error {
		s, err := search()
		if err == nil && (!s.Up || s.Reason != "") {
			err = fmt.Errorf("%+v", s)
		}
		return err
	})
	if err := b.Close(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if nodes := a.Fleet().Nodes(); len(nodes) != 1 {
			return fmt.Errorf("%+v", nodes)
		}
		return nil
	})
}

func TestANodesNameIsChecked(t *testing.T) {
	if _, err := gateway.New(testschema.New(), gateway.Options{Node: "a node"}); err == nil || !strings.Contains(err.Error(), "letters, digits") {
		t.Errorf("%v", err)
	}
}
