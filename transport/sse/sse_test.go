package sse_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/transport"
	"github.com/sluice-gateway/sluice/transport/httpapi"
	"github.com/sluice-gateway/sluice/transport/sse"
	"github.com/sluice-gateway/sluice/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func distinct(n *transporttest.Node) http.Handler {
	protocol := sse.NewDistinct(n.Sessions, transport.StreamOptions{})
	return httpapi.New(n.Engine, n.Reader, httpapi.Options{Streams: []httpapi.Protocol{protocol}})
}

func connection(n *transporttest.Node) http.Handler {
	return sse.NewConnection(n.Engine, n.Reader, n.Sessions, sse.Options{})
}

func TestDistinct(t *testing.T) {
	transporttest.Run(t, transporttest.Transport{
		Handler: distinct,
		Client:  func(n *transporttest.Node, key string) transporttest.Client { return newDistinctClient(n, false, key) },
		AnyKind: true,
	})
}

func TestDistinctOverHTTP2(t *testing.T) {
	transporttest.Run(t, transporttest.Transport{
		Handler: distinct,
		Client:  func(n *transporttest.Node, key string) transporttest.Client { return newDistinctClient(n, true, key) },
		AnyKind: true,
	})
}

func TestConnection(t *testing.T) {
	transporttest.Run(t, transporttest.Transport{
		Handler: connection,
		Client:  func(n *transporttest.Node, key string) transporttest.Client { return newConnectionClient(n, key) },
		AnyKind: true,
	})
}
