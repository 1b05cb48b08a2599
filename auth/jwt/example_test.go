package jwt_test

import (
	"context"
	"fmt"
	"strings"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/jwt"
)

func Example() {
	secret := []byte("32 bytes that the issuer knows too")
	tokens, err := jwt.New([]jwt.Issuer{{
		Name:       "https://login.example/",
		Audiences:  []string{"https://graphql.example/"},
		Algorithms: []string{"HS256"},
		Secret:     secret,
	}}, jwt.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer tokens.Close()

	text, err := gojwt.NewWithClaims(gojwt.SigningMethodHS256, gojwt.MapClaims{
		"iss": "https://login.example/", "aud": "https://graphql.example/", "exp": 4102444800,
		"sub": "ann", "client_id": "web-shop", "scope": "orders:read orders:write",
	}).SignedString(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	viewer, err := tokens.Authenticate(context.Background(), auth.Credentials{Token: text})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(viewer.Subject, viewer.Consumer, viewer.Scopes)
	_, err = tokens.Authenticate(context.Background(), auth.Credentials{Token: text[:strings.LastIndex(text, ".")+1]})
	fmt.Println(err)
	// Output:
	// ann web-shop [orders:read orders:write]
	// auth: bad credentials: the token's signature is wrong
}
