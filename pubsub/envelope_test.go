package pubsub_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gateway/sluice/pubsub"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// noon is when the messages of these tests arrive.
var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

func TestUnseal(t *testing.T) {
	const payload = `{"id":42}`
	micros := noon.Add(-time.Second).UnixMicro()
	published := fmt.Sprint(" t=", micros)
	for _, test := range []struct {
		name, message string
		payload       string // "" means payload
		published     time.Time
		trace         string
	}{
		{"a bare payload says nothing", payload, "", time.Time{}, ""},
		{"an envelope says when and in which trace", "~1" + published + " tp=" + traceparent + "\n" + payload, "", noon.Add(-time.Second), traceparent},
		{"the order of keys does not matter", "~1 tp=" + traceparent + published + "\n" + payload, "", noon.Add(-time.Second), traceparent},
		{"every key may be left out", "~1\n" + payload, "", time.Time{}, ""},
		{"unknown keys are passed over", "~1 epoch=a:b=c id=" + published + " x_2=~\n" + payload, "", noon.Add(-time.Second), ""},
		{"the last of two counts", "~1 t=1 tp=" + traceparent + published + " tp=?\n" + payload, "", noon.Add(-time.Second), ""},
		{"a clock that is ahead is put back", fmt.Sprint("~1 t=", noon.Add(time.Hour).UnixMicro(), "\n", payload), "", noon, ""},
		{"a payload of several lines is whole", "~1" + published + "\n{\n}\n", "{\n}\n", noon.Add(-time.Second), ""},
		{"an envelope is taken off once", "~1\n~1\n{}", "~1\n{}", time.Time{}, ""},
		{"a time of zero is none", "~1 t=0\n" + payload, "", time.Time{}, ""},
		{"a time that is no number is none", "~1 t=noon\n" + payload, "", time.Time{}, ""},
		{"a time with a sign is none", "~1 t=-5\n" + payload, "", time.Time{}, ""},
		{"an empty time is none", "~1 t=\n" + payload, "", time.Time{}, ""},
		{"a time with too many digits is none", "~1 t=123456789012345678\n" + payload, "", time.Time{}, ""},
		{"a traceparent of another version is none", "~1 tp=01" + traceparent[2:] + "\n" + payload, "", time.Time{}, ""},
		{"a traceparent in capitals is none", "~1 tp=" + strings.ToUpper(traceparent) + "\n" + payload, "", time.Time{}, ""},
		{"a traceparent of zeros is none", "~1 tp=00-" + strings.Repeat("0", 32) + traceparent[35:] + "\n" + payload, "", time.Time{}, ""},
		{"a traceparent with more behind it is none", "~1 tp=" + traceparent + "-x\n" + payload, "", time.Time{}, ""},
		{"the longest envelope", "~1 x=" + strings.Repeat("x", 506) + "\n" + payload, "", time.Time{}, ""},

		{"an envelope that is too long is payload", "~1 x=" + strings.Repeat("x", 507) + "\n{}", "~1 x=" + strings.Repeat("x", 507) + "\n{}", time.Time{}, ""},
		{"another version is payload", "~2 t=1\n{}", "~2 t=1\n{}", time.Time{}, ""},
		{"a version that goes on is payload", "~10 t=1\n{}", "~10 t=1\n{}", time.Time{}, ""},
		{"a line that does not end is payload", "~1 t=1", "~1 t=1", time.Time{}, ""},
		{"a line of Windows is payload", "~1 t=1\r\n{}", "~1 t=1\r\n{}", time.Time{}, ""},
		{"two spaces are payload", "~1  t=1\n{}", "~1  t=1\n{}", time.Time{}, ""},
		{"a space at the end is payload", "~1 t=1 \n{}", "~1 t=1 \n{}", time.Time{}, ""},
		{"a key without a value is payload", "~1 t\n{}", "~1 t\n{}", time.Time{}, ""},
		{"a value without a key is payload", "~1 =1\n{}", "~1 =1\n{}", time.Time{}, ""},
		{"a key in capitals is payload", "~1 T=1\n{}", "~1 T=1\n{}", time.Time{}, ""},
		{"a value that cannot be seen is payload", "~1 x=\x00\n{}", "~1 x=\x00\n{}", time.Time{}, ""},
		{"a tilde is payload", "~", "~", time.Time{}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.payload == "" {
				test.payload = payload
			}
			e := pubsub.Unseal("price.42", test.message, noon)
			if e.Topic != "price.42" || string(e.Payload) != test.payload || !e.Received.Equal(noon) {
				t.Errorf("event = %q %q %v", e.Topic, e.Payload, e.Received)
			}
			if !e.Published.Equal(test.published) || e.Trace != test.trace {
				t.Errorf("published %v, trace %q", e.Published, e.Trace)
			}
		})
	}
}

func TestThePositionOfAnEnvelope(t *testing.T) {
	for _, test := range []struct{ name, message, want string }{
		{"it is read", "~1 p=" + at42 + " t=1\n{}", at42},
		{"its place does not matter", "~1 t=1 p=" + at42 + "\n{}", at42},
		{"the longest", "~1 p=" + longAt + "\n{}", longAt},
		{"the last of two counts", "~1 p=1-1-" + id + " p=" + at42 + "\n{}", at42},
		{"the last of two counts, though it is none", "~1 p=" + at42 + " p=?\n{}", ""},
		{"the place before the first event", "~1 p=1-0-" + noID + "\n{}", "1-0-" + noID},
		{"what is none is none", "~1 p=5f2b-042-" + id + "\n{}", ""},
		{"a payload says none", "p=" + at42 + "\n{}", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := pubsub.Unseal("price.42", test.message, noon)
			want, _ := pubsub.ParsePosition(test.want)
			if e.Position != want {
				t.Errorf("position %v", e.Position)
			}
		})
	}
}

func TestAPositionIsSealedWithTheRest(t *testing.T) {
	at, _ := pubsub.ParsePosition(longAt)
	message := pubsub.SealAt(at, pubsub.Seal(pubsub.WithTrace(t.Context(), traceparent), []byte("{}")))
	e := pubsub.Unseal("price.42", string(message), time.Now())
	if e.Position != at || e.Trace != traceparent || e.Published.IsZero() || string(e.Payload) != "{}" {
		t.Errorf("%q became %+v", message, e)
	}
}

func TestWhatIsSealedIsUnsealed(t *testing.T) {
	for name, trace := range map[string]string{"with a trace": traceparent, "without a trace": ""} {
		t.Run(name, func(t *testing.T) {
			before := time.Now().Truncate(time.Microsecond)
			message := pubsub.Seal(pubsub.WithTrace(t.Context(), trace), []byte("{}"))
			e := pubsub.Unseal("price.42", string(message), time.Now())
			if string(e.Payload) != "{}" || e.Trace != trace || e.Published.Before(before) || e.Published.After(e.Received) {
				t.Errorf("%q became %q, published %v, trace %q", message, e.Payload, e.Published, e.Trace)
			}
		})
	}
}

func TestATraceThatIsNoneChangesNothing(t *testing.T) {
	ctx := pubsub.WithTrace(t.Context(), traceparent)
	for _, trace := range []string{"", "00", traceparent + "\n", traceparent[:52] + " 01"} {
		if got := pubsub.TraceFrom(pubsub.WithTrace(ctx, trace)); got != traceparent {
			t.Errorf("WithTrace(%q): %q", trace, got)
		}
	}
}

// The event, its payload and its trace: no more.
func TestUnsealingAllocatesWhatItReturns(t *testing.T) {
	ctx := pubsub.WithTrace(t.Context(), traceparent)
	at, _ := pubsub.ParsePosition(at42)
	message := string(pubsub.SealAt(at, pubsub.Seal(ctx, []byte(`{"id":42}`))))
	if n := testing.AllocsPerRun(100, func() { pubsub.Unseal("price.42", message, noon) }); n > 3 {
		t.Errorf("%v allocations with an envelope", n)
	}
	if n := testing.AllocsPerRun(100, func() { pubsub.Unseal("price.42", `{"id":42}`, noon) }); n > 2 {
		t.Errorf("%v allocations without an envelope", n)
	}
}

func ExampleWithTrace() {
	ctx := pubsub.WithTrace(context.Background(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	message := pubsub.Seal(ctx, []byte(`{"amount":"9.90"}`))
	e := pubsub.Unseal("price.42", string(message), time.Now())
	fmt.Println(e.Trace)
	fmt.Printf("%s\n", e.Payload)
	// Output:
	// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
	// {"amount":"9.90"}
}

func FuzzUnseal(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "~", "~1", "~1\n", "~1 t=1 tp=" + traceparent + "\n{}", "~1 t=99999999999999999\n", "~1 a=b c=d\n~1\n", "~1 \n", "~1 =\n",
		"~1 x=" + strings.Repeat("x", 600) + "\n", "~1 p=" + at42 + " t=1\n{}", "~1 p=" + longAt + " p=0-0-\n{}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		e := pubsub.Unseal("price.42", message, noon)
		if !strings.HasSuffix(message, string(e.Payload)) {
			t.Fatalf("%q has the payload %q", message, e.Payload)
		}
		header := message[:len(message)-len(e.Payload)]
		if header != "" && (!strings.HasPrefix(header, "~1") || strings.IndexByte(header, '\n') != len(header)-1 || len(header) > 512) {
			t.Fatalf("%q was taken for an envelope", header)
		}
		if e.Published.After(noon) || e.Trace != "" && pubsub.TraceFrom(pubsub.WithTrace(context.Background(), e.Trace)) != e.Trace {
			t.Fatalf("published %v, trace %q", e.Published, e.Trace)
		}
		if !e.Position.IsZero() && (e.Position.Offset == 0 || !strings.Contains(header, " p="+e.Position.String())) {
			t.Fatalf("%q has position %v", message, e.Position)
		}
		if header == "" && (!e.Published.IsZero() || e.Trace != "" || !e.Position.IsZero()) {
			t.Fatalf("%q says something without an envelope", message)
		}
	})
}

func BenchmarkUnseal(b *testing.B) {
	payload := []byte(`{"amount":"9.90"}`)
	traced := string(pubsub.Seal(pubsub.WithTrace(b.Context(), traceparent), payload))
	for _, bench := range []struct{ name, message string }{
		{"bare", string(payload)},
		{"sealed", string(pubsub.Seal(b.Context(), payload))},
		{"traced", traced},
		{"kept", string(pubsub.SealAt(pubsub.Position{Epoch: 1 << 63, Offset: 42}, []byte(traced)))},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				pubsub.Unseal("price.42", bench.message, noon)
			}
		})
	}
}

func BenchmarkSeal(b *testing.B) {
	ctx := pubsub.WithTrace(b.Context(), traceparent)
	payload := []byte(`{"amount":"9.90"}`)
	b.ReportAllocs()
	for b.Loop() {
		pubsub.Seal(ctx, payload)
	}
}
