package resolvers_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/keys"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/resolvers"
	"github.com/sluice-gateway/sluice/store"
)

// A keyShop is the API with a manager of keys, which tells of changes unless deaf says it fails.
type keyShop struct {
	shop
	keys *keys.Manager
	deaf error
}

func newKeyShop(t testing.TB) *keyShop {
	t.Helper()
	s, err := store.Open(t.Context(), store.Memory)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	k := new(keyShop)
	k.keys = keys.New(s, keys.Options{
		CheckTopic: pubsub.ValidPattern,
		Announce:   func(context.Context, string) error { return k.deaf },
	})
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Store: s, Broker: new(recorder), Keys: k.keys}})
	k.shop = shop{exec: executor.New(schema), store: s}
	return k
}

// good reports whether a key is.
func (k *keyShop) good(t testing.TB, text string) bool {
	t.Helper()
	_, err := k.keys.Authenticate(t.Context(), auth.Credentials{Token: text, Origin: "https://shop.example"})
	return err == nil
}

type issued struct {
	Key    string
	APIKey struct{ ID string } `json:"apiKey"`
}

func (k *keyShop) create(t testing.TB, input string) issued {
	t.Helper()
	return data[struct{ CreateAPIKey issued }](t, &k.shop, admin,
		`mutation { createApiKey(input: `+input+`) { key apiKey { id } } }`, "").CreateAPIKey
}

var admin = &auth.Viewer{Consumer: "operations", Scopes: []string{"admin"}}

const keyFields = ` { name consumer subject scopes publish plan origins addresses expiresAt revokedAt previousSecretUntil } `

func TestCreateAndReadAPIKeys(t *testing.T) {
	k := newKeyShop(t)
	made := k.create(t, `{name: "Till", consumer: "till", subject: "ann", scopes: ["a"], publish: ["price.*"], plan: "gold",
		origins: ["https://shop.example"], addresses: ["192.0.2.7", "10.0.0.0/8"], expiresAt: "2100-01-01T00:00:00Z"}`)
	small := k.create(t, `{name: "Web", consumer: "web"}`)
	if !k.good(t, small.Key) || k.good(t, made.Key) { // that one is bound to networks
		t.Error("the wrong keys are good")
	}
	expect(t, k.do(t, admin, `{ apiKey(id: "`+made.APIKey.ID+`")`+keyFields+`}`, ""),
		`{"apiKey":{"name":"Till","consumer":"till","subject":"ann","scopes":["a"],"publish":["price.*"],"plan":"gold",`+
			`"origins":["https://shop.example"],"addresses":["192.0.2.7/32","10.0.0.0/8"],"expiresAt":"2100-01-01T00:00:00Z","revokedAt":null,"previousSecretUntil":null}}`)
	expect(t, k.do(t, admin, `{ apiKey(id: "`+small.APIKey.ID+`")`+keyFields+`}`, ""),
		`{"apiKey":{"name":"Web","consumer":"web","subject":null,"scopes":[],"publish":[],"plan":null,`+
			`"origins":[],"addresses":[],"expiresAt":null,"revokedAt":null,"previousSecretUntil":null}}`)
	expect(t, k.do(t, admin, `{ apiKey(id: "aaaaaaaaaaaaaaaa") { id } }`, ""), `{"apiKey":null}`)
	expect(t, k.do(t, admin, `{ apiKey(id: "`+small.Key+`") { id } }`, ""), `{"apiKey":null}`)

	expect(t, k.do(t, admin, `{ apiKeys(consumer: "till") { name } }`, ""), `{"apiKeys":[{"name":"Till"}]}`)
	expect(t, k.do(t, admin, `{ apiKeys(consumer: "nobody", first: null) { name } }`, ""), `{"apiKeys":[]}`)
	type page struct{ APIKeys []struct{ ID string } }
	first := data[page](t, &k.shop, admin, `{ apiKeys(first: 1) { id } }`, "").APIKeys
	rest := data[page](t, &k.shop, admin, `{ apiKeys(after: "`+first[0].ID+`") { id } }`, "").APIKeys
	if len(first) != 1 || len(rest) != 1 || first[0] == rest[0] {
		t.Errorf("the pages are %v and %v", first, rest)
	}
}

func TestUpdateAPIKey(t *testing.T) {
	k := newKeyShop(t)
	made := k.create(t, `{name: "Till", consumer: "till", scopes: ["a"], plan: "gold", addresses: ["10.0.0.0/8"], expiresAt: "2100-01-01T00:00:00Z"}`)
	update := func(input string) string {
		return `mutation { updateApiKey(id: "` + made.APIKey.ID + `", input: ` + input + `) { name scopes plan addresses expiresAt } }`
	}
	expect(t, k.do(t, admin, update(`{name: "Shop"}`), ""),
		`{"updateApiKey":{"name":"Shop","scopes":["a"],"plan":"gold","addresses":["10.0.0.0/8"],"expiresAt":"2100-01-01T00:00:00Z"}}`)
	expect(t, k.do(t, admin, update(`{scopes: ["b", "c"], addresses: ["::1"]}`), ""),
		`{"updateApiKey":{"name":"Shop","scopes":["b","c"],"plan":"gold","addresses":["::1/128"],"expiresAt":"2100-01-01T00:00:00Z"}}`)
	expect(t, k.do(t, admin, update(`{name: null, scopes: null, plan: null, addresses: null, expiresAt: null}`), ""),
		`{"updateApiKey":{"name":"Shop","scopes":[],"plan":null,"addresses":[],"expiresAt":null}}`)
	expectError(t, k.do(t, admin, update(`{addresses: ["nowhere"]}`), ""), "BAD_USER_INPUT", "is no network")
	expectError(t, k.do(t, admin, update(`{publish: ["*"]}`), ""), "BAD_USER_INPUT", "a lone *")
}

func TestRotateAndRevokeAPIKey(t *testing.T) {
	k := newKeyShop(t)
	made := k.create(t, `{name: "Till", consumer: "till"}`)
	rotate := func(arguments string) issued {
		t.Helper()
		return data[struct{ RotateAPIKey issued }](t, &k.shop, admin,
			`mutation { rotateApiKey(id: "`+made.APIKey.ID+`"`+arguments+`) { key apiKey { id } } }`, "").RotateAPIKey
	}
	second := rotate(", graceSeconds: 3600")
	if !k.good(t, made.Key) || !k.good(t, second.Key) || second.APIKey != made.APIKey {
		t.Error("not both secrets are good")
	}
	third := rotate("")
	if k.good(t, second.Key) || !k.good(t, third.Key) {
		t.Error("without a grace the old secret is good, or the new one is not")
	}
	revoke := `mutation { revokeApiKey(id: "` + made.APIKey.ID + `") { revokedAt } }`
	if r := k.do(t, admin, revoke, ""); r.Errors != nil || strings.Contains(string(r.Data), "null") || k.good(t, third.Key) {
		t.Errorf("revoking answers %s (%v)", r.Data, r.Errors)
	}
	if r := k.do(t, admin, revoke, ""); r.Errors != nil {
		t.Errorf("revoking again: %v", r.Errors)
	}
}

func TestMistakesWithAPIKeys(t *testing.T) {
	k := newKeyShop(t)
	made := k.create(t, `{name: "Till", consumer: "till"}`)
	for _, c := range []struct{ name, query, want string }{
		{"no consumer", `mutation { createApiKey(input: {name: "x", consumer: ""}) { key } }`, "the consumer of a key"},
		{"a topic of everybody", `mutation { createApiKey(input: {name: "x", consumer: "x", publish: ["*"]}) { key } }`, "a lone *"},
		{"a bad network", `mutation { createApiKey(input: {name: "x", consumer: "x", addresses: ["x"]}) { key } }`, "is no network"},
		{"an expiry in the past", `mutation { createApiKey(input: {name: "x", consumer: "x", expiresAt: "2020-01-01T00:00:00Z"}) { key } }`, "in the future"},
		{"an unknown id", `mutation { revokeApiKey(id: "aaaaaaaaaaaaaaaa") { id } }`, "there is no key"},
		{"the key instead of its id", `mutation { revokeApiKey(id: "` + made.Key + `") { id } }`, "an id has 16"},
		{"a grace before now", `mutation { rotateApiKey(id: "` + made.APIKey.ID + `", graceSeconds: -1) { key } }`, "the grace"},
		{"a long list", `{ apiKeys(first: 101) { id } }`, "a list has 1 to 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := k.do(t, admin, c.query, "")
			expectError(t, r, "BAD_USER_INPUT", c.want)
			if text, _ := json.Marshal(r); strings.Contains(string(text), made.Key) {
				t.Errorf("the answer shows a key: %s", text)
			}
		})
	}
}

func TestAKeyIsShownAlthoughItsRotationIsNotAnnounced(t *testing.T) {
	logger := slog.Default()
	t.Cleanup(func() { slog.SetDefault(logger) })
	slog.SetDefault(slog.New(slog.DiscardHandler))
	k := newKeyShop(t)
	made := k.create(t, `{name: "Till", consumer: "till"}`)
	k.deaf = errors.New("the broker is away")
	r := k.do(t, admin, `mutation { rotateApiKey(id: "`+made.APIKey.ID+`") { key } }`, "")
	expectError(t, r, "BROKER_UNAVAILABLE", "The change was made")
	var got struct{ RotateAPIKey issued }
	if err := json.Unmarshal(r.Data, &got); err != nil || !k.good(t, got.RotateAPIKey.Key) {
		t.Errorf("the data is %s (%v)", r.Data, err)
	}
}
