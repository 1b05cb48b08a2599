package geo_test

import (
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/maxmind/mmdbwriter/mmdbtype"

	"github.com/sluice-gateway/sluice/internal/geo"
	"github.com/sluice-gateway/sluice/internal/geo/geotest"
)

var networks = map[string]string{
	"81.2.69.0/24":   "GB",
	"89.160.20.0/24": "SE",
	"2a02:d300::/32": "UA",
	"1.0.0.0/24":     "-",
	"1.0.1.0/24":     "Atlantis",
	"1.0.2.0/24":     "de",
	"10.0.0.0/8":     "US",
	"fd00::/8":       "US",
	"127.0.0.0/8":    "US",
}

func open(t testing.TB, path string) *geo.Countries {
	t.Helper()
	c, err := geo.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestCountry(t *testing.T) {
	c := open(t, geotest.Countries(t, networks))
	for _, test := range []struct{ name, address, want string }{
		{"an address of IPv4", "81.2.69.142", "GB"},
		{"another country", "89.160.20.112", "SE"},
		{"an address of IPv6", "2a02:d300::1", "UA"},
		{"an address of IPv4 that is written as IPv6", "::ffff:81.2.69.142", "GB"},
		{"an address with a zone", "2a02:d300::1%eth0", "UA"},
		{"one that the file does not know", "9.9.9.9", ""},
		{"one that the file has a dash for", "1.0.0.1", ""},
		{"one that the file has a name for", "1.0.1.1", ""},
		{"one that the file has another code for", "1.0.2.1", ""},
		{"a private one, whatever the file says", "10.1.2.3", ""},
		{"a private one of IPv6", "fd00::1", ""},
		{"a private one that is written as IPv6", "::ffff:10.1.2.3", ""},
		{"this very host", "127.0.0.1", ""},
		{"no host", "224.0.0.1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := c.Country(netip.MustParseAddr(test.address)); got != test.want {
				t.Errorf("%s is in %q, want %q", test.address, got, test.want)
			}
		})
	}
	if got := c.Country(netip.Addr{}); got != "" {
		t.Errorf("no address is in %q", got)
	}
}

func TestFilesOfOthersHaveTheirCodesElsewhere(t *testing.T) {
	for name, record := range map[string]mmdbtype.Map{
		"country_code beside a name":           {"country": mmdbtype.String("Sweden"), "country_code": mmdbtype.String("SE")},
		"country alone":                        {"country": mmdbtype.String("SE")},
		"a city, with the continent before it": {"continent": mmdbtype.Map{"code": mmdbtype.String("EU")}, "country": mmdbtype.Map{"iso_code": mmdbtype.String("SE")}},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, geotest.File(t, "Somebody's", map[string]mmdbtype.DataType{"89.160.20.0/24": record}))
			if got := c.Country(netip.MustParseAddr("89.160.20.1")); got != "SE" {
				t.Errorf("it is in %q, want SE", got)
			}
		})
	}
}

func TestAFileThatIsNoneIsRefused(t *testing.T) {
	whole, err := os.ReadFile(geotest.Countries(t, networks))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		content string
		want    string
	}{
		{"an empty one", "", "not in the MMDB format"},
		{"text", "1.0.0.0,1.0.0.255,AU\n", "not in the MMDB format"},
		{"the beginning of one", string(whole[:len(whole)/2]), "not in the MMDB format"},
		{"the end of one", string(whole[len(whole)/2:]), "not in the MMDB format"},
		{"a packed one", "\x1f\x8b\x08", "unpack"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "countries.mmdb")
			if err := os.WriteFile(path, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			refused(t, path, test.want)
		})
	}
	t.Run("one of other things", func(t *testing.T) {
		path := geotest.File(t, "GeoLite2-ASN", map[string]mmdbtype.DataType{
			"89.160.20.0/24": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(29518)},
		})
		refused(t, path, `no countries, its type is "GeoLite2-ASN"`)
	})
	t.Run("a folder", func(t *testing.T) { refused(t, t.TempDir(), "no file") })
	t.Run("one that is not there", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "countries.mmdb")
		if _, err := geo.Open(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("the error is %v", err)
		}
	})
}

// refused fails unless a file is refused with its path and in words that contain want.
func refused(t *testing.T, path, want string) {
	t.Helper()
	if _, err := geo.Open(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) {
		t.Errorf("the error is %v, want one with %q", err, want)
	}
}

func TestClosingWhileCountriesAreAskedFor(t *testing.T) {
	c := open(t, geotest.Countries(t, networks))
	address := netip.MustParseAddr("81.2.69.142")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for c.Country(address) == "GB" { // ends when it is closed
			}
		})
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	all.Wait()
}

func TestCountryAllocatesNothing(t *testing.T) {
	c := open(t, geotest.Countries(t, networks))
	address := netip.MustParseAddr("81.2.69.142")
	if n := testing.AllocsPerRun(1000, func() { c.Country(address) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkCountry(b *testing.B) {
	c := open(b, geotest.Countries(b, networks))
	address := netip.MustParseAddr("81.2.69.142")
	b.ReportAllocs()
	for b.Loop() {
		c.Country(address)
	}
}
