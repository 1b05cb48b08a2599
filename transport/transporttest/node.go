package transporttest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/graph"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/internal/work"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/policy"
	"github.com/sluice-gateway/sluice/pubsub"
	"github.com/sluice-gateway/sluice/pubsub/memory"
	"github.com/sluice-gateway/sluice/resolvers"
	"github.com/sluice-gateway/sluice/share"
	"github.com/sluice-gateway/sluice/store"
	"github.com/sluice-gateway/sluice/transport"
)

// URL is where a node serves.
const URL = "http://sluice.test/graphql"

// Key is a token of the viewer "shop", who acts for "ann" and may do everything.
const Key = "sk_test_0123456789abcdef"

// Ann is the viewer of Key.
var Ann = &auth.Viewer{
	Consumer: "shop",
	Subject:  "ann",
	Scopes:   []string{"catalog:write", "orders:write", "publish"},
	Publish:  []string{"price.*", "stock.*"},
}

// MaxResult is the size of the largest result of a node.
const MaxResult = 64 << 10

// A Node is a server with the storefront as its API, on a network of its own in memory: within a
// synctest bubble, waiting for it takes no time. Its store is opened only by WithStore.
type Node struct {
	Engine   *operation.Engine
	Broker   *memory.Broker
	Pool     *work.Pool
	Sessions *transport.Sessions
	Reader   *transport.Reader
	Viewers  *Viewers
	Origins  *transport.Origins

	// Address is where clients come from that dial from now on; invalid: nobody knows. It is set while
	// nobody dials.
	Address netip.Addr

	t        testing.TB
	callers  operation.CallerLimits
	limits   transport.SessionLimits
	rules    *policy.Schema
	resolver *resolvers.Resolver // of the storefront
	server   *http.Server
	network  *network
}

// NewNode starts a node that the end of the test stops.
func NewNode(t testing.TB) *Node {
	t.Helper()
	return newNode(t).storefront()
}

// NewRooms starts a node whose API is that of package testschema.
func NewRooms(t testing.TB) *Node {
	t.Helper()
	n := newNode(t)
	n.start(testschema.New())
	return n
}

func (n *Node) storefront() *Node {
	n.resolver = &resolvers.Resolver{Broker: n.Broker}
	n.start(graph.NewExecutableSchema(graph.Config{Resolvers: n.resolver}))
	return n
}

func newNode(t testing.TB) *Node {
	viewers := NewViewers()
	viewers.Set(Key, Ann)
	n := &Node{
		Pool:    work.NewPool(),
		Viewers: viewers,
		Origins: transport.NewOrigins([]string{"https://shop.example"}),
		t:       t,
		network: newNetwork(),
	}
	n.Broker = memory.NewWith(memory.Options{Retain: func(topic string) pubsub.Retention { return n.rules.Retention(topic) }})
	return n
}

func (n *Node) start(schema graphql.ExecutableSchema) {
	var err error
	if n.rules, err = policy.Compile(schema.Schema()); err != nil {
		n.t.Fatal(err)
	}
	n.Engine, err = operation.New(schema, n.Broker, n.Pool, operation.Options{
		Callers: n.callers,
		Share:   share.Options{MaxResult: MaxResult},
		Log:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		n.t.Fatal(err)
	}
	n.Sessions = transport.NewSessions(n.Engine, auth.NewGrants(n.Viewers), n.limits)
	n.Reader = transport.NewReader(n.Viewers, n.Origins, transport.ReaderOptions{Refusals: n.Engine.Refusals()})
	n.t.Cleanup(func() {
		n.Engine.Close()
		n.Pool.Close()
		_ = n.Broker.Close()
	})
}

// WithStore opens the node's store, which queries and mutations need.
func (n *Node) WithStore() *Node {
	data, err := store.Open(context.Background(), store.Memory)
	if err != nil {
		n.t.Fatal(err)
	}
	n.resolver.Store = data
	n.t.Cleanup(func() { _ = data.Close() })
	return n
}

// Serve starts to serve a handler, also by HTTP/2 without TLS.
func (n *Node) Serve(handler http.Handler) {
	n.server = &http.Server{Handler: handler, Protocols: protocols(true, true)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = n.server.Serve(n.network) })
	n.t.Cleanup(func() {
		_ = n.server.Close()
		serving.Wait()
	})
}

func protocols(http1, http2 bool) *http.Protocols {
	p := new(http.Protocols)
	p.SetHTTP1(http1)
	p.SetUnencryptedHTTP2(http2)
	return p
}

// Dial opens a connection to the node. What is written to it waits for its reader: no buffer of a
// kernel hides a slow one.
func (n *Node) Dial(ctx context.Context) (net.Conn, error) { return n.network.dial(ctx, n.Address) }

// HTTP makes a client with connections of its own.
func (n *Node) HTTP(http2 bool) *http.Client {
	client := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return n.Dial(ctx) },
		Protocols:   protocols(!http2, http2),
		HTTP2:       &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10, MaxReceiveBufferPerConnection: 64 << 10},
	}
	n.t.Cleanup(client.CloseIdleConnections)
	return &http.Client{Transport: client}
}

// Publish publishes a price of product 1: the revision and the note are the caller's.
func (n *Node) Publish(revision int, note string) {
	n.t.Helper()
	n.PublishTo("1", revision, note)
}

// PublishTo publishes a price of any product.
func (n *Node) PublishTo(product string, revision int, note string) {
	n.t.Helper()
	event := fmt.Sprintf(`{"productId":%q,"price":"9.99","currency":"EUR","revision":%d,"note":%s,"changedAt":"2026-11-21T10:00:00Z"}`,
		product, revision, mustJSON(note))
	if err := n.Broker.Publish(context.Background(), "price."+product, []byte(event)); err != nil {
		n.t.Fatal(err)
	}
}

// A network is a listener and its only address.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newNetwork() *network {
	return &network{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (n *network) dial(ctx context.Context, from netip.Addr) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- &addressed{server, from}:
		return client, nil
	case <-n.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case conn := <-n.conns:
		return conn, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.closed) })
	return nil
}

// An addressed is a connection whose client comes from an address.
type addressed struct {
	net.Conn
	from netip.Addr
}

func (a *addressed) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a.from, 1))
}

func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "sluice.test", Net: "memory"} }
