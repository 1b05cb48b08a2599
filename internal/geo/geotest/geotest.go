// Package geotest writes files of countries for tests.
package geotest

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Countries writes a file that has the countries of networks, such as "GB" of 81.2.69.0/24, as
// GeoLite2-Country does. It returns its path; the file is gone when the test ends. No network may be a
// part of another.
func Countries(t testing.TB, of map[string]string) string {
	t.Helper()
	records := make(map[string]mmdbtype.DataType, len(of))
	for network, code := range of {
		records[network] = mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}
	}
	return File(t, "GeoLite2-Country", records)
}

// File is Countries with whatever records there are in a file of another type.
func File(t testing.TB, kind string, of map[string]mmdbtype.DataType) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, RecordSize: 24, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range of {
		_, parsed, err := net.ParseCIDR(network)
		if err == nil {
			err = tree.Insert(parsed, record)
		}
		if err != nil {
			t.Fatalf("%s: %v", network, err)
		}
	}
	path := filepath.Join(t.TempDir(), kind+".mmdb")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tree.WriteTo(file); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
