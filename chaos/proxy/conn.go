package proxy

import (
	"net"
	"sync"
)

// A Conn is one connection through the proxy.
type Conn struct {
	client, server *net.TCPConn
	links          [2]*link // by direction
	once           sync.Once
	done           chan struct{} // closed when the connection is over
}

func newConn(client, server *net.TCPConn) *Conn {
	c := &Conn{client: client, server: server, done: make(chan struct{})}
	c.links[Up] = newLink(client, server, c.done)
	c.links[Down] = newLink(server, client, c.done)
	return c
}

// Set gives one direction a fault, at once, in place of the one it had.
func (c *Conn) Set(d Direction, f Fault) { c.links[d].set(f) }

// Cut closes both ends. What was not forwarded is lost.
func (c *Conn) Cut() { c.end(false) }

// Reset ends both by RST.
func (c *Conn) Reset() { c.end(true) }

func (c *Conn) end(reset bool) {
	c.once.Do(func() {
		close(c.done)
		for _, end := range []*net.TCPConn{c.client, c.server} {
			if reset {
				_ = end.SetLinger(0)
			}
			_ = end.Close()
		}
	})
}

// run forwards until one end is over, and then ends the other.
func (c *Conn) run() {
	var loops sync.WaitGroup
	for _, l := range c.links {
		loops.Go(l.read)
		loops.Go(func() {
			l.write()
			c.Cut()
		})
	}
	loops.Wait()
}
