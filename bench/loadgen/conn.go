package main

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

var errClosed = errors.New("closed by the server")

// A client is what one connection is used for.
type client interface {
	// feed takes the next bytes, which are only valid during the call. An error ends the connection.
	feed(b []byte) error
	// lost is called when the connection has ended, unless the load generator ended it.
	lost()
}

// A conn is one connection of a loop.
type conn struct {
	fd     int
	gone   bool
	client client
}

func (c *conn) write(b []byte) error {
	n, err := unix.Write(c.fd, b)
	if err == nil && n < len(b) {
		err = errors.New("short write") // never: the socket's buffer is far larger
	}
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// dial opens a socket from a local address and sends the first request. The connect blocks: on
// loopback it ends within the call.
func dial(from, to netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
		}
	}()
	for _, option := range [][3]int{
		{unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1}, // the port is free for other targets
		{unix.IPPROTO_TCP, unix.TCP_NODELAY, 1},
	} {
		if err = unix.SetsockoptInt(fd, option[0], option[1], option[2]); err != nil {
			return -1, fmt.Errorf("setsockopt: %w", err)
		}
	}
	// Closing resets, so that thousands of sockets leave nothing in TIME_WAIT for the next scenario.
	if err = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}); err != nil {
		return -1, fmt.Errorf("setsockopt: %w", err)
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: from.Addr().As4()}); err != nil {
		return -1, fmt.Errorf("bind %v: %w", from, err)
	}
	if err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())}); err != nil {
		return -1, fmt.Errorf("connect %v: %w", to, err)
	}
	return fd, unix.SetNonblock(fd, true)
}
