package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"

	"github.com/sluice-gateway/sluice/analytics/audit"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/store"
)

// The ways that administration takes, see audit.Actor.
const (
	viaAPI    = "api"
	viaCLI    = "cli"
	viaConfig = "config"
)

func newAudit(c *Config, log *slog.Logger) (*audit.Log, error) {
	a, err := audit.Open(audit.Options{File: c.AuditLog, Log: log})
	if err != nil {
		return nil, fmt.Errorf("audit-log: %w", err)
	}
	return a, nil
}

// noteKeys notes what a manager of keys has done, for whoever a context belongs to.
func noteKeys(to *audit.Log, who func(context.Context) audit.Actor) func(context.Context, keys.Action) {
	return func(ctx context.Context, a keys.Action) {
		e := audit.Entry{Action: "key." + a.Kind, Object: a.ID, Actor: who(ctx), Result: auditResult(a.Err)}
		for _, d := range a.Differences() {
			e.Changes = append(e.Changes, audit.Change{Field: d.Name, Old: d.Old, New: d.New})
		}
		to.Note(ctx, e)
	}
}

// noteEnds notes which operations were ended, by whoever a context belongs to.
func noteEnds(to *audit.Log) func(ctx context.Context, id, reason string, err error) {
	return func(ctx context.Context, id, reason string, err error) {
		e := audit.Entry{Action: "operation.end", Object: id, Actor: apiActor(ctx)}
		if reason != "" {
			e.Changes = []audit.Change{{Field: "reason", New: reason}}
		}
		if err != nil {
			e.Result = operation.CodeOf(err)
		}
		to.Note(ctx, e)
	}
}

// auditResult is the code of an error, as clients get it; empty for none.
func auditResult(err error) string {
	var mistake *keys.InputError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &mistake):
		return operation.CodeBadUserInput
	case errors.Is(err, keys.ErrNotAnnounced): // the change stands
		return operation.CodeBroker
	case errors.Is(err, store.ErrUnavailable):
		return operation.TryAgain.Code
	}
	return operation.CodeInternal
}

// apiActor is who asks for what a resolver does.
func apiActor(ctx context.Context) audit.Actor {
	a := audit.Actor{Via: viaAPI, Address: operation.AddressFrom(ctx)}
	if v, err := auth.ViewerFrom(ctx); err == nil {
		a.Issuer, a.Consumer, a.Subject, a.Key = v.Issuer, v.Consumer, v.Subject, v.Key
	}
	return a
}

// cliActor is who runs a command: the name of the user, or its number where it has no name.
func cliActor(context.Context) audit.Actor {
	a := audit.Actor{Via: viaCLI, User: strconv.Itoa(os.Getuid())}
	if u, err := user.Current(); err == nil && u.Username != "" {
		a.User = u.Username
	}
	return a
}
