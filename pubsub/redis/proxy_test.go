package redis_test

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// A proxy stands between a broker and Redis, and can make subscriptions deaf: as after a fail-over,
// the connection is alive and writable, and nothing is delivered on it any more.
type proxy struct {
	listener net.Listener
	target   string
	running  sync.WaitGroup
	closed   atomic.Bool // new connections are hung up at once

	mu    sync.Mutex // guards conns
	conns []*proxied
}

type proxied struct {
	client, server net.Conn
	subscribes     atomic.Bool // a subscribe command went through
	deaf           atomic.Bool // what the server sends is thrown away
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, target: target}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.hangUp()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// deafen makes every subscribing connection of this moment deaf. Later ones are sound.
func (p *proxy) deafen() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.deaf.Store(c.subscribes.Load())
	}
}

// cut hangs up every connection of this moment.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.hangUp()
	}
	p.conns = nil
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err == nil && p.closed.Load() {
			_ = server.Close()
			err = net.ErrClosed
		}
		if err != nil {
			_ = client.Close()
			continue
		}
		c := &proxied{client: client, server: server}
		p.mu.Lock()
		p.conns = append(p.conns, c)
		p.mu.Unlock()
		p.running.Go(func() { c.copy(server, client, c.up) })
		p.running.Go(func() { c.copy(client, server, c.down) })
	}
}

// copy moves bytes that pass lets through, and hangs up both ends when one does.
func (c *proxied) copy(to, from net.Conn, pass func([]byte) bool) {
	defer c.hangUp()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if !pass(buffer[:n]) {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (c *proxied) hangUp() {
	_ = c.client.Close()
	_ = c.server.Close()
}

func (c *proxied) up(data []byte) bool {
	if bytes.Contains(data, []byte("subscribe")) {
		c.subscribes.Store(true)
	}
	return true
}

func (c *proxied) down([]byte) bool { return !c.deaf.Load() }
