// Package proxy stands between two programs that speak TCP and harms what they say: it cuts, resets, holds
// back, slows and delays, in one direction or both, on all connections or one, and changes while they run.
//
// A Proxy owns its goroutines: when Close returns none of them runs. All methods may be called concurrently.
package proxy

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// dialTimeout bounds how long a connection waits for the target.
const dialTimeout = 5 * time.Second

// A Proxy listens on a port of the loopback interface and connects to a target.
type Proxy struct {
	listener net.Listener
	context  context.Context // over when the proxy is closed: it ends what is being dialled
	cancel   context.CancelFunc
	running  sync.WaitGroup

	mu     sync.Mutex // guards the fields below
	target string
	faults [2]Fault // of connections to come, by direction
	conns  map[*Conn]struct{}
	closed bool
}

// Start listens on a free port.
func Start(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{listener: l, target: target, conns: make(map[*Conn]struct{})}
	p.context, p.cancel = context.WithCancel(context.Background())
	p.running.Go(p.accept)
	return p, nil
}

// Addr is where clients connect to, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Retarget has connections to come go elsewhere. Those that are there stay where they are.
func (p *Proxy) Retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Set gives all connections a fault in one direction, those to come too. The zero Fault heals.
func (p *Proxy) Set(d Direction, f Fault) {
	p.mu.Lock()
	p.faults[d] = f
	p.mu.Unlock()
	for _, c := range p.Conns() {
		c.Set(d, f)
	}
}

// Heal lets everything pass, on all connections.
func (p *Proxy) Heal() {
	p.Set(Up, Fault{})
	p.Set(Down, Fault{})
}

// Cut closes all connections of this moment.
func (p *Proxy) Cut() {
	for _, c := range p.Conns() {
		c.Cut()
	}
}

// Reset ends all connections of this moment by RST.
func (p *Proxy) Reset() {
	for _, c := range p.Conns() {
		c.Reset()
	}
}

// Conns are the connections of this moment, in no order.
func (p *Proxy) Conns() []*Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.conns))
}

// Close ends all connections and waits until nothing of the proxy runs. It may be called twice.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	_ = p.listener.Close()
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		switch {
		case err == nil:
			p.running.Go(func() { p.serve(client.(*net.TCPConn)) })
		case p.context.Err() != nil:
			return
		default: // descriptors are short: they come back
			select {
			case <-p.context.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

func (p *Proxy) serve(client *net.TCPConn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	server, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(p.context, "tcp", target)
	if err != nil {
		_ = client.Close()
		return
	}
	c := newConn(client, server.(*net.TCPConn))
	if !p.add(c) {
		c.Cut()
	}
	c.run()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// add makes a connection one of those that are harmed; false: the proxy is closed.
func (p *Proxy) add(c *Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Set(Up, p.faults[Up])
	c.Set(Down, p.faults[Down])
	p.conns[c] = struct{}{}
	return !p.closed
}
