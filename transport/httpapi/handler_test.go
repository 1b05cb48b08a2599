package httpapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/httpapi"
	"github.com/sluice-gateway/sluice/transport/multipart"
	"github.com/sluice-gateway/sluice/transport/sse"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	grj       = "application/graphql-response+json"
	plainJSON = "application/json"
	events    = "text/event-stream"
	parts     = `multipart/mixed;boundary="graphql";subscriptionSpec=1.0`

	queryText        = `{ __typename }`
	subscriptionText = `subscription { priceChanged { price } }`
	mutationText     = `mutation { restock(productId: "1", quantity: 1) { stock } }`
)

func handler(n *transporttest.Node) http.Handler {
	return httpapi.New(n.Engine, n.Reader, httpapi.Options{
		Streams: []httpapi.Protocol{
			multipart.New(n.Sessions, transport.StreamOptions{}),
			sse.NewDistinct(n.Sessions, transport.StreamOptions{}),
		},
		PartialStatus: true,
	})
}

// leaver is a client that leaves when it has the first bytes of a stream.
type leaver struct {
	*httptest.ResponseRecorder
	leave context.CancelFunc
}

func (l leaver) Flush() { l.leave() }

// serve answers one request.
func serve(h http.Handler, method, query, body string, header ...string) *http.Response {
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	r := httptest.NewRequestWithContext(ctx, method, transporttest.URL+query, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(leaver{w, leave}, r)
	return w.Result()
}

func post(h http.Handler, text string, header ...string) *http.Response {
	body, _ := json.Marshal(map[string]string{"query": text})
	return serve(h, http.MethodPost, "", string(body), header...)
}

func get(h http.Handler, text string, header ...string) *http.Response {
	return serve(h, http.MethodGet, "?"+url.Values{"query": {text}}.Encode(), "", header...)
}

func media(resp *http.Response) string {
	return strings.TrimSuffix(resp.Header.Get("Content-Type"), "; charset=utf-8")
}

func code(t *testing.T, resp *http.Response) string {
	t.Helper()
	var result struct {
		Data   json.RawMessage
		Errors gqlerror.List
	}
	if err := json.NewDecoder(resp.Body).Decode(&result); err != nil {
		t.Fatal(err)
	}
	if result.Data != nil || len(result.Errors) == 0 {
		t.Fatalf("no refusal: data %s, errors %v", result.Data, result.Errors)
	}
	return operation.Code(result.Errors)
}

// The Accept headers are those of the clients' sources.
func TestNegotiation(t *testing.T) {
	h := handler(transporttest.NewNode(t))
	const (
		apollo         = "application/graphql-response+json,application/json;q=0.9"
		apolloSub      = "multipart/mixed;boundary=graphql;subscriptionSpec=1.0," + apollo
		apolloQuoted   = `multipart/mixed;boundary="graphql";subscriptionSpec="1.0",` + apollo
		urql           = "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed"
		urqlSub        = "text/event-stream, multipart/mixed"
		graphiql       = "application/json, multipart/mixed"
		notAcceptable  = "406"
		invalid        = `{ nonsense }`
		invalidSub     = `subscription { nonsense }`
		notEvenParsing = `subscription {`
	)
	for _, c := range []struct {
		name, accept, text, want string
	}{
		{"no Accept", "", queryText, plainJSON},
		{"fetch", "*/*", queryText, plainJSON},
		{"axios", "application/json, text/plain, */*", queryText, plainJSON},
		{"a browser's address bar", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", queryText, plainJSON},
		{"Apollo's query", apollo, queryText, grj},
		{"Apollo's subscription", apolloSub, subscriptionText, parts},
		{"Apollo's subscription with quotes", apolloQuoted, subscriptionText, parts},
		{"Apollo's subscription that fails validation", apolloSub, invalidSub, parts},
		{"Apollo's subscription that is no GraphQL", apolloSub, notEvenParsing, grj},
		{"a query that advertises Apollo's streams", apolloSub, queryText, grj},
		{"urql's query", urql, queryText, grj},
		{"urql's query that fails validation", urql, invalid, grj},
		{"urql's subscription", urqlSub, subscriptionText, events},
		{"urql's subscription with all it reads", urql, subscriptionText, events},
		{"urql's query as a stream", urqlSub, queryText, events},
		{"GraphiQL's introspection", "application/json", queryText, plainJSON},
		{"GraphiQL's query", graphiql, queryText, plainJSON},
		{"GraphiQL's subscription by fetch", graphiql, subscriptionText, notAcceptable},
		{"graphql-sse's query", events, queryText, events},
		{"graphql-sse's subscription", events, subscriptionText, events},
		{"graphql-sse's invalid query", events, invalid, events},
		{"graphql-sse's broken query", events, notEvenParsing, events},
		{"a subscription for JSON only", apollo, subscriptionText, notAcceptable},
		{"a subscription for anything", "*/*", subscriptionText, notAcceptable},
		{"quality decides", "application/graphql-response+json;q=0.5, application/json;q=0.9", queryText, plainJSON},
		{"of equals the first", "application/json, application/graphql-response+json", queryText, plainJSON},
		{"a wildcard of the family", "application/*", queryText, plainJSON},
		{"not wanted", "application/json;q=0, */*;q=0.1", queryText, grj},
		{"in capitals", "APPLICATION/GRAPHQL-RESPONSE+JSON; Q=0.8", queryText, grj},
		{"with UTF-8", "application/graphql-response+json; charset=UTF-8", queryText, grj},
		{"in another encoding only", "application/json; charset=utf-16", queryText, notAcceptable},
		{"a comma in quotes", `text/html;x="a,application/json"`, queryText, notAcceptable},
		{"a stream not wanted", "text/event-stream;q=0, multipart/mixed", subscriptionText, notAcceptable},
		{"plain multipart", "multipart/mixed", subscriptionText, notAcceptable},
		{"another version of the protocol", "multipart/mixed;subscriptionSpec=2.0", subscriptionText, notAcceptable},
		{"only what we do not have", "text/html", queryText, notAcceptable},
	} {
		t.Run(c.name, func(t *testing.T) {
			resp := post(h, c.text, "Accept", c.accept)
			if c.want == notAcceptable {
				if resp.StatusCode != http.StatusNotAcceptable {
					t.Fatalf("status %d, %s", resp.StatusCode, resp.Header)
				}
				return
			}
			if got := media(resp); got != c.want {
				t.Fatalf("status %d, type %s, want %s", resp.StatusCode, got, c.want)
			}
		})
	}
}

func TestRefusedStreamNamesTheURLs(t *testing.T) {
	resp := post(handler(transporttest.NewNode(t)), subscriptionText, "Accept", "application/json")
	body, _ := io.ReadAll(resp.Body)
	for _, want := range []string{`"webSocket":"/graphql"`, `"eventStream":"/graphql"`, "graphql-transport-ws"} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is missing in %s", want, body)
		}
	}
}

func TestStatuses(t *testing.T) {
	h := handler(transporttest.NewNode(t))
	big := `{"query":"` + strings.Repeat(" ", 256<<10) + `"}`
	deep := `{"query":"{` + strings.Repeat("a ", 1001) + `}"}`
	for _, c := range []struct {
		name, body        string
		precise, tolerant int // status for application/graphql-response+json, for application/json
		code              string
	}{
		{"executed", `{"query":"{ __typename }"}`, 200, 200, ""},
		{"nulls are absent", `{"query":"{ __typename }","operationName":null,"variables":null,"extensions":null,"x":1}`, 200, 200, ""},
		{"body not JSON", `{"query":`, 400, 400, "BAD_REQUEST"},
		{"body not UTF-8", "{\"query\":\"{ a(b:\\\"\xff\\\") }\"}", 400, 400, "BAD_REQUEST"},
		{"body no object", `"query"`, 422, 400, "BAD_REQUEST"},
		{"no query", `{}`, 422, 400, "BAD_REQUEST"},
		{"query no string", `{"query":1}`, 422, 400, "BAD_REQUEST"},
		{"variables no object", `{"query":"{ __typename }","variables":[]}`, 422, 400, "BAD_REQUEST"},
		{"extensions no object", `{"query":"{ __typename }","extensions":""}`, 422, 400, "BAD_REQUEST"},
		{"batch", `[{"query":"{ __typename }"}]`, 400, 400, "BATCH_LIMIT"},
		{"syntax error", `{"query":"{"}`, 400, 200, "GRAPHQL_PARSE_FAILED"},
		{"validation", `{"query":"{ nonsense }"}`, 422, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"unknown operation name", `{"query":"query A { __typename }","operationName":"B"}`, 422, 200, "OPERATION_RESOLUTION_FAILURE"},
		{"no operation name", `{"query":"query A { __typename } query B { __typename }"}`, 422, 200, "OPERATION_RESOLUTION_FAILURE"},
		{"variable coercion", `{"query":"query($id: ID!) { product(id: $id) { id } }"}`, 422, 200, "BAD_USER_INPUT"},
		{"introspection", `{"query":"{ __schema { types { name } } }"}`, 422, 200, "INTROSPECTION_DISABLED"},
		{"too many tokens", deep, 422, 200, "TOKEN_LIMIT"},
		{"persisted query", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`, 422, 200, "PERSISTED_QUERY_NOT_FOUND"},
		{"too big", big, 413, 413, "QUERY_TOO_LARGE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for accept, want := range map[string]int{grj: c.precise, plainJSON: c.tolerant} {
				resp := serve(h, http.MethodPost, "", c.body, "Accept", accept)
				if resp.StatusCode != want || media(resp) != accept {
					t.Errorf("status %d of %s, want %d of %s", resp.StatusCode, media(resp), want, accept)
				}
				if c.code == "" {
					continue
				}
				if got := code(t, resp); got != c.code {
					t.Errorf("code %s, want %s", got, c.code)
				}
			}
		})
	}
}

func TestDataWithErrorsHasItsStatus(t *testing.T) {
	h := handler(transporttest.NewNode(t))
	const text = `{ a: __typename product(id: "1") { id } }` // it has no store
	for accept, want := range map[string]int{grj: 294, plainJSON: 200} {
		if resp := post(h, text, "Accept", accept); resp.StatusCode != want {
			t.Errorf("status %d for %s, want %d", resp.StatusCode, accept, want)
		}
	}
}

func TestHeadersOfRefusals(t *testing.T) {
	node := transporttest.NewNode(t)
	h := handler(node)
	away := httpapi.New(node.Engine, transport.NewReader(noAuth{}, node.Origins, transport.ReaderOptions{}), httpapi.Options{})
	const preflight = "Apollo-Require-Preflight"
	for _, c := range []struct {
		name        string
		resp        *http.Response
		status      int
		code        string
		header, has string
	}{
		{"bad credentials", post(h, queryText, "Authorization", "Bearer nobody"), 401, "UNAUTHENTICATED", "Www-Authenticate", "Bearer"},
		{"bad credentials for a stream", post(h, subscriptionText, "Authorization", "Bearer nobody", "Accept", events), 401, "UNAUTHENTICATED", "Www-Authenticate", "Bearer"},
		{"no credentials", post(h, `subscription { orderStatusChanged { status } }`), 401, "UNAUTHENTICATED", "Www-Authenticate", "Bearer"},
		{"credentials that cannot be checked", post(away, queryText), 503, "INTERNAL", "Retry-After", ""},
		{"mutation by GET", get(h, mutationText, preflight, "1", "X-API-Key", transporttest.Key), 405, "BAD_REQUEST", "Allow", "POST"},
		{"mutation by GET for a stream", get(h, mutationText, preflight, "1", "X-API-Key", transporttest.Key, "Accept", events), 405, "BAD_REQUEST", "Allow", "POST"},
		{"another method", serve(h, http.MethodPut, "", "{}"), 405, "BAD_REQUEST", "Allow", "GET, POST"},
		{"no content type", serve(h, http.MethodPost, "", `{}`, "Content-Type", ""), 415, "BAD_REQUEST", "", ""},
		{"a form", serve(h, http.MethodPost, "", `query={a}`, "Content-Type", "application/x-www-form-urlencoded"), 415, "BAD_REQUEST", "", ""},
		{"JSON in disguise", serve(h, http.MethodPost, "", `{}`, "Content-Type", "text/plain; x=application/json"), 415, "BAD_REQUEST", "", ""},
		{"two content types", serve(h, http.MethodPost, "", `{}`, "Content-Type", "application/json, text/plain"), 415, "BAD_REQUEST", "", ""},
		{"JSON in another encoding", serve(h, http.MethodPost, "", `{}`, "Content-Type", "application/json; charset=latin1"), 415, "BAD_REQUEST", "", ""},
		{"malformed for a stream", serve(h, http.MethodPost, "", `{}`, "Accept", events), 400, "BAD_REQUEST", "", ""},
		{"not JSON for a stream", serve(h, http.MethodPost, "", `{`, "Accept", events), 400, "BAD_REQUEST", "", ""},
		{"variables of a GET no JSON", serve(h, http.MethodGet, "?query={a}&variables={", "", preflight, "1"), 400, "BAD_REQUEST", "", ""},
		{"badly encoded GET", serve(h, http.MethodGet, "?query=%zz", "", preflight, "1"), 400, "BAD_REQUEST", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.resp.StatusCode != c.status {
				t.Errorf("status %d, want %d", c.resp.StatusCode, c.status)
			}
			if got := code(t, c.resp); got != c.code {
				t.Errorf("code %s, want %s", got, c.code)
			}
			if got := c.resp.Header.Get(c.header); c.header != "" && (got == "" || c.has != "" && got != c.has) {
				t.Errorf("%s: %q, want %q", c.header, got, c.has)
			}
		})
	}
}

type noAuth struct{}

func (noAuth) Authenticate(context.Context, auth.Credentials) (*auth.Viewer, error) {
	return nil, errors.New("the key store is away")
}

func TestDraining(t *testing.T) {
	node := transporttest.NewNode(t)
	node.Engine.Drain()
	for _, accept := range []string{grj, plainJSON, events, parts} {
		resp := post(handler(node), subscriptionText, "Accept", accept)
		if resp.StatusCode != 503 || code(t, resp) != "DRAINING" {
			t.Errorf("status %d for %s", resp.StatusCode, accept)
		}
		if wait := resp.Header.Get("Retry-After"); len(wait) != 1 || wait < "1" || wait > "5" {
			t.Errorf("Retry-After: %q", wait)
		}
	}
}

func TestClosingNodeOpensNoStream(t *testing.T) {
	node := transporttest.NewNode(t)
	if err := node.Sessions.Close(t.Context(), operation.Restarting, 0, 0); err != nil && node.Sessions.Len() > 0 {
		t.Fatal(err)
	}
	if resp := post(handler(node), subscriptionText, "Accept", events); resp.StatusCode != 503 || code(t, resp) != "DRAINING" {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestGetNeedsAProofOfItsPage(t *testing.T) {
	h := handler(transporttest.NewNode(t))
	for _, c := range []struct {
		name   string
		header []string
		want   int
	}{
		{"nothing", nil, 403},
		{"Accept alone", []string{"Accept", events}, 403},
		{"a content type", []string{"Content-Type", "application/json"}, 403},
		{"apollo-require-preflight", []string{"apollo-require-preflight", "1"}, 200},
		{"x-apollo-operation-name", []string{"x-apollo-operation-name", "1"}, 200},
		{"graphql-require-preflight", []string{"graphql-require-preflight", "1"}, 200},
		{"x-graphql-yoga-csrf", []string{"x-graphql-yoga-csrf", "1"}, 200},
		{"our own page", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"our own page behind a proxy", []string{"Sec-Fetch-Site", "same-origin", "Origin", "https://outside.example"}, 200},
		{"a sibling's page", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a link", []string{"Sec-Fetch-Site", "none"}, 403},
		{"a listed origin", []string{"Origin", "https://shop.example"}, 200},
		{"our host", []string{"Origin", "http://sluice.test"}, 200},
		{"a foreign origin", []string{"Origin", "https://evil.example", "apollo-require-preflight", "1"}, 403},
		{"no origin of a sandbox", []string{"Origin", "null"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			if resp := get(h, queryText, c.header...); resp.StatusCode != c.want {
				t.Errorf("status %d, want %d", resp.StatusCode, c.want)
			}
		})
	}
}

func TestGetHasVariables(t *testing.T) {
	node := transporttest.NewNode(t)
	values := url.Values{
		"query":         {`query A($skip: Boolean!) { __typename @skip(if: $skip) } query B { __typename }`},
		"operationName": {"A"},
		"variables":     {`{"skip":true}`},
		"extensions":    {""},
	}
	resp := serve(handler(node), http.MethodGet, "?"+values.Encode(), "", "Sec-Fetch-Site", "same-origin")
	if body, _ := io.ReadAll(resp.Body); string(body) != `{"data":{}}` {
		t.Errorf("got %s", body)
	}
}

// A browser that was refused once for it never comes back: only what reads events looks at it.
func TestWhatIsNoIDOfAnEventIsRefusedWhereEventsAreRead(t *testing.T) {
	h := handler(transporttest.NewNode(t))
	id := []string{"Last-Event-ID", strings.Repeat("x", 5000)}
	for accept, want := range map[string]int{events: 400, plainJSON + ", " + events: 400, plainJSON: 200} {
		if resp := post(h, queryText, append(id, "Accept", accept)...); resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", accept, resp.StatusCode, want)
		}
	}
	if resp := post(h, subscriptionText, append(id, "Accept", events)...); resp.StatusCode != 400 || code(t, resp) != "BAD_REQUEST" {
		t.Errorf("a subscription: %d", resp.StatusCode)
	}
}

func TestCORS(t *testing.T) {
	h := handler(transporttest.NewNode(t))
	preflight := []string{"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type"}
	resp := serve(h, http.MethodOptions, "", "", append(preflight, "Origin", "https://shop.example")...)
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" ||
		resp.Header.Get("Access-Control-Allow-Methods") != "GET, POST" || resp.Header.Get("Vary") != "Origin" ||
		!strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "x-graphql-event-stream-token") ||
		!strings.Contains(resp.Header.Get("Access-Control-Allow-Headers"), "last-event-id") {
		t.Errorf("the preflight of a listed origin: %d %v", resp.StatusCode, resp.Header)
	}
	resp = serve(h, http.MethodOptions, "", "", append(preflight, "Origin", "https://evil.example")...)
	if resp.StatusCode != http.StatusNoContent || resp.Header.Get("Access-Control-Allow-Origin") != "" || resp.Header.Get("Vary") != "Origin" {
		t.Errorf("the preflight of a foreign origin: %d %v", resp.StatusCode, resp.Header)
	}
	resp = post(h, queryText, "Origin", "https://shop.example")
	if resp.StatusCode != 200 || resp.Header.Get("Access-Control-Allow-Origin") != "https://shop.example" ||
		!strings.Contains(resp.Header.Get("Access-Control-Expose-Headers"), "retry-after") {
		t.Errorf("a request of a listed origin: %d %v", resp.StatusCode, resp.Header)
	}
	if resp = post(h, queryText, "Origin", "https://evil.example"); resp.StatusCode != 403 || code(t, resp) != "FORBIDDEN" {
		t.Errorf("a request of a foreign origin: %d", resp.StatusCode)
	}
}

func TestAnswerHasItsLengthAndNoSecrets(t *testing.T) {
	resp := post(handler(transporttest.NewNode(t)), queryText, "Authorization", "Bearer "+transporttest.Key)
	body, _ := io.ReadAll(resp.Body)
	if string(body) != `{"data":{"__typename":"Query"}}` || resp.Header.Get("Content-Length") != "31" {
		t.Errorf("%s %v", body, resp.Header)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type: %s", got)
	}
}
