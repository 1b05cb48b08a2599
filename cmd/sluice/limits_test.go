package main

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/limits"
)

func TestRates(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       limits.Rate // zero: an error
	}{
		{"a burst that is left out is twice as many", "50", limits.Rate{PerSecond: 50, Burst: 100}},
		{"a burst of its own", "50:200", limits.Rate{PerSecond: 50, Burst: 200}},
		{"a burst that is less than a second's", "50:1", limits.Rate{PerSecond: 50, Burst: 1}},
		{"less than one a second", "0.1", limits.Rate{PerSecond: 0.1, Burst: 1}},
		{"a burst is rounded up", "1.2", limits.Rate{PerSecond: 1.2, Burst: 3}},
		{"no limit", "unlimited", limits.UnlimitedRate},
		{name: "nothing", text: ""},
		{name: "a word", text: "many"},
		{name: "zero is not unlimited", text: "0"},
		{name: "zero with a burst", text: "0:10"},
		{name: "a negative rate", text: "-1"},
		{name: "a burst of zero", text: "50:0"},
		{name: "a negative burst", text: "50:-1"},
		{name: "a burst without a number", text: "50:"},
		{name: "a burst alone", text: ":200"},
		{name: "half a thing at once", text: "50:1.5"},
		{name: "an unlimited burst", text: "50:unlimited"},
		{name: "three numbers", text: "50:200:10"},
		{name: "a unit", text: "50/s"},
		{name: "infinity, for which there is a word", text: "Inf"},
		{name: "infinity with a burst", text: "+Inf:5"},
		{name: "no number", text: "NaN"},
		{name: "more than a number can hold", text: "1e999"},
		{name: "a burst that takes years to come again", text: "0.0001:100000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r rate
			err := r.UnmarshalText([]byte(c.text))
			if (err != nil) != (c.want == limits.Rate{}) || limits.Rate(r) != c.want {
				t.Fatalf("%+v, %v", r, err)
			}
			if err != nil {
				if !strings.Contains(err.Error(), "50:200") || !strings.Contains(err.Error(), "unlimited") {
					t.Errorf("the error does not say what to write: %v", err)
				}
				return
			}
			var again rate
			back, _ := r.MarshalText()
			if again.UnmarshalText(back) != nil || again != r {
				t.Errorf("it is written as %q", back)
			}
		})
	}
}

// Every limit of callers and sessions has a setting, which reaches the gateway.
func TestTheLimitsOfCallers(t *testing.T) {
	options := func(flags []string) gateway.Options {
		c, err := load(t, flags, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		return gatewayOptions(c, nil, nil, nil, nil, new(persisted), new(budgets))
	}
	counts := []struct {
		name, standard string
		of             func(*gateway.Options) int
	}{
		{"max-sessions", "", func(o *gateway.Options) int { return o.Sessions.Sessions }},
		{"max-sessions-per-viewer", "100", func(o *gateway.Options) int { return o.Operation.Callers.Sessions }},
		{"max-sessions-per-address", "200", func(o *gateway.Options) int { return o.Sessions.PerAddress }},
		{"max-operations-per-viewer", "10000", func(o *gateway.Options) int { return o.Operation.Callers.Operations }},
	}
	rates := []struct {
		name, standard string
		of             func(*gateway.Options) limits.Rate
	}{
		{"session-rate", "2000:10000", func(o *gateway.Options) limits.Rate { return o.Sessions.Rate }},
		{"session-rate-per-address", "20:40", func(o *gateway.Options) limits.Rate { return o.Sessions.AddressRate }},
		{"request-rate-per-viewer", "1000:2000", func(o *gateway.Options) limits.Rate { return o.Operation.Callers.Requests }},
		{"request-rate-per-address", "1000:2000", func(o *gateway.Options) limits.Rate { return o.Operation.Callers.AddressRequests }},
		{"message-rate", "50:200", func(o *gateway.Options) limits.Rate { return o.WebSocket.Messages }},
		{"ping-rate", "10:20", func(o *gateway.Options) limits.Rate { return o.WebSocket.Pings }},
	}
	f := new(Config).flags()
	for _, c := range counts {
		for text, want := range map[string]int{"7": 7, "unlimited": math.MaxInt} {
			if o := options([]string{"--" + c.name, text}); c.of(&o) != want {
				t.Errorf("%s %s gives %d", c.name, text, c.of(&o))
			}
		}
		if got := f.Lookup(c.name).DefValue; c.standard != "" && got != c.standard {
			t.Errorf("%s is %s by default, want %s", c.name, got, c.standard)
		}
		for _, value := range []string{"0", "-1", "none"} {
			if _, err := load(t, []string{"--" + c.name, value}, nil, ""); err == nil {
				t.Errorf("%s of %s is accepted", c.name, value)
			}
		}
	}
	for _, c := range rates {
		for text, want := range map[string]limits.Rate{"7:9": {PerSecond: 7, Burst: 9}, "unlimited": limits.UnlimitedRate} {
			if o := options([]string{"--" + c.name, text}); c.of(&o) != want {
				t.Errorf("%s %s gives %+v", c.name, text, c.of(&o))
			}
		}
		if got := f.Lookup(c.name).DefValue; got != c.standard {
			t.Errorf("%s is %s by default, want %s", c.name, got, c.standard)
		}
	}
}

// A rate is one value in YAML, with quotes or without.
func TestRatesInAFile(t *testing.T) {
	c, err := load(t, nil, []string{"SLUICE_PING_RATE=3:4"},
		"message-rate: 50:59\nrequest-rate-per-viewer: \"5:6\"\nsession-rate: 7\nsession-rate-per-address: 0.5\nrequest-rate-per-address: unlimited\nping-rate: 1:1\n")
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][2]rate{
		"message-rate":             {c.MessageRate, {PerSecond: 50, Burst: 59}},
		"request-rate-per-viewer":  {c.RequestRate, {PerSecond: 5, Burst: 6}},
		"session-rate":             {c.SessionRate, {PerSecond: 7, Burst: 14}},
		"session-rate-per-address": {c.AddressSessionRate, {PerSecond: 0.5, Burst: 1}},
		"request-rate-per-address": {c.AddressRequestRate, rate(limits.UnlimitedRate)},
		"ping-rate":                {c.PingRate, {PerSecond: 3, Burst: 4}},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %+v, want %+v", name, got[0], got[1])
		}
	}
	_, err = load(t, nil, nil, "message-rate: 0\n")
	if err == nil || !strings.Contains(err.Error(), `sluice.yaml:1: message-rate: "0": give a number a second above 0`) {
		t.Errorf("zero: %v", err)
	}
}

func TestWhatAPlanSaysOfSessionsAndOperations(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int // 0: an error
	}{
		{"a number", "5", 5},
		{"a number in quotes", `"5"`, 5},
		{"no limit", "unlimited", math.MaxInt},
		{name: "zero is not unlimited", text: "0"},
		{name: "a negative number", text: "-3"},
		{name: "half a session", text: "1.5"},
		{name: "a word", text: "many"},
		{name: "nothing", text: ""},
		{name: "null", text: "null"},
		{name: "a list", text: "[5]"},
		{name: "terms", text: "{events: 5, per: DAY}"},
	} {
		for _, setting := range []string{"sessions", "operations"} {
			t.Run(setting+": "+c.name, func(t *testing.T) {
				config, err := load(t, nil, nil, "plans:\n  free:\n    "+setting+": "+c.text+"\n")
				if c.want == 0 {
					if err == nil || !strings.Contains(err.Error(), "plans: free: "+setting+": give a number above 0, or unlimited") {
						t.Errorf("the error is %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				want := limits.Plan{Sessions: c.want}
				if setting == "operations" {
					want = limits.Plan{Operations: c.want}
				}
				if got := config.Plans[0]; got.Sessions != want.Sessions || got.Operations != want.Operations {
					t.Errorf("the plan is %+v", got)
				}
			})
		}
	}
}

func TestUncountedAddresses(t *testing.T) {
	office := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}
	for _, c := range []struct {
		name       string
		flags, env []string
		file       string
		want       []netip.Prefix // nil: what the gateway has by default
	}{
		{name: "left out"},
		{"none", []string{"--uncounted-addresses", "none"}, nil, "", []netip.Prefix{}},
		{"none in the environment", nil, []string{"SLUICE_UNCOUNTED_ADDRESSES=none"}, "", []netip.Prefix{}},
		{"none in the file", nil, nil, "uncounted-addresses: none", []netip.Prefix{}},
		{"networks", []string{"--uncounted-addresses", "10.1.2.3/16, 2001:db8::/32"}, nil, "", office},
		{"a list in the file", nil, nil, "uncounted-addresses: [10.1.0.0/16, 2001:db8::/32]", office},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, err := load(t, c.flags, c.env, c.file)
			if err != nil {
				t.Fatal(err)
			}
			o := gatewayOptions(config, nil, nil, nil, nil, new(persisted), new(budgets))
			got := o.Operation.Callers.Uncounted
			if (got == nil) != (c.want == nil) || !slices.Equal(got, c.want) {
				t.Errorf("they are %#v, want %#v", got, c.want)
			}
		})
	}
	for _, bad := range []string{"127.0.0.1", "all", "10.0.0.0/8,none", ""} {
		_, err := load(t, []string{"--uncounted-addresses", bad}, nil, "")
		if err == nil || !strings.Contains(err.Error(), "give networks such as 10.0.0.0/8") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
