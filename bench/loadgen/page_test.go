package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestAResultTellsItsNewestWrite(t *testing.T) {
	for _, c := range []struct {
		name   string
		result string
		want   int64
	}{
		{"no write", `{"nodes":[{"price":"599.95"},{"price":"0.50"}]}`, 0},
		{"one write", `{"nodes":[{"price":"599.95"},{"price":"5000.07"}]}`, 7},
		{"the newest is not the last", `{"nodes":[{"price":"5001.20"},{"price":"5000.99"}]}`, 120},
		{"the mark itself is no write", `{"price":"5000.00"}`, 0},
		{"a name that imitates a price", `{"name":"\"price\":\"9999.99","price":"5000.01"}`, 1},
		{"a price without cents", `{"price":"6000"}`, 0},
		{"a price with three digits", `{"price":"6000.001"}`, 0},
		{"more digits than a price has", `{"price":"99999999999999999999.00"}`, 0},
		{"cut within the price", `{"price":"5000.0`, 0},
		{"nothing", ``, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := newestIn([]byte(c.result)); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

// Whatever the names are, the scanner agrees with a JSON parser about results of our making.
func FuzzNewestIn(f *testing.F) {
	f.Add("Kettle", int64(7), int64(3))
	f.Add(`"price":"9999.99"`, int64(0), int64(100))
	f.Fuzz(func(t *testing.T, name string, a, b int64) {
		if min(a, b) < 0 || max(a, b) > 1e6 {
			return
		}
		type node struct {
			Name  string `json:"name"`
			Price string `json:"price"`
		}
		result, err := json.Marshal([]node{{name, priceOf(a)}, {name, priceOf(b)}})
		if err != nil {
			return
		}
		if got := newestIn(result); got != max(a, b) {
			t.Errorf("%s: got %d", result, got)
		}
		newestIn([]byte(name)) // anything at all: no panic
	})
}

func TestAPageLearnsItsProducts(t *testing.T) {
	for _, c := range []struct {
		name   string
		result string
		want   []string // nil: an error
	}{
		{"an answer over HTTP", `{"data":{"products":{"nodes":[{"id":"9"},{"id":"12"}]}}}`, []string{"9", "12"}},
		{"a message over WebSocket", `{"id":"1","type":"next","payload":{"data":{"products":{"nodes":[{"id":"9"}]}},"isLive":true}}`, []string{"9"}},
		{"no product at all", `{"data":{"products":{"nodes":[]}}}`, nil},
		{"no JSON", `<html>`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := new(page)
			if err := p.learn([]byte(c.result)); (err == nil) != (c.want != nil) || !slices.Equal(p.products, c.want) {
				t.Errorf("got %v, %v", p.products, err)
			}
		})
	}
}

func TestPagesDiffer(t *testing.T) {
	for _, throttle := range []int{0, 1000} {
		seen := make(map[string]bool)
		for _, p := range newPages(most) {
			operation := p.operation(throttle)
			var request struct{ Query string }
			if err := json.Unmarshal(operation, &request); err != nil {
				t.Fatalf("%s: %v", operation, err)
			}
			if strings.Contains(request.Query, "@live") != (throttle > 0) {
				t.Errorf("throttle %d: %s", throttle, request.Query)
			}
			seen[fmt.Sprintf("%s", operation)] = true
		}
		if len(seen) != most {
			t.Errorf("%d different pages, want %d", len(seen), most)
		}
	}
}
