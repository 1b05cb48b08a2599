package jwt

import (
	"crypto"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/auth"
)

// The target is less than 100 µs for each algorithm that issuers use.
func BenchmarkAuthenticate(b *testing.B) {
	keys := map[string]any{"HS256": secret, "RS256": rsaKey(), "PS256": rsaKey(), "ES256": ecKey(), "ES384": p384Key(), "EdDSA": edKey()}
	for name, k := range keys {
		b.Run(name, func(b *testing.B) {
			issuer := Issuer{Name: rsaName, Audiences: []string{"sluice"}, Algorithms: []string{name}}
			if name == "HS256" {
				issuer.Secret = secret
			} else {
				issuer.PEM = [][]byte{publicPEM(signerOf(k))}
			}
			a := open(b, silent(), issuer)
			bench(b, a, sign(algorithms[name].method, k, nil, with(goodClaims(rsaName), "scope", "read write")))
		})
	}
	b.Run("EdDSA with a key set of 100", func(b *testing.B) {
		s := newSite()
		list := []map[string]any{jwk("one", edKey())}
		for _, id := range fill("k%d", 99) {
			list = append(list, jwk(id, otherEdKey()))
		}
		s.set(aURL, answer(http.StatusOK, jwks(list...)))
		bench(b, open(b, s.options(), published(aName, aURL, "EdDSA")), edSigned("one"))
	})
}

// BenchmarkAuthenticateAgain is a token that was seen a moment ago.
func BenchmarkAuthenticateAgain(b *testing.B) {
	a := open(b, silent(), four()...)
	given := auth.Credentials{Token: rsaSigned(nil, goodClaims(rsaName))}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Authenticate(b.Context(), given); err != nil {
			b.Fatal(err)
		}
	}
}

// bench reads a token as if it were seen for the first time.
func bench(b *testing.B, a *Authenticator, token string) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.read(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// What forged tokens cost until they are refused.
func BenchmarkRefuse(b *testing.B) {
	a := open(b, silent(), four()...)
	good := rsaSigned(nil, goodClaims(rsaName))
	for name, token := range map[string]string{
		"another kind":         "sluice_abcdefgh_ijklmnop",
		"a wrong signature":    good[:len(good)-8] + "AAAAAAAA",
		"an issuer not ours":   rsaSigned(nil, goodClaims("https://mallory.example/")),
		"8 KiB of nested JSON": segment(`{"alg":"RS256"}`) + "." + segment(deep(5900)) + ".AAAA",
		"8 KiB of names":       segment(`{"alg":"RS256"}`) + "." + segment(wide(500)) + ".AAAA",
	} {
		b.Run(name, func(b *testing.B) {
			given := auth.Credentials{Token: token}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := a.Authenticate(b.Context(), given); err == nil {
					b.Fatal("accepted")
				}
			}
		})
	}
}

func signerOf(k any) crypto.Signer {
	signer, _ := k.(crypto.Signer)
	return signer
}

func deep(n int) string { return `{"a":` + strings.Repeat("[", n) }

func wide(n int) string {
	m := map[string]any{}
	for _, name := range fill("n%d", n) {
		m[name] = 1
	}
	return marshal(m)
}
