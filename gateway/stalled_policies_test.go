//go:build linux

package gateway_test

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/sluice-gateway/sluice/internal/redistest"
	"github.com/sluice-gateway/sluice/operation"
)

const (
	// wait is how many events wait in the outbox of a reader of the recent, or of the latest of each room.
	wait = 10
	// waitByDefault is how many do that of a reader of all.
	waitByDefault = 256
	// underWay is more than are on their way from there, of events of 1 KiB: in one write, and in the
	// kernel, which holds up to twice what each side asks it to.
	underWay = (64<<10 + 2*64<<10 + 2*window) >> 10
)

// A policy is a subscription to all rooms, and what is true of a reader that stalled. Both checks come
// when the others have everything that was published meanwhile: missed is how many events these are.
type policy struct {
	name, query string
	waits       func(c *crowd, missed int) error // before it reads again
	returns     func(c *crowd, missed int) error // when it has read everything
}

var policies = []policy{
	{"DISCONNECT", `subscription { message { text } }`, endedAsSlow, foundItsEnd},
	{"DROP_OLDEST", `subscription { message: recent { text } }`, tenWait, hasTheNewestTen},
	{"LATEST", `subscription { message: latest { text } }`, tenWait, hasTheNewestOfEachRoom},
}

// stall has the first reader stop reading.
func (c *crowd) stall() {
	c.Helper()
	c.catchUp()
	c.losses = c.lost()
	one := c.readers[0]
	if err := unix.EpollCtl(c.epoll, unix.EPOLL_CTL_DEL, one.fd, nil); err != nil {
		c.Fatal(err)
	}
	one.stalled, one.lenient, one.numbers, one.lost = true, true, nil, 0
}

// missed is how many events were published since the first reader has stalled.
func (c *crowd) missed() int { return c.published - c.readers[0].next }

// goOn has the first reader read again, check what it finds, and be as the others from then on. It
// returns how many events were lost to it.
func (c *crowd) goOn(p policy) (lost int) {
	c.Helper()
	one, missed := c.readers[0], c.missed()
	if err := p.waits(c, missed); err != nil {
		c.Fatal(err)
	}
	one.stalled = false
	c.listen(0)
	c.catchUp()
	if err := p.returns(c, missed); err != nil {
		c.Fatal(err)
	}
	if one.closed != 0 {
		c.join(0)
		c.members(len(c.readers))
	}
	one.lenient = false
	return missed - len(one.numbers)
}

// lost is how many events slow readers could not have.
func (c *crowd) lost() int {
	s := c.gateway.Stats()
	return int(s.Conflated + s.Dropped)
}

func endedAsSlow(c *crowd, _ int) error {
	return redistest.Poll(enough, func() error {
		if s := c.gateway.Stats(); s.Members != len(c.readers)-1 {
			return fmt.Errorf("%d subscriptions of %d are left, want all but the one that does not read", s.Members, len(c.readers))
		}
		return nil
	})
}

func foundItsEnd(c *crowd, missed int) error {
	one := c.readers[0]
	first := c.published - missed
	for i, n := range one.numbers {
		if n != first+i {
			return fmt.Errorf("event %d is where %d should be", n, first+i)
		}
	}
	most := min(waitByDefault+underWay, missed-1)
	if one.closed != operation.SlowConsumer.Close || one.lost != 0 || len(one.numbers) > most {
		return fmt.Errorf("closed by %d after %d of %d events, %d told as lost", one.closed, len(one.numbers), missed, one.lost)
	}
	return nil
}

// tenWait counts what waits anywhere between the publisher and the reader.
func tenWait(c *crowd, missed int) error {
	if waiting := missed - (c.lost() - c.losses); waiting < wait || waiting > wait+underWay {
		return fmt.Errorf("%d events of %d wait, want %d and %d under way at most", waiting, missed, wait, underWay)
	}
	return nil
}

func hasTheNewestTen(c *crowd, missed int) error {
	one := c.readers[0]
	if !slices.IsSorted(one.numbers) {
		return fmt.Errorf("out of order: %v", one.numbers)
	}
	for i, n := range one.numbers[max(0, len(one.numbers)-wait):] {
		if n != c.published-wait+i {
			return fmt.Errorf("of %d events it has %v", c.published, one.numbers)
		}
	}
	return toldWhatIsLost(c, missed)
}

func hasTheNewestOfEachRoom(c *crowd, missed int) error {
	var last newest
	for _, n := range c.readers[0].numbers {
		if err := last.take(n); err != nil {
			return err
		}
	}
	if err := last.of(c.published); err != nil {
		return err
	}
	return toldWhatIsLost(c, missed)
}

// toldWhatIsLost checks that each event has come, or is told as lost, and that some are.
func toldWhatIsLost(c *crowd, missed int) error {
	one := c.readers[0]
	if one.closed != 0 || one.lost == 0 || one.lost != c.lost()-c.losses || len(one.numbers)+one.lost != missed {
		return fmt.Errorf("closed by %d; of %d events %d came, %d are told as lost, %d counted",
			one.closed, missed, len(one.numbers), one.lost, c.lost()-c.losses)
	}
	return nil
}
