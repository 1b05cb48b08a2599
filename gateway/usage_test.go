package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
	"github.com/sluice-gateway/sluice/analytics/ledger/billing"
	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

var errLedger = errors.New("the ledger fails: hunter2")

// A shelf is a ledger's hours.
type shelf struct {
	entries []ledger.Entry
	fail    int           // after so many entries; 0: never
	filled  int           // entries that are made up besides, a thousand an hour
	hold    chan struct{} // reading waits for it; nil: it does not
	reading chan struct{} // is told that reading has begun; nil: nobody is
}

func (s *shelf) Hours(ctx context.Context, q ledger.Query, each func(ledger.Entry) error) error {
	if s.reading != nil {
		s.reading <- struct{}{}
	}
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	all := s.entries
	for n := range s.filled {
		all = append(all, ledger.Entry{
			Key:  ledger.Key{Consumer: "shop", Field: fmt.Sprint("Query.f", n)},
			Hour: november.Add(time.Duration(n/1000) * time.Hour), Usage: ledger.Usage{Requests: 1},
		})
	}
	for n, e := range all {
		if s.fail > 0 && n >= s.fail {
			return errLedger
		}
		wanted := !e.Hour.Before(q.From) && e.Hour.Before(q.To) && (q.Consumer == "" || q.Consumer == e.Consumer) && (q.Issuer == nil || *q.Issuer == e.Issuer)
		if !wanted {
			continue
		}
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

var november = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)

func newShelf() *shelf {
	s := new(shelf)
	for day := range 2 {
		for _, of := range [][2]string{{"", ""}, {"", "shop"}, {"", "till"}, {"https://id.example", "shop"}} {
			s.entries = append(s.entries, ledger.Entry{
				Key:  ledger.Key{Issuer: of[0], Consumer: of[1], Plan: "metered", Field: "Subscription.tick"},
				Hour: november.Add(time.Duration(day) * 24 * time.Hour), Usage: ledger.Usage{Events: 7},
			})
		}
	}
	return s
}

// usageOptions are those of a gateway with usage, for a consumer of keys, one of tokens with the same name,
// and who reads all.
func usageOptions(s *shelf) gateway.Options {
	viewers := transporttest.NewViewers()
	viewers.Set("shop", &auth.Viewer{Consumer: "shop", Scopes: []string{"publish"}})
	viewers.Set("token", &auth.Viewer{Consumer: "shop", Issuer: "https://id.example", Subject: "shop"})
	viewers.Set("ann", &auth.Viewer{Consumer: "shop", Issuer: "https://id.example", Subject: "ann"})
	viewers.Set("books", &auth.Viewer{Consumer: "books", Scopes: []string{"usage:read"}})
	return gateway.Options{
		Authenticator: viewers, Usage: s, Origins: []string{"https://shop.example"},
		Prices: billing.Prices{"metered": {Currency: "EUR", Events: []billing.Tier{{Rate: billing.Rate{Price: 1_000_000}}}}},
	}
}

const usageColumns = "start,step,issuer,consumer,plan,field,events,bytes,connected_ms,requests\n"

func usageRow(start, step, issuer, consumer string, events int) string {
	return fmt.Sprintf("%sT00:00:00Z,%s,%s,%s,metered,Subscription.tick,%d,0,0,0\n", start, step, issuer, consumer, events)
}

func TestWhoReadsWhichUsage(t *testing.T) {
	_, public, operator := serve(t, usageOptions(newShelf()))
	const range_ = "from=2026-11-01&to=2026-12-01&step=month"
	invoice := func(issuer, consumer string) string {
		return fmt.Sprintf("2026-11,%s,%s,metered,events,event,14,1.000000,1,EUR,14.000000\n2026-11,%s,%s,,total,,,,,EUR,14.000000\n", issuer, consumer, issuer, consumer)
	}
	const invoiceColumns = "month,issuer,consumer,plan,item,unit,quantity,price,per,currency,amount\n"
	for _, c := range []struct {
		name, viewer, path string
		status             int
		want               string
	}{
		{"anonymous callers read nothing", "", "/usage?" + range_, 401, `"UNAUTHENTICATED"`},
		{"nor do bad credentials", "nobody", "/usage?" + range_, 401, `"UNAUTHENTICATED"`},
		{"a consumer reads its own", "shop", "/usage?" + range_, 200, usageColumns + usageRow("2026-11-01", "month", "", "shop", 14)},
		{"also when it names itself", "shop", "/usage?consumer=shop&" + range_, 200, usageColumns + usageRow("2026-11-01", "month", "", "shop", 14)},
		{"another's name is refused", "shop", "/usage?consumer=till&" + range_, 403, `"missingScopes":["usage:read"]`},
		{"a consumer of another issuer is another", "token", "/usage?" + range_, 200, usageColumns + usageRow("2026-11-01", "month", "https://id.example", "shop", 14)},
		{
			"the scope reads all", "books", "/usage?" + range_, 200, usageColumns + usageRow("2026-11-01", "month", "", "", 14) +
				usageRow("2026-11-01", "month", "", "shop", 14) + usageRow("2026-11-01", "month", "", "till", 14) + usageRow("2026-11-01", "month", "https://id.example", "shop", 14),
		},
		{"and whom it names, of every issuer", "books", "/usage?consumer=shop&from=2026-11-02&to=2026-11-03&step=day", 200, usageColumns +
			usageRow("2026-11-02", "day", "", "shop", 7) + usageRow("2026-11-02", "day", "https://id.example", "shop", 7)},
		{"nobody's usage is a file, too", "books", "/usage?consumer=nobody&" + range_, 200, usageColumns},
		{"as JSON", "shop", "/usage?format=json&" + range_, 200, `[` + "\n" + `{"start":"2026-11-01T00:00:00Z","step":"month","issuer":"","consumer":"shop","plan":"metered",` +
			`"field":"Subscription.tick","events":14,"bytes":0,"connected_ms":0,"requests":0}` + "\n]\n"},
		{"an invoice needs credentials", "", "/usage/invoice?month=2026-11", 401, `"UNAUTHENTICATED"`},
		{"a consumer reads its own invoice", "token", "/usage/invoice?month=2026-11&format=csv", 200, invoiceColumns + invoice("https://id.example", "shop")},
		{"an end user of it does not", "ann", "/usage?" + range_, 403, `an end user does not see`},
		{"nor its invoice", "ann", "/usage/invoice?month=2026-11", 403, `"FORBIDDEN"`},
		{"and no other", "shop", "/usage/invoice?month=2026-11&format=csv&consumer=till", 403, `"FORBIDDEN"`},
		{"the scope reads every invoice", "books", "/usage/invoice?month=2026-11&format=csv", 200, invoiceColumns + invoice("", "shop") + invoice("", "till") + invoice("https://id.example", "shop")},
		{"and one", "books", "/usage/invoice?month=2026-11&format=csv&consumer=till", 200, invoiceColumns + invoice("", "till")},
		{"invoices are JSON by default", "books", "/usage/invoice?month=2026-12", 200, "[]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, listener := range []string{public, operator} {
				answer, text := do(t, http.MethodGet, listener+c.path, "", "", "Authorization", c.viewer)
				if answer.StatusCode != c.status || c.status == 200 && text != c.want || !strings.Contains(text, c.want) {
					t.Errorf("%d\n%s, want %d\n%s", answer.StatusCode, text, c.status, c.want)
				}
			}
		})
	}
}

func TestMistakesWithUsageSayWhatToDo(t *testing.T) {
	_, public, operator := serve(t, usageOptions(newShelf()))
	for _, c := range []struct {
		name, method, path string
		status             int
		says               string
	}{
		{"another method", "POST", "/usage?from=2026-11-01", 405, "by GET"},
		{"no begin", "GET", "/usage", 400, "parameter from: give a day such as 2026-11-01"},
		{"half an hour", "GET", "/usage?from=2026-11-01T00:30:00Z", 400, "a full hour of UTC"},
		{"an end before the begin", "GET", "/usage?from=2026-11-02&to=2026-11-01", 400, "parameter to: it is before from"},
		{"an unknown step", "GET", "/usage?from=2026-11-02&step=week", 400, "none of hour, day and month"},
		{"an unknown format", "GET", "/usage?from=2026-11-02&format=xml", 400, "neither csv nor json"},
		{"an unknown parameter", "GET", "/usage?from=2026-11-02&consumers=till", 400, "the parameters are from, to, step, format, consumer"},
		{"a parameter that stands there twice", "GET", "/usage?from=2026-11-02&consumer=till&consumer=shop", 400, "give it once"},
		{"a query that is badly encoded", "GET", "/usage?from=%zz", 400, "not well encoded"},
		{"no month", "GET", "/usage/invoice", 400, "parameter month: give a month such as 2026-11"},
		{"a day for a month", "GET", "/usage/invoice?month=2026-11-01", 400, "a month such as 2026-11"},
		{"a parameter of the other route", "GET", "/usage/invoice?month=2026-11&step=day", 400, "the parameters are month, format, consumer"},
		{"a path under it", "GET", "/usage/november", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, listener := range []string{public, operator} {
				answer, text := do(t, c.method, listener+c.path, "", "", "Authorization", "books")
				if answer.StatusCode != c.status || !strings.Contains(text, c.says) {
					t.Errorf("%d %s, want %d and %q", answer.StatusCode, text, c.status, c.says)
				}
				if c.says != "" && (!strings.Contains(text, `"code":"BAD_REQUEST"`) || answer.Header.Get("Content-Disposition") != "") {
					t.Errorf("%v %s", answer.Header, text)
				}
			}
		})
	}
}

func TestAGatewayThatKeepsNoUsageSaysSo(t *testing.T) {
	options := usageOptions(nil)
	options.Usage = nil
	_, public, _ := serve(t, options)
	for _, path := range []string{"/usage?from=2026-11-01", "/usage/invoice?month=2026-11"} {
		if answer, text := do(t, http.MethodGet, public+path, "", ""); answer.StatusCode != 404 || !strings.Contains(text, `"NOT_FOUND"`) || !strings.Contains(text, "keeps no usage") {
			t.Errorf("%d %s", answer.StatusCode, text)
		}
	}
	options = usageOptions(newShelf())
	options.Prices = nil
	_, public, _ = serve(t, options)
	answer, text := do(t, http.MethodGet, public+"/usage/invoice?month=2026-11", "", "", "Authorization", "books")
	if answer.StatusCode != 404 || !strings.Contains(text, `"NOT_FOUND"`) || !strings.Contains(text, "no prices") {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
}

func TestTheHeadersOfUsage(t *testing.T) {
	_, public, _ := serve(t, usageOptions(newShelf()))
	get := func(path string) http.Header {
		t.Helper()
		answer, text := do(t, http.MethodGet, public+path, "", "", "Authorization", "books", "Origin", "https://shop.example")
		if answer.StatusCode != 200 {
			t.Fatalf("%d %s", answer.StatusCode, text)
		}
		return answer.Header
	}
	h := get("/usage?from=2026-11-01&to=2026-11-02T13:00:00Z&step=day")
	if got := h.Get("Content-Disposition"); got != `attachment; filename="usage_2026-11-01_2026-11-02T13_day.csv"` {
		t.Errorf("the file is %s", got)
	}
	if h.Get("Content-Type") != "text/csv; charset=utf-8" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Access-Control-Allow-Origin") != "https://shop.example" {
		t.Errorf("the headers are %v", h)
	}
	if h := get("/usage/invoice?month=2026-11"); h.Get("Content-Disposition") != `attachment; filename="invoice_2026-11.json"` || h.Get("Content-Type") != "application/json; charset=utf-8" {
		t.Errorf("the headers are %v", h)
	}
	if answer, _ := do(t, http.MethodGet, public+"/usage?from=2026-11-01", "", "", "Authorization", "books", "Origin", "https://evil.example"); answer.StatusCode != 403 {
		t.Errorf("a page that is not listed gets %d", answer.StatusCode)
	}
	answer, _ := do(t, http.MethodOptions, public+"/usage", "", "", "Origin", "https://shop.example", "Access-Control-Request-Method", "GET")
	if answer.StatusCode != 204 || answer.Header.Get("Access-Control-Allow-Methods") != "GET" {
		t.Errorf("a preflight gets %d %v", answer.StatusCode, answer.Header)
	}
}

func TestALedgerThatFailsBeforeTheFileBeginsIsARefusal(t *testing.T) {
	s := newShelf()
	s.fail = 3
	_, public, _ := serve(t, usageOptions(s))
	for _, path := range []string{"/usage?from=2026-11-01&to=2026-12-01", "/usage/invoice?month=2026-11"} {
		answer, text := do(t, http.MethodGet, public+path, "", "", "Authorization", "books")
		if answer.StatusCode != 503 || !strings.Contains(text, `"USAGE_UNAVAILABLE"`) || strings.Contains(text, "hunter2") ||
			answer.Header.Get("Retry-After") == "" || answer.Header.Get("Content-Disposition") != "" {
			t.Errorf("%d %v %s", answer.StatusCode, answer.Header, text)
		}
	}
}

// Whoever stores the file must not take it for whole.
func TestALedgerThatFailsInTheMiddleBreaksTheConnection(t *testing.T) {
	s := &shelf{filled: 20_000, fail: 15_000}
	g, _, _ := serve(t, usageOptions(s))
	both := httptest.NewUnstartedServer(g)
	both.EnableHTTP2 = true
	both.StartTLS()
	t.Cleanup(both.Close)
	secure := both.Client()
	t.Cleanup(secure.CloseIdleConnections)
	plain := httptest.NewServer(g)
	t.Cleanup(plain.Close)
	for _, c := range []struct {
		name, url string
		client    *http.Client
	}{{"HTTP/1.1", plain.URL, http.DefaultClient}, {"HTTP/2", both.URL, secure}} {
		for _, format := range []string{"csv", "json"} {
			t.Run(c.name+" "+format, func(t *testing.T) {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+"/usage?from=2026-11-01&to=2026-12-01&format="+format, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Authorization", "books")
				answer, err := c.client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = answer.Body.Close() }()
				text, err := io.ReadAll(answer.Body)
				if answer.StatusCode != 200 || err == nil || len(text) == 0 {
					t.Errorf("%d, %d bytes (%v), want a file that breaks off", answer.StatusCode, len(text), err)
				}
			})
		}
	}
}

func TestFilesOfUsageAreSentAFewAtATime(t *testing.T) {
	s := &shelf{entries: newShelf().entries, hold: make(chan struct{}), reading: make(chan struct{}, 16)}
	options := usageOptions(s)
	g, public, operator := serve(t, options)
	path := "/usage?from=2026-11-01&to=2026-12-01"
	var waiting sync.WaitGroup
	for range 2 {
		waiting.Go(func() {
			if answer, text := do(t, http.MethodGet, public+path, "", "", "Authorization", "shop"); answer.StatusCode != 200 {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
		<-s.reading
	}
	answer, text := do(t, http.MethodGet, public+path, "", "", "Authorization", "shop")
	if answer.StatusCode != 429 || !strings.Contains(text, `"RATE_LIMITED"`) || answer.Header.Get("Retry-After") == "" {
		t.Errorf("a third file gets %d %s", answer.StatusCode, text)
	}
	for _, c := range [][2]string{{public, "token"}, {operator, "shop"}} { // another consumer, another listener
		waiting.Go(func() {
			if answer, text := do(t, http.MethodGet, c[0]+path, "", "", "Authorization", c[1]); answer.StatusCode != 200 {
				t.Errorf("%d %s", answer.StatusCode, text)
			}
		})
		<-s.reading
	}
	if n := g.Stats().Refusals["usage-files"]; n != 1 {
		t.Errorf("%d refusals are counted", n)
	}
	close(s.hold)
	waiting.Wait()
	if answer, text := do(t, http.MethodGet, public+path, "", "", "Authorization", "shop"); answer.StatusCode != 200 {
		t.Errorf("after that it gets %d %s", answer.StatusCode, text)
	}
}

func TestAFileForHTTP10IsRefused(t *testing.T) {
	_, public, _ := serve(t, usageOptions(newShelf()))
	at, err := url.Parse(public)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", at.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /usage?from=2026-11-01 HTTP/1.0\r\nAuthorization: books\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(text), "HTTP/1.0 505 ") || !strings.Contains(string(text), "HTTP/1.1 or later") {
		t.Errorf("%s (%v)", text, err)
	}
}

func FuzzUsageQuery(f *testing.F) {
	for _, query := range []string{"from=2026-11-01", "from=2026-11-01T13:00:00%2B02:00&to=2026-12-01&step=day&format=json&consumer=a%00b", "month=2026-11", "from=%zz", "a;b"} {
		f.Add(query)
	}
	g, err := gateway.New(testschema.New(), usageOptions(newShelf()))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = g.Close(context.Background(), 0) })
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/usage", "/usage/invoice"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL.RawQuery = query
			r.Header.Set("Authorization", "shop")
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			switch w.Code {
			case 200:
				if strings.Contains(w.Body.String(), "till") {
					t.Errorf("%q shows another consumer: %s", query, w.Body)
				}
			case 400, 403:
				if !json.Valid(w.Body.Bytes()) {
					t.Errorf("%q is refused by %s", query, w.Body)
				}
			default:
				t.Errorf("%q gets %d %s", query, w.Code, w.Body)
			}
		}
	})
}
