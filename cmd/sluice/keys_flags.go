package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-gateway/sluice/auth/keys"
)

// keyFlags are the flags that say what a key is.
type keyFlags struct {
	name, plan                          string
	scopes, publish, origins, addresses list
	expires                             expiry
}

func newKeyFlags(f *flag.FlagSet) *keyFlags {
	wanted := new(keyFlags)
	f.StringVar(&wanted.name, "name", "", "what its owner calls the key")
	f.StringVar(&wanted.plan, "plan", "", "the `plan` that the consumer has bought; empty: the default one")
	f.Var(&wanted.scopes, "scopes", "what the key may do: `scopes` divided by commas")
	f.Var(&wanted.publish, "publish", "`topics` that the key may publish to: names, and patterns such as price.*")
	f.Var(&wanted.origins, "origins", "`origins` of the pages that the key is good for, exact; none: any")
	f.Var(&wanted.addresses, "addresses", "`networks` and addresses that the key is good from; none: any")
	f.Var(&wanted.expires, "expires", "how `long` the key is good, such as 720h, or until when, such as 2027-01-31T12:00:00Z, or never")
	return wanted
}

// change is what the flags that were given become different; an empty list takes away what is there.
func (wanted *keyFlags) change(f *flag.FlagSet) (keys.Change, error) {
	var c keys.Change
	var err error
	f.Visit(func(given *flag.Flag) {
		switch given.Name {
		case "name":
			c.Name = &wanted.name
		case "plan":
			c.Plan = &wanted.plan
		case "scopes":
			c.Scopes = (*[]string)(&wanted.scopes)
		case "publish":
			c.Publish = (*[]string)(&wanted.publish)
		case "origins":
			c.Origins = (*[]string)(&wanted.origins)
		case "addresses":
			addresses, bad := keys.ParseAddresses(wanted.addresses)
			c.Addresses, err = &addresses, bad
		case "expires":
			c.Expires = &wanted.expires.at
		}
	})
	return c, err
}

// An expiry is a setting: a time, how long it is until then, or never.
type expiry struct{ at time.Time }

// String implements flag.Value.
func (e *expiry) String() string {
	if e.at.IsZero() {
		return ""
	}
	return e.at.Format(time.RFC3339)
}

// Set implements flag.Value.
func (e *expiry) Set(text string) (err error) {
	if text == "never" {
		e.at = time.Time{}
		return nil
	}
	if d, err := time.ParseDuration(text); err == nil {
		e.at = time.Now().Add(d)
		return nil
	}
	if e.at, err = time.Parse(time.RFC3339, text); err != nil {
		return errors.New("give a time such as 720h or 2027-01-31T12:00:00Z, or never")
	}
	return nil
}

// flagSet makes the flags that every command has: settings of the gateway, which are handed on to
// where the gateway reads its own.
func (k *keysCommand) flagSet(command string) *flag.FlagSet {
	f := flag.NewFlagSet("sluice keys "+command, flag.ContinueOnError)
	f.SetOutput(io.Discard) // its errors are returned, and told once
	gateway := new(Config).flags()
	for _, name := range []string{"config", "database", "redis", "keys-pepper-file", "audit-log"} {
		f.Func(name, gateway.Lookup(name).Usage, func(value string) error {
			k.settings = append(k.settings, "--"+name+"="+value)
			return nil
		})
	}
	return f
}

func (k *keysCommand) parse(f *flag.FlagSet, args []string) error {
	err := f.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(k.notes, f.Name())
		f.SetOutput(k.notes)
		f.PrintDefaults()
		return err
	case err != nil:
		return usageError{fmt.Errorf("%s: %w", f.Name(), err)}
	case f.NArg() > 0:
		return usageError{fmt.Errorf("%s takes no further argument", f.Name())} // which may be a key: it is not repeated
	}
	return nil
}

// parseWithID parses flags that stand behind the id of a key.
func (k *keysCommand) parseWithID(f *flag.FlagSet, args []string) (id string, err error) {
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		id, args = args[0], args[1:]
	}
	if err := k.parse(f, args); err != nil {
		return "", err
	}
	if id == "" {
		return "", usageError{fmt.Errorf("%s: name the key by its id, before the flags; sluice keys list shows the ids", f.Name())}
	}
	return id, nil
}
