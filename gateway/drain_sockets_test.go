//go:build linux

package gateway_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/gateway"
	"github.com/sluice-gateway/sluice/internal/testschema"
	"github.com/sluice-gateway/sluice/limits"
	"github.com/sluice-gateway/sluice/operation"
	"github.com/sluice-gateway/sluice/transport"
)

// TestADrainOfRealSocketsLeavesNoGoroutine does with sockets of the kernel what a bubble does with pipes: with fewer,
// for both ends of each are this process's, and it may not have files for more.
func TestADrainOfRealSocketsLeavesNoGoroutine(t *testing.T) {
	const sockets = drainedSessions / 3
	if files := transport.DefaultSessions(); files < 2*sockets {
		t.Fatalf("%d sessions at most: raise the limit of open files (ulimit -n) to %d", files, sockets*5/2)
	}
	g, err := gateway.New(testschema.New(), gateway.Options{
		Sessions: transport.SessionLimits{Rate: limits.UnlimitedRate},
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(g)
	defer server.Close()
	address := netip.MustParseAddrPort(server.Listener.Addr().String())
	before := runtime.NumGoroutine()
	var readers []*reader
	defer func() {
		for _, r := range readers {
			_ = unix.Close(r.fd)
		}
	}()
	for i := range sockets {
		r, err := join(address, `subscription { message(rooms: ["1"]) { text } }`, 0)
		if err != nil {
			t.Fatalf("socket %d: %v", i, err)
		}
		readers = append(readers, r)
	}
	eventually(t, func() error {
		if n := g.Stats().Members; n < sockets {
			return fmt.Errorf("%d have subscribed", n)
		}
		return nil
	})
	during := runtime.NumGoroutine()
	closed := make(chan error)
	go func() { closed <- g.Close(t.Context(), time.Second) }()
	for i, r := range readers {
		if err := r.readToTheEnd(); err != nil {
			t.Fatalf("socket %d: %v", i, err)
		}
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	eventually(t, func() error {
		if n := runtime.NumGoroutine(); n > before {
			return fmt.Errorf("%d goroutines are left, there were %d before the first of %d sockets and %d with them", n, before, sockets, during)
		}
		return nil
	})
	t.Logf("%d sockets: %d goroutines before, %d with them, %d after", sockets, before, during, runtime.NumGoroutine())
}

// readToTheEnd reads until the node ends the session, and answers. It is an error if that is not for a restart.
func (r *reader) readToTheEnd() error {
	if err := unix.SetNonblock(r.fd, false); err != nil {
		return err
	}
	code, buffer := 0, make([]byte, 4<<10)
	for code == 0 {
		n, err := receive(r.fd, buffer)
		if err != nil || n == 0 {
			return fmt.Errorf("read %d bytes: %w", n, err)
		}
		r.frames(buffer[:n], func(op byte, payload []byte) {
			if op == opClose && len(payload) > 2 {
				code = int(payload[0])<<8 | int(payload[1])
			}
		})
	}
	if code != operation.Restarting.Close {
		return fmt.Errorf("closed by %d", code)
	}
	return unix.Shutdown(r.fd, unix.SHUT_RDWR)
}
