package main

import (
	"fmt"
	"io"
)

// announce writes where the gateway can be reached, and a first subscription to paste.
func (s *servers) announce(c *Config, out io.Writer) {
	http, ws := "http", "ws"
	if s.tls {
		http, ws = "https", "wss"
	}
	at := s.publicAt.Addr()
	fmt.Fprintf(out, "GraphQL   %s://%s/graphql   (POST, GET, SSE, multipart)\n", http, at)
	fmt.Fprintf(out, "          %s://%s/graphql     (graphql-transport-ws)\n", ws, at)
	if s.operatorAt != nil {
		fmt.Fprintf(out, "Operators http://%s/readyz, /stats, POST /publish/{topic}\n", s.operatorAt.Addr())
	}
	fmt.Fprintf(out, "\nTry it:\n\ncurl -N %s://%s/graphql \\\n"+
		"  -H 'Content-Type: application/json' -H 'Accept: text/event-stream' \\\n"+
		"  -d '{\"query\":\"subscription { priceChanged { productId product { name } price previousPrice } }\"}'\n\n", http, at)
}
