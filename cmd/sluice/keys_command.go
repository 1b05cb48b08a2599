package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/sluice-gateway/sluice/analytics"
	"github.com/sluice-gateway/sluice/analytics/audit"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/store"
)

const keysUsage = `sluice keys manages the API keys in the gateway's database, also while the gateway runs.

  sluice keys create --name "Web shop" --consumer shop   makes a key and prints it, once
  sluice keys list                                       lists the keys, the newest first
  sluice keys update <id> --scopes orders:read           changes what a key may do
  sluice keys rotate <id> --grace 24h                    gives a key a new secret and prints it, once
  sluice keys revoke <id>                                ends a key for ever

sluice keys <command> --help lists the flags of a command. Database, broker and pepper are the gateway's
settings, read as the gateway reads them. Open sessions learn of a change at once through the broker that
--redis names; without one, at the gateway's next check.
`

// A usageError is a mistake on the command line or in the configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// A keysCommand is what one call of sluice keys works with.
type keysCommand struct {
	env      func(string) (string, bool)
	out      io.Writer // for keys and lists, and nothing else: it can be piped
	notes    io.Writer // for everybody who reads along
	settings []string  // flags of the gateway that were given
	mayMake  bool      // the database, if there is none
}

// runKeys is sluice keys. Its error is a usageError, flag.ErrHelp, or says what went wrong.
func runKeys(ctx context.Context, args []string, env func(string) (string, bool), out, notes io.Writer) error {
	k := &keysCommand{env: env, out: out, notes: notes}
	name := "help"
	if len(args) > 0 {
		name, args = args[0], args[1:]
	}
	commands := map[string]func(context.Context, []string) error{
		"create": k.create, "list": k.list, "update": k.update, "rotate": k.rotate, "revoke": k.revoke,
	}
	if run, ok := commands[name]; ok {
		return run(ctx, args)
	}
	switch name {
	case "help", "-h", "-help", "--help":
		fmt.Fprint(notes, keysUsage)
		return flag.ErrHelp
	}
	return usageError{fmt.Errorf("there is no command %q; sluice keys help lists them", "sluice keys "+name)}
}

func (k *keysCommand) create(ctx context.Context, args []string) error {
	f := k.flagSet("create")
	wanted := newKeyFlags(f)
	consumer := f.String("consumer", "", "the `application` that the key belongs to")
	subject := f.String("subject", "", "the end `user` that the key acts for")
	if err := k.parse(f, args); err != nil {
		return err
	}
	addresses, err := keys.ParseAddresses(wanted.addresses)
	if err != nil {
		return usageError{err}
	}
	k.mayMake = true
	return k.with(ctx, func(c *Config, m *keys.Manager) error {
		made, text, err := m.Create(ctx, keys.Key{
			Name: wanted.name, Consumer: *consumer, Subject: *subject, Scopes: wanted.scopes, Publish: wanted.publish,
			Plan: wanted.plan, Origins: wanted.origins, Addresses: addresses, Expires: wanted.expires.at,
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(k.notes, "Key %s of %q was made in %s. It is shown only now:\n", made.ID, made.Consumer, store.Redacted(c.Database))
		fmt.Fprintln(k.out, text)
		return nil
	})
}

func (k *keysCommand) update(ctx context.Context, args []string) error {
	f := k.flagSet("update <id>")
	wanted := newKeyFlags(f)
	id, err := k.parseWithID(f, args)
	if err != nil {
		return err
	}
	change, err := wanted.change(f)
	if err != nil {
		return usageError{err}
	}
	return k.with(ctx, func(_ *Config, m *keys.Manager) error {
		if _, err := m.Change(ctx, id, change); err != nil {
			return err
		}
		fmt.Fprintf(k.notes, "Key %s was changed.\n", id)
		return nil
	})
}

func (k *keysCommand) rotate(ctx context.Context, args []string) error {
	f := k.flagSet("rotate <id>")
	grace := f.Duration("grace", 0, "how long the secret before stays good")
	id, err := k.parseWithID(f, args)
	if err != nil {
		return err
	}
	return k.with(ctx, func(_ *Config, m *keys.Manager) error {
		_, text, err := m.Rotate(ctx, id, *grace)
		switch {
		case errors.Is(err, keys.ErrNotAnnounced): // no failure: who tried again would rotate again
			fmt.Fprintln(k.notes, "Warning:", err)
		case err != nil:
			return err
		}
		fmt.Fprintf(k.notes, "Key %s has a new secret. It is shown only now; the one before is good for %v:\n", id, *grace)
		fmt.Fprintln(k.out, text)
		return nil
	})
}

func (k *keysCommand) revoke(ctx context.Context, args []string) error {
	id, err := k.parseWithID(k.flagSet("revoke <id>"), args)
	if err != nil {
		return err
	}
	return k.with(ctx, func(_ *Config, m *keys.Manager) error {
		if _, err := m.Revoke(ctx, id); err != nil {
			return err
		}
		fmt.Fprintf(k.notes, "Key %s is revoked.\n", id)
		return nil
	})
}

// openAudit opens the gateway's audit log, if it is a file. One that cannot be written is only told of: a key
// that leaked must be revoked, whatever the disk does.
func (k *keysCommand) openAudit(c *Config) *audit.Log {
	if c.AuditLog == "" {
		return nil
	}
	a, err := newAudit(c, slog.New(slog.NewTextHandler(k.notes, nil)))
	if err != nil {
		fmt.Fprintln(k.notes, "Warning:", err)
		return nil
	}
	return a
}

// with does something with the keys of the database that the configuration names. A caller's
// mistake becomes a usageError.
func (k *keysCommand) with(ctx context.Context, do func(*Config, *keys.Manager) error) (err error) {
	c, err := Load(k.settings, k.env)
	if err != nil {
		return usageError{err}
	}
	if c.Database == store.Memory {
		return usageError{errors.New("a database in memory is the gateway's alone: make its keys with the API, as an admin")}
	}
	if _, err := os.Stat(c.Database); err != nil && !k.mayMake && !store.IsURL(c.Database) {
		return usageError{fmt.Errorf("there is no database %s: name the gateway's by --database", c.Database)}
	}
	broker, err := newBroker(c, nil, analytics.NewBackends(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.Close()) }()
	s, err := store.Open(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	a := k.openAudit(c)
	defer func() { err = errors.Join(err, a.Close()) }()
	m, err := newKeys(c, s, broker, noteKeys(a, cliActor))
	if err != nil {
		return err
	}
	err = do(c, m)
	var mistake *keys.InputError
	if errors.As(err, &mistake) {
		return usageError{mistake}
	}
	return err
}
