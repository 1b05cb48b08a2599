package crowd

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// What subscribers connect by.
const (
	WebSocket = "websocket" // graphql-transport-ws
	SSE       = "sse"       // GraphQL over SSE, distinct connections
	Multipart = "multipart" // Apollo's multipart subscriptions
)

// Transports are all of them, in the order of reports.
var Transports = []string{WebSocket, SSE, Multipart}

// A Mix says how many parts of the subscribers connect by each transport. It implements flag.Value.
type Mix map[string]int

// String is the mix as Set reads it.
func (m Mix) String() string {
	var parts []string
	for _, t := range Transports {
		if m[t] > 0 {
			parts = append(parts, fmt.Sprintf("%s=%d", t, m[t]))
		}
	}
	return strings.Join(parts, ",")
}

// Set reads a mix such as websocket=60,sse=20,multipart=20. Who is not named has no part.
func (m Mix) Set(text string) error {
	clear(m)
	for part := range strings.SplitSeq(text, ",") {
		name, number, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || !slices.Contains(Transports, name) {
			return fmt.Errorf("%q is no part of %s", part, strings.Join(Transports, ", "))
		}
		m[name] = n
	}
	if m.whole() == 0 {
		return fmt.Errorf("nobody has a part")
	}
	return nil
}

func (m Mix) whole() (parts int) {
	for _, n := range m {
		parts += n
	}
	return parts
}

// deal gives each of n subscribers a transport, as many of each as the mix says, in an order by chance.
func (m Mix) deal(n int, chance *rand.Rand) []string {
	dealt := make([]string, 0, n)
	parts := 0
	for _, t := range Transports {
		parts += m[t]
		for len(dealt) < n*parts/m.whole() {
			dealt = append(dealt, t)
		}
	}
	chance.Shuffle(n, func(i, j int) { dealt[i], dealt[j] = dealt[j], dealt[i] })
	return dealt
}
