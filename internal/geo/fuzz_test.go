package geo

import (
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/sluice-gateway/sluice/internal/geo/geotest"
)

// whole is a file that is none of the fuzzer's.
func whole(t testing.TB) []byte {
	t.Helper()
	content, err := os.ReadFile(geotest.Countries(t, map[string]string{"81.2.69.0/24": "GB", "2a02:d300::/32": "UA"}))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// ask fails unless a file is refused or answers.
func ask(t *testing.T, content []byte) {
	t.Helper()
	c, err := read(content)
	if err != nil {
		return
	}
	for _, address := range []string{"81.2.69.142", "2a02:d300::1", "9.9.9.9"} {
		if code := c.Country(netip.MustParseAddr(address)); code != "" && len(code) != 2 {
			t.Errorf("%s is in %q", address, code)
		}
	}
}

func FuzzRead(f *testing.F) {
	content := whole(f)
	f.Add(content)
	f.Add(content[len(content)/2:])
	f.Add([]byte("\xAB\xCD\xEFMaxMind.com\xe0"))
	f.Fuzz(ask)
}

// What is damaged in one place mostly gets further than what is arbitrary.
func FuzzReadDamaged(f *testing.F) {
	content := whole(f)
	f.Add(uint(0), []byte{0, 0, 0, 0, 0, 0})
	f.Add(uint(len(content)-3), []byte{0xff})
	f.Fuzz(func(t *testing.T, at uint, with []byte) {
		damaged := slices.Clone(content)
		copy(damaged[at%uint(len(damaged)):], with)
		ask(t, damaged)
	})
}
