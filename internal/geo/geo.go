// Package geo knows the country of an address, from a file in MaxMind's MMDB format.
//
// The file is read once: what happens to it afterwards changes nothing here, and a newer one is read by
// the next Open. The package asks nobody and keeps no address. A Countries is safe for concurrent use.
package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"

	"github.com/oschwald/maxminddb-golang/v2"
)

// A Countries finds the country of an address.
type Countries struct {
	file  atomic.Pointer[maxminddb.Reader] // nil once it is closed
	place []any                            // where a code stands in a record
}

// places are where a file has its codes: MaxMind's and DB-IP's, then those of others.
var places = [][]any{{"country", "iso_code"}, {"country_code"}, {"country"}}

// mostBytes is how large a file may be. Those of countries have a few MiB, of cities a hundred.
const mostBytes = 1 << 30

// Open reads a file: GeoLite2-Country, DB-IP's lite one, or any other that has countries, such as those
// of cities. Its memory is the file's size. The error names the path and what is wrong.
func Open(path string) (*Countries, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("geo: %w", err)
	}
	if !info.Mode().IsRegular() || info.Size() > mostBytes {
		return nil, fmt.Errorf("geo: %s: it is no file, or has more than %d MiB", path, mostBytes>>20)
	}
	// It is not mapped: a file that is written anew in its place would end the process.
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("geo: %w", err)
	}
	c, err := read(content)
	if err != nil {
		return nil, fmt.Errorf("geo: %s: %w", path, err)
	}
	return c, nil
}

func read(content []byte) (*Countries, error) {
	if len(content) > 1 && content[0] == 0x1f && content[1] == 0x8b {
		return nil, errors.New("it is compressed by gzip: unpack it")
	}
	file, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, fmt.Errorf("it is not in the MMDB format: %w", err)
	}
	place := find(file)
	if place == nil {
		return nil, fmt.Errorf("it has no countries, its type is %.40q", file.Metadata.DatabaseType)
	}
	c := &Countries{place: place}
	c.file.Store(file)
	return c, nil
}

// mostNetworks is how many are looked at for a country. In a file that has countries it is among the first.
const mostNetworks = 10_000

// find is the place of the codes, or nil if there are none.
func find(file *maxminddb.Reader) []any {
	seen := 0
	// With those that others would skip: a file can be made to have more of them than anybody can.
	for network := range file.Networks(maxminddb.IncludeNetworksWithoutData(), maxminddb.IncludeAliasedNetworks()) {
		for _, place := range places {
			if code(network, place) != "" {
				return place
			}
		}
		if seen++; seen == mostNetworks {
			break
		}
	}
	return nil
}

// Country is the country of an address, two letters of ISO 3166 such as "DE"; or empty, for one that the
// file does not know, for one that is private or no address of a host, and once c is closed. An IPv4
// address may be written as IPv6.
func (c *Countries) Country(a netip.Addr) string {
	file, a := c.file.Load(), a.Unmap()
	if file == nil || a.IsPrivate() || !a.IsGlobalUnicast() {
		return ""
	}
	return code(file.Lookup(a), c.place)
}

// Close lets go of the file's memory. It may be called twice, and while Country is.
func (c *Countries) Close() error {
	c.file.Store(nil)
	return nil
}

// texts are what codes are decoded into: a decoder takes them for more than a call.
var texts = sync.Pool{New: func() any { return new(string) }}

// code is what stands in a place of a record if it is a country's. Files have other things there, too,
// such as "-", or a name.
func code(found maxminddb.Result, place []any) string {
	into := texts.Get().(*string)
	defer texts.Put(into)
	*into = ""
	if found.DecodePath(into, place...) != nil || len(*into) != 2 || !isLetter((*into)[0]) || !isLetter((*into)[1]) {
		return ""
	}
	return *into
}

func isLetter(b byte) bool { return 'A' <= b && b <= 'Z' }
