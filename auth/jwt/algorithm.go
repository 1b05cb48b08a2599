package jwt

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"maps"
	"slices"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// An algorithm is one way to sign, and the keys that it may be used with: the library would verify
// ES256 with a key of any curve.
type algorithm struct {
	method gojwt.SigningMethod
	fits   func(material any) bool
}

// algorithms are all that an issuer may list. There is no none among them, nor will there be.
var algorithms = map[string]algorithm{
	"HS256": {gojwt.SigningMethodHS256, isSecret},
	"HS384": {gojwt.SigningMethodHS384, isSecret},
	"HS512": {gojwt.SigningMethodHS512, isSecret},
	"RS256": {gojwt.SigningMethodRS256, isRSA},
	"RS384": {gojwt.SigningMethodRS384, isRSA},
	"RS512": {gojwt.SigningMethodRS512, isRSA},
	"PS256": {gojwt.SigningMethodPS256, isRSA},
	"PS384": {gojwt.SigningMethodPS384, isRSA},
	"PS512": {gojwt.SigningMethodPS512, isRSA},
	"ES256": {gojwt.SigningMethodES256, isOn(elliptic.P256())},
	"ES384": {gojwt.SigningMethodES384, isOn(elliptic.P384())},
	"ES512": {gojwt.SigningMethodES512, isOn(elliptic.P521())},
	"EdDSA": {gojwt.SigningMethodEdDSA, isEd25519},
}

func algorithmNames() []string { return slices.Sorted(maps.Keys(algorithms)) }

// symmetric reports whether whoever can verify can sign too.
func (a algorithm) symmetric() bool { return a.fits([]byte(nil)) }

func isSecret(material any) bool {
	_, ok := material.([]byte)
	return ok
}

func isRSA(material any) bool {
	_, ok := material.(*rsa.PublicKey)
	return ok
}

func isOn(curve elliptic.Curve) func(material any) bool {
	return func(material any) bool {
		k, ok := material.(*ecdsa.PublicKey)
		return ok && k.Curve == curve
	}
}

func isEd25519(material any) bool {
	_, ok := material.(ed25519.PublicKey)
	return ok
}
