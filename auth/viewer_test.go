package auth

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"net/url"
	"testing"
	"time"
)

func TestIdentityIsWhatAViewerIsAndMayDo(t *testing.T) {
	base := Viewer{
		Consumer: "web", Subject: "ann", Issuer: "https://id", Scopes: []string{"a", "b"}, Plan: "free",
		Claims: map[string]any{"tenant": "blue", "exp": 1.0, "jti": "1"}, Expires: time.Unix(1, 0),
	}
	for _, tt := range []struct {
		name   string
		change func(*Viewer)
		same   bool
	}{
		{"nothing", func(*Viewer) {}, true},
		{"the time", func(v *Viewer) { v.Expires = time.Unix(2, 0) }, true},
		{"the order of scopes", func(v *Viewer) { v.Scopes = []string{"b", "a", "b"} }, true},
		{"claims about the token", func(v *Viewer) { v.Claims = map[string]any{"tenant": "blue", "exp": 2.0, "iat": 1.0} }, true},
		{"which key it was", func(v *Viewer) { v.Key, v.KeySecret = "k", 3 }, true},
		{"the consumer", func(v *Viewer) { v.Consumer = "app" }, false},
		{"the subject", func(v *Viewer) { v.Subject = "bob" }, false},
		{"the issuer", func(v *Viewer) { v.Issuer = "https://other" }, false},
		{"the plan", func(v *Viewer) { v.Plan = "" }, false},
		{"a scope", func(v *Viewer) { v.Scopes = []string{"a"} }, false},
		{"a topic to publish to", func(v *Viewer) { v.Publish = []string{"a"} }, false},
		{"a claim", func(v *Viewer) { v.Claims = map[string]any{"tenant": "red"} }, false},
		{"a claim more", func(v *Viewer) { v.Claims = map[string]any{"tenant": "blue", "role": "x"} }, false},
		{"parts that read alike", func(v *Viewer) { v.Consumer, v.Subject = "we", "bann" }, false},
		{"scopes as topics", func(v *Viewer) { v.Scopes, v.Publish = nil, v.Scopes }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			other := base
			tt.change(&other)
			if same := base.Identity() == other.Identity(); same != tt.same {
				t.Errorf("the identity is the same: %t", same)
			}
		})
	}
	if Anonymous.Identity() != "" {
		t.Error("nobody has an identity")
	}
}

func TestAChainAsksWhoUnderstands(t *testing.T) {
	keys, err := NewKeys([]Key{{Key: "0123456789abcdef", Consumer: "shop", Plan: "free", Publish: []string{"a"}}})
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := NewCertificates([]Certificate{
		{Name: "billing.internal", Consumer: "billing", Scopes: []string{"read"}},
		{Name: "spiffe://prod/etl", Consumer: "etl"},
	})
	if err != nil {
		t.Fatal(err)
	}
	chain := Chain{certificates, keys}
	uri, _ := url.Parse("spiffe://prod/etl")
	until := time.Unix(4e9, 0)
	for _, tt := range []struct {
		name     string
		given    Credentials
		consumer string
		bad      bool
	}{
		{"nothing", Credentials{}, "", false},
		{"a key", Credentials{Token: "0123456789abcdef"}, "shop", false},
		{"an unknown key", Credentials{Token: "0123456789abcdeg"}, "", true},
		{"a certificate by its common name", Credentials{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "billing.internal"}, NotAfter: until}}, "billing", false},
		{"a certificate by its DNS name", Credentials{Certificate: &x509.Certificate{DNSNames: []string{"x", "billing.internal"}, NotAfter: until}}, "billing", false},
		{"a certificate by its URI", Credentials{Certificate: &x509.Certificate{URIs: []*url.URL{uri}, NotAfter: until}}, "etl", false},
		{"a certificate of nobody", Credentials{Certificate: &x509.Certificate{Subject: pkix.Name{CommonName: "billing"}}}, "", true},
		{"a key counts more than a certificate", Credentials{Token: "0123456789abcdef", Certificate: &x509.Certificate{URIs: []*url.URL{uri}}}, "shop", false},
		{"a bad key beside a good certificate", Credentials{Token: "x", Certificate: &x509.Certificate{URIs: []*url.URL{uri}}}, "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := chain.Authenticate(context.Background(), tt.given)
			if tt.bad {
				if !errors.Is(err, ErrBadCredentials) {
					t.Fatalf("got %+v, %v", v, err)
				}
				return
			}
			if err != nil || v.Consumer != tt.consumer {
				t.Fatalf("got %+v, %v", v, err)
			}
			if tt.given.Token == "" && tt.given.Certificate != nil && !v.Expires.Equal(until) {
				t.Errorf("it expires at %v, not with the certificate", v.Expires)
			}
			if now, err := chain.Recheck(context.Background(), v); now != v || err != nil {
				t.Errorf("checked again it is %+v, %v", now, err)
			}
		})
	}
}

func TestListsTellEveryMistake(t *testing.T) {
	_, err := NewCertificates([]Certificate{{Name: "a", Consumer: "x"}, {Consumer: "x"}, {Name: "b"}, {Name: "a", Consumer: "y"}})
	want := "certificates[1]: name is missing\ncertificates[2]: consumer is missing\ncertificates[3]: the name \"a\" is listed before"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	const secret = "0123456789abcdef"
	_, err = NewKeys([]Key{{Key: "short", Consumer: "x"}, {Key: secret}, {Key: secret + "1", Consumer: "x"}, {Key: secret + "1", Consumer: "y"}})
	want = "keys[0]: a key has at least 16 bytes, this one has 5\nkeys[1]: consumer is missing\nkeys[3]: the same key is listed before"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}
