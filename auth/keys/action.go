package keys

import (
	"reflect"
	"time"
)

// What can be done to a key.
const (
	Created = "create"
	Updated = "update"
	Rotated = "rotate"
	Revoked = "revoke"
)

// An Action is one call that makes or changes a key, as it has ended. It is not to be changed.
type Action struct {
	Kind   string // Created, Updated, Rotated or Revoked
	ID     string // of the key; empty: none was made, or what was given is no id, but perhaps a key's text
	Before *Key   // nil: it was made, or there is none, or it was not looked up
	After  *Key   // nil: nothing was made or changed
	Err    error  // what the caller gets; with ErrNotAnnounced the change stands
}

// A Difference is what an action has changed of a key. Nil is nothing: no plan, no scopes, no end.
type Difference struct {
	Name     string // as the API has it
	Old, New any    // texts, lists, times
}

// Differences are what has changed, without the secrets: of these, which one in turn it is.
func (a Action) Differences() (all []Difference) {
	if a.After == nil {
		return nil
	}
	before := a.Before
	if before == nil {
		before = new(Key)
	}
	was, is := before.facts(), a.After.facts()
	for i := range is {
		if !reflect.DeepEqual(was[i].value, is[i].value) {
			all = append(all, Difference{is[i].name, was[i].value, is[i].value})
		}
	}
	return all
}

type fact struct {
	name  string
	value any // nil: nothing
}

// facts are what may be told of a key, always in the same order.
func (k *Key) facts() []fact {
	return []fact{
		{"name", orNil(k.Name)},
		{"consumer", orNil(k.Consumer)},
		{"subject", orNil(k.Subject)},
		{"scopes", listOrNil(k.Scopes)},
		{"publish", listOrNil(k.Publish)},
		{"plan", orNil(k.Plan)},
		{"origins", listOrNil(k.Origins)},
		{"addresses", listOrNil(k.Addresses)},
		{"expiresAt", timeOrNil(k.Expires)},
		{"revokedAt", timeOrNil(k.Revoked)},
		{"secretNumber", orNil(k.Current.Number)},
		{"previousSecretUntil", timeOrNil(k.Previous.Until)},
	}
}

func orNil[T comparable](value T) any {
	if value == *new(T) {
		return nil
	}
	return value
}

func listOrNil[T any](list []T) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

func timeOrNil(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}
