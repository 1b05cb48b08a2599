package main

import (
	"fmt"
	"io"
)

// announce writes where the gateway can be reached, a first subscription to paste, and the
// credentials of a gateway for development.
func (s *servers) announce(c *Config, dev *devCredentials, out io.Writer) {
	http, ws := "http", "ws"
	if s.tls {
		http, ws = "https", "wss"
	}
	at := s.publicAt.Addr()
	fmt.Fprintf(out, "GraphQL   %s://%s/graphql   (POST, GET, SSE, multipart)\n", http, at)
	fmt.Fprintf(out, "          %s://%s/graphql     (graphql-transport-ws)\n", ws, at)
	if s.operatorAt != nil {
		fmt.Fprintf(out, "Operators http://%s/readyz, /stats\n", s.operatorAt.Addr())
	}
	for _, page := range []struct {
		on         bool
		path, what string
	}{{c.Demo, "demo", "prices and stock that move"}, {c.playground(), "playground", "GraphiQL"}, {c.console(), "console", "what runs and what was had"}} {
		if page.on {
			fmt.Fprintf(out, "Page      %s://%s/%s   (%s)\n", http, at, page.path, page.what)
		}
	}
	fmt.Fprintf(out, "\nTry it:\n\ncurl -N %s://%s/graphql \\\n"+
		"  -H 'Content-Type: application/json' -H 'Accept: text/event-stream' \\\n"+
		"  -d '{\"query\":\"subscription { priceChanged { productId product { name } price previousPrice } }\"}'\n\n", http, at)
	if dev == nil {
		return
	}
	fmt.Fprintf(out, "For development, until this process ends:\n\n"+
		"API key   %s\n          may do everything; send it as Authorization: Bearer …\n"+
		"Token     %s\n          of the customer ann, for 24 hours\n\n"+
		"curl %s://%s/graphql -H 'Authorization: Bearer %s' \\\n"+
		"  -H 'Content-Type: application/json' \\\n"+
		"  -d '{\"query\":\"mutation { changePrice(productId: \\\"1\\\", price: \\\"9.99\\\") { price } }\"}'\n\n",
		dev.key.Key, dev.token, http, at, dev.key.Key)
}
