package store

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/sluice-gateway/sluice/auth/keys"
)

// foundKeys gathers rows of api_keys.
type foundKeys []keys.Key

func (found *foundKeys) scan(r row) error {
	var (
		k                                   keys.Key
		scopes, publish, origins, addresses []byte
		created, expires, revoked, until    int64
		hash, previous                      []byte
	)
	err := r.Scan(&k.ID, &k.Name, &k.Consumer, &k.Subject, &scopes, &publish, &k.Plan, &origins, &addresses,
		&created, &expires, &revoked, &k.Current.Number, &hash, &k.Previous.Number, &previous, &until)
	if err != nil {
		return err
	}
	k.Created, k.Expires, k.Revoked = fromMillisOrNever(created), fromMillisOrNever(expires), fromMillisOrNever(revoked)
	k.Previous.Until = fromMillisOrNever(until)
	copy(k.Current.Hash[:], hash)
	copy(k.Previous.Hash[:], previous)
	for _, list := range []struct {
		text []byte
		into any
	}{{scopes, &k.Scopes}, {publish, &k.Publish}, {origins, &k.Origins}, {addresses, &k.Addresses}} {
		if err := readList(list.text, list.into); err != nil {
			return err
		}
	}
	*found = append(*found, k)
	return nil
}

func (found foundKeys) first() *keys.Key {
	if len(found) == 0 {
		return nil
	}
	return &found[0]
}

const noItems = "[]"

// readList reads a list of JSON; an empty one, as most are, stays nil.
func readList(text []byte, list any) error {
	if string(text) == noItems {
		return nil
	}
	return json.Unmarshal(text, list)
}

func keyLists(k *keys.Key) (scopes, publish, origins, addresses string) {
	return listOf(k.Scopes), listOf(k.Publish), listOf(k.Origins), listOf(k.Addresses)
}

func listOf[T string | netip.Prefix](items []T) string {
	if len(items) == 0 {
		return noItems
	}
	text, _ := json.Marshal(items) // strings and valid prefixes: it cannot fail
	return string(text)
}

// keyState is the end of both statements that write a key: its ends and its secrets.
func keyState(k *keys.Key) []any {
	return []any{
		toMillis(k.Expires), toMillis(k.Revoked), k.Current.Number, k.Current.Hash[:],
		k.Previous.Number, k.Previous.Hash[:], toMillis(k.Previous.Until),
	}
}

// The zero time is kept as 0.

func toMillis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMillisOrNever(millis int64) time.Time {
	if millis == 0 {
		return time.Time{}
	}
	return fromMillis(millis)
}
