package jwt

import (
	"errors"
	"maps"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
)

// Sign makes a token of an issuer with a Secret, for development and tests: it names the issuer, its
// first audience and the time, and says what claims say besides.
func Sign(i Issuer, claims map[string]any, life time.Duration) (string, error) {
	if len(i.Secret) == 0 || len(i.Algorithms) == 0 || len(i.Audiences) == 0 {
		return "", errors.New("jwt: only an issuer with a secret, an algorithm and an audience can sign")
	}
	a, ok := algorithms[i.Algorithms[0]]
	if !ok || !a.symmetric() {
		return "", errors.New("jwt: the issuer's first algorithm needs no secret")
	}
	now := time.Now()
	all := gojwt.MapClaims{"iss": i.Name, "aud": i.Audiences[0], "iat": now.Unix(), "exp": now.Add(life).Unix()}
	maps.Copy(all, claims)
	return gojwt.NewWithClaims(a.method, all).SignedString(i.Secret)
}
