package model

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/store"
)

func TestDecodePriceChange(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		want          string // the event as JSON; where empty, the payload is refused
		blames        string
	}{
		{
			name:    "a whole event is read and written again",
			payload: `{"productId":"7","price":"12.50","previousPrice":"10.00","currency":"EUR","revision":3,"note":"sale","changedAt":"2026-11-21T10:48:00.125Z"}`,
			want:    `{"productId":"7","price":"12.50","previousPrice":"10.00","currency":"EUR","revision":3,"note":"sale","changedAt":"2026-11-21T10:48:00.125Z"}`,
		},
		{name: "a price may be a number", payload: `{"price":12.5}`, want: `{"price":"12.50"}`},
		{name: "fields may be missing", payload: `{}`, want: `{}`},
		{name: "null is as good as missing", payload: `{"price":null,"product":null}`, want: `{}`},
		{name: "fields we do not know do no harm", payload: `{"productId":"7","shop":{"id":[1]}}`, want: `{"productId":"7"}`},
		{name: "space around the object does no harm", payload: " \n{}\t", want: `{}`},
		{name: "a price in words is refused", payload: `{"productId":"7","price":"cheap"}`, blames: `"price"`},
		{name: "a price with a third decimal is refused", payload: `{"price":1.005}`, blames: `"price"`},
		{name: "a time of another kind is refused", payload: `{"price":"1.00","changedAt":"yesterday"}`, blames: `"changedAt"`},
		{name: "a time in seconds is refused", payload: `{"changedAt":1795258080}`, blames: `"changedAt"`},
		{name: "an id that is a number is refused", payload: `{"productId":7}`, blames: `"productId"`},
		{name: "a revision that is too large is refused", payload: `{"revision":3000000000}`, blames: `"revision"`},
		{name: "a product of the wrong type is refused", payload: `{"product":"7"}`, blames: `"product"`},
		{name: "null is no event", payload: `null`, blames: "not a JSON object"},
		{name: "a list is no event", payload: `[{}]`, blames: "not a JSON object"},
		{name: "nothing is no event", payload: ``, blames: "not a JSON object"},
		{name: "half an object is no event", payload: `{"productId":"7"`, blames: "unexpected end"},
		{name: "two objects are no event", payload: `{}{}`, blames: "after top-level value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			event, err := DecodePriceChange([]byte(c.payload))
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), c.blames) {
					t.Fatalf("the error is %v, want one that says %s", err, c.blames)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(event); string(got) != c.want {
				t.Fatalf("the event is %s, want %s", got, c.want)
			}
		})
	}
}

func TestOtherEventsNameTheFieldThatIsWrong(t *testing.T) {
	if _, err := DecodeStockChange([]byte(`{"stock":"many"}`)); err == nil || !strings.Contains(err.Error(), `"stock"`) {
		t.Errorf("the error is %v, want one about stock", err)
	}
	if _, err := DecodeOrderStatusChange([]byte(`{"status":"LOST"}`)); err == nil || !strings.Contains(err.Error(), `"status"`) {
		t.Errorf("the error is %v, want one about status", err)
	}
}

func TestAnEventCarriesAWholeProductOrNone(t *testing.T) {
	whole, _ := json.Marshal(store.Seed()[0])
	for _, c := range []struct {
		name, product string
		carried       bool
	}{
		{"a whole product is carried", string(whole), true},
		{"a partial product is not", `{"id":"1","name":"Lamp"}`, false},
		{"a product with a null is not", strings.Replace(string(whole), `"EUR"`, `null`, 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			event, err := DecodeStockChange([]byte(`{"product":` + c.product + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if (event.Product.Product != nil) != c.carried {
				t.Fatalf("the event carries %+v", event.Product.Product)
			}
			if again, _ := json.Marshal(event); c.carried && string(again) != `{"product":`+c.product+`}` {
				t.Errorf("the event is written as %s", again)
			}
		})
	}
}

// What a mutation returns is published as JSON, and every subscriber decodes it.
func TestAMutationsResultIsItsPayload(t *testing.T) {
	product := store.Seed()[0]
	note := "sale"
	sent, _ := json.Marshal(NewPriceChange(&store.Repriced{Product: product, Previous: 1}, &note))
	event, err := DecodePriceChange(sent)
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(event); string(again) != string(sent) {
		t.Errorf("%s was received as %s", sent, again)
	}
}

// Whatever arrives is an event or an error, and what is an event survives being sent on.
func FuzzDecodePriceChange(f *testing.F) {
	whole, _ := json.Marshal(store.Seed()[0])
	f.Add([]byte(`{"productId":"7","price":12.5,"revision":3,"changedAt":"2026-11-21T10:48:00Z","product":` + string(whole) + `}`))
	f.Add([]byte(`{"price":"1e9"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		event, err := DecodePriceChange(payload)
		if err != nil {
			return
		}
		sent, err := json.Marshal(event)
		if err != nil {
			t.Fatalf("%q cannot be written: %v", payload, err)
		}
		if _, err := DecodePriceChange(sent); err != nil {
			t.Fatalf("%q was written as %s: %v", payload, sent, err)
		}
	})
}

func TestUnmarshalDecimal(t *testing.T) {
	for _, c := range []struct {
		name string
		in   any
		want string
	}{
		{"a string", "12.50", "12.50"},
		{"a literal with a point", 12.34, "12.34"},
		{"the largest literal with a point", 9999999999999.99, "9999999999999.99"},
		{"a whole literal", int64(7), "7.00"},
		{"a number of the variables", json.Number("0.29"), "0.29"},
		{"a word", "cheap", ""},
		{"a truth", true, ""},
		{"null", nil, ""},
		{"a literal with three decimals", 1.005, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := UnmarshalDecimal(c.in)
			if (err == nil) != (c.want != "") || err == nil && d.String() != c.want {
				t.Fatalf("%v was read as %s (%v), want %q", c.in, d, err, c.want)
			}
		})
	}
}

func TestTimesAreWrittenInUTC(t *testing.T) {
	at, err := UnmarshalTime("2026-11-21T12:48:00.125+02:00")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	MarshalTime(at.In(time.FixedZone("", 3600))).MarshalGQL(&text)
	if text.String() != `"2026-11-21T10:48:00.125Z"` {
		t.Errorf("the time is %s", &text)
	}
	for _, bad := range []any{"yesterday", 12, nil} {
		if _, err := UnmarshalTime(bad); err == nil {
			t.Errorf("%v is no time", bad)
		}
	}
}
