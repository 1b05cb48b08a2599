package main

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // a container has no zones

	"github.com/sluice-gateway/sluice/analytics/rollup"
	"github.com/sluice-gateway/sluice/limits"
)

// unlimited is how no limit is said. A zero never means it.
const unlimited = "unlimited"

// A count is a limit of things: a number above 0, or unlimited.
type count int

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *count) UnmarshalText(text []byte) error {
	if string(text) == unlimited {
		*c = math.MaxInt
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil || n <= 0 {
		return errors.New("give a number above 0, or unlimited")
	}
	*c = count(n)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (c count) MarshalText() ([]byte, error) {
	if c == math.MaxInt {
		return []byte(unlimited), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// A retention is how long something is kept: a time above 0, or unlimited.
type retention time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *retention) UnmarshalText(text []byte) error {
	if string(text) == unlimited {
		*r = retention(rollup.Forever)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return errors.New("give a time above 0 such as 48h, or unlimited")
	}
	*r = retention(d)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (r retention) MarshalText() ([]byte, error) {
	if r == retention(rollup.Forever) {
		return []byte(unlimited), nil
	}
	return []byte(time.Duration(r).String()), nil
}

// orZero is the time, or 0 for ever.
func (r retention) orZero() time.Duration {
	if r == retention(rollup.Forever) {
		return 0
	}
	return time.Duration(r)
}

// A size is a limit of bytes: a number, with KiB or MiB behind it if wanted, or unlimited.
type size int

var units = []struct {
	name  string
	bytes int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *size) UnmarshalText(text []byte) error {
	if string(text) == unlimited {
		*s = math.MaxInt
		return nil
	}
	for _, unit := range units {
		number, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(number))
		if err != nil || n <= 0 || n > math.MaxInt/unit.bytes {
			break
		}
		*s = size(n * unit.bytes)
		return nil
	}
	return errors.New("give a number of bytes such as 65536, 64KiB or 1MiB, or unlimited")
}

// MarshalText implements encoding.TextMarshaler.
func (s size) MarshalText() ([]byte, error) {
	if s == math.MaxInt {
		return []byte(unlimited), nil
	}
	for _, unit := range units {
		if int(s)%unit.bytes == 0 {
			return fmt.Appendf(nil, "%d%s", int(s)/unit.bytes, unit.name), nil
		}
	}
	return nil, nil
}

// A rate is so many things a second with a burst of them at once, as in 50:200; a burst that is left
// out is twice as many. Or unlimited.
type rate limits.Rate

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *rate) UnmarshalText(text []byte) error {
	if string(text) == unlimited {
		*r = rate(limits.UnlimitedRate)
		return nil
	}
	perSecond, burst, given := strings.Cut(string(text), ":")
	var read limits.Rate
	var err, errBurst error
	if read.PerSecond, err = strconv.ParseFloat(perSecond, 64); err == nil {
		read.Burst = int(math.Ceil(min(2*read.PerSecond, math.MaxInt32)))
	}
	if given {
		read.Burst, errBurst = strconv.Atoi(burst)
	}
	if errors.Join(err, errBurst) != nil || read.IsUnlimited() || read.Check() != nil {
		return errors.New("give a number a second above 0 and, if wanted, a burst, as in 50 or 50:200, or unlimited")
	}
	*r = rate(read)
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (r rate) MarshalText() ([]byte, error) {
	if limits.Rate(r).IsUnlimited() {
		return []byte(unlimited), nil
	}
	return fmt.Appendf(nil, "%v:%d", r.PerSecond, r.Burst), nil
}

// A list is a setting with several values, divided by commas.
type list []string

// String implements flag.Value.
func (l *list) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value. It adds to what is there.
func (l *list) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			*l = append(*l, part)
		}
	}
	return nil
}

// networks are ranges of addresses, divided by commas.
type networks []netip.Prefix

// String implements flag.Value.
func (n *networks) String() string {
	texts := make([]string, len(*n))
	for i, network := range *n {
		texts[i] = network.String()
	}
	return strings.Join(texts, ",")
}

// Set implements flag.Value. It adds to what is there; "none" says that there is none.
func (n *networks) Set(text string) error {
	if text == "none" {
		*n = networks{}
		return nil
	}
	for part := range strings.SplitSeq(text, ",") {
		network, err := netip.ParsePrefix(strings.TrimSpace(part))
		if err != nil {
			return errors.New("give networks such as 10.0.0.0/8 or 2001:db8::/32")
		}
		*n = append(*n, network.Masked())
	}
	return nil
}

// A zone is a time zone by its name in the IANA database.
type zone struct{ *time.Location }

// UnmarshalText implements encoding.TextUnmarshaler.
func (z *zone) UnmarshalText(text []byte) error {
	location, err := time.LoadLocation(string(text))
	if err != nil || len(text) == 0 {
		return errors.New("give a name of the IANA database such as Europe/Berlin, or UTC")
	}
	z.Location = location
	return nil
}

// MarshalText implements encoding.TextMarshaler.
func (z zone) MarshalText() ([]byte, error) { return []byte(z.String()), nil }
