package jwt

import (
	"errors"
	"strings"
	"testing"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/sluice-gateway/sluice/auth"
)

const (
	rsaName  = "https://rsa.example/"
	hmacName = "https://hmac.example/"
	ecName   = "https://ec.example/"
	edName   = "https://ed.example/"
)

// four are issuers with keys of four kinds; each lists one algorithm.
func four() []Issuer {
	ours := []string{"sluice", "sluice-test"}
	return []Issuer{
		{Name: rsaName, Audiences: ours, Algorithms: []string{"RS256"}, PEM: [][]byte{publicPEM(rsaKey())}},
		{Name: hmacName, Audiences: ours, Algorithms: []string{"HS256"}, Secret: secret},
		{Name: ecName, Audiences: ours, Algorithms: []string{"ES256"}, PEM: [][]byte{publicPEM(ecKey())}},
		{Name: edName, Audiences: ours, Algorithms: []string{"EdDSA"}, PEM: [][]byte{publicPEM(edKey())}},
	}
}

func rsaSigned(header, claims map[string]any) string {
	return sign(gojwt.SigningMethodRS256, rsaKey(), header, claims)
}

func TestTokensOfEveryAlgorithm(t *testing.T) {
	p521 := newEC(algorithmCurve["ES512"])
	keys := map[string]any{
		"HS": secret, "RS": rsaKey(), "PS": rsaKey(), "ES256": ecKey(), "ES384": p384Key(), "ES512": p521, "EdDSA": edKey(),
	}
	public := map[string][]byte{
		"RS": publicPEM(rsaKey()), "PS": publicPEM(rsaKey()), "ES256": publicPEM(ecKey()), "ES384": publicPEM(p384Key()),
		"ES512": publicPEM(p521), "EdDSA": publicPEM(edKey()),
	}
	for _, name := range algorithmNames() {
		t.Run(name, func(t *testing.T) {
			family := name
			if _, ok := keys[family]; !ok {
				family = name[:2]
			}
			issuer := Issuer{Name: rsaName, Audiences: []string{"sluice"}, Algorithms: []string{name}}
			if text, ok := public[family]; ok {
				issuer.PEM = [][]byte{text}
			} else {
				issuer.Secret = secret
			}
			a := open(t, silent(), issuer)
			v := accepts(t, a, sign(algorithms[name].method, keys[family], nil, goodClaims(rsaName)))
			if v.Subject != "ann" || v.Consumer != "shop" || v.Issuer != rsaName {
				t.Errorf("viewer %+v", v)
			}
		})
	}
}

func TestHeadersThatAreFine(t *testing.T) {
	a := open(t, silent(), four()...)
	for name, header := range map[string]map[string]any{
		"a typ in small letters":      {"typ": "jwt"},
		"an access token's typ":       {"typ": "at+jwt"},
		"a typ with its tree":         {"typ": "application/at+jwt"},
		"a kid that is not needed":    {"kid": "2026-11"},
		"parameters that are unknown": {"x5t": "abc", "zip": "DEF"},
	} {
		t.Run(name, func(t *testing.T) { accepts(t, a, rsaSigned(header, goodClaims(rsaName))) })
	}
	t.Run("no typ", func(t *testing.T) {
		accepts(t, a, signText(gojwt.SigningMethodRS256, rsaKey(), `{"alg":"RS256"}`, marshal(goodClaims(rsaName))))
	})
}

func TestAttacks(t *testing.T) {
	good := goodClaims(rsaName)
	goodToken := rsaSigned(nil, good)
	parts := strings.Split(goodToken, ".")
	raw := func(header, claims string) string {
		return signText(gojwt.SigningMethodRS256, rsaKey(), header, claims)
	}
	rs256 := `{"alg":"RS256","typ":"JWT"}`
	// unsigned is what the "none" attack sends; the signature may be anything.
	unsigned := func(alg, signature string) string {
		return segment(`{"alg":"`+alg+`"}`) + "." + segment(marshal(good)) + "." + signature
	}
	mallory := jwk("mallory", malloryRSA())
	for name, attack := range map[string]struct{ token, reason string }{
		"alg none":                          {unsigned("none", ""), "algorithm"},
		"alg None":                          {unsigned("None", ""), "algorithm"},
		"alg NONE":                          {unsigned("NONE", ""), "algorithm"},
		"alg nOnE with a signature":         {unsigned("nOnE", parts[2]), "algorithm"},
		"an empty alg":                      {unsigned("", ""), "algorithm"},
		"an alg with a space":               {unsigned("RS256 ", parts[2]), "algorithm"},
		"alg rs256 in small letters":        {unsigned("rs256", parts[2]), "algorithm"},
		"no alg":                            {raw(`{"typ":"JWT"}`, marshal(good)), "algorithm"},
		"an alg that is a number":           {raw(`{"alg":256}`, marshal(good)), "algorithm"},
		"two algs":                          {raw(`{"alg":"RS256","alg":"none"}`, marshal(good)), "twice"},
		"no signature":                      {parts[0] + "." + parts[1] + ".", "signature"},
		"the signature of another token":    {parts[0] + "." + parts[1] + "." + strings.Split(rsaSigned(nil, with(good, "sub", "bob")), ".")[2], "signature"},
		"claims changed after signing":      {parts[0] + "." + segment(marshal(with(good, "sub", "bob"))) + "." + parts[2], "signature"},
		"HS256 with the public key":         {sign(gojwt.SigningMethodHS256, publicPEM(rsaKey()), nil, good), "algorithm"},
		"HS256 with no secret":              {sign(gojwt.SigningMethodHS256, []byte{}, nil, good), "algorithm"},
		"PS256 where RS256 is listed":       {sign(gojwt.SigningMethodPS256, rsaKey(), nil, good), "algorithm"},
		"RS512 where RS256 is listed":       {sign(gojwt.SigningMethodRS512, rsaKey(), nil, good), "algorithm"},
		"PS256 called RS256":                {signText(gojwt.SigningMethodPS256, rsaKey(), rs256, marshal(good)), "signature"},
		"ES256 with a P-384 key":            {signES256With384(goodClaims(ecName)), "signature"},
		"a key of somebody else":            {sign(gojwt.SigningMethodRS256, malloryRSA(), nil, good), "signature"},
		"another EdDSA key":                 {sign(gojwt.SigningMethodEdDSA, otherEdKey(), nil, goodClaims(edName)), "signature"},
		"another secret":                    {sign(gojwt.SigningMethodHS256, []byte("thirty-two bytes that anybody knew"), nil, goodClaims(hmacName)), "signature"},
		"the key of another issuer":         {sign(gojwt.SigningMethodEdDSA, edKey(), nil, good), "algorithm"},
		"an issuer that is unknown":         {rsaSigned(nil, goodClaims("https://mallory.example/")), "issuer is not configured"},
		"an issuer but for the slash":       {rsaSigned(nil, goodClaims(strings.TrimSuffix(rsaName, "/"))), "issuer is not configured"},
		"no issuer":                         {rsaSigned(nil, without(good, "iss")), "issuer is not configured"},
		"an array of issuers":               {rsaSigned(nil, with(good, "iss", []string{rsaName, hmacName})), "iss is not a string"},
		"two issuers":                       {raw(rs256, `{"iss":"`+hmacName+`",`+marshal(good)[1:]), "twice"},
		"two issuers, one of them escaped":  {raw(rs256, `{"\u0069ss":"`+hmacName+`",`+marshal(good)[1:]), "twice"},
		"a name twice deep inside":          {raw(rs256, `{"a":[{"b":1,"b":2}],`+marshal(good)[1:]), "twice"},
		"a wrong audience":                  {rsaSigned(nil, with(good, "aud", "mallory")), "audience"},
		"an audience that begins like ours": {rsaSigned(nil, with(good, "aud", "sluice2")), "audience"},
		"no audience":                       {rsaSigned(nil, without(good, "aud")), "aud"},
		"an empty array of audiences":       {rsaSigned(nil, with(good, "aud", []string{})), "audience"},
		"an audience in a nested array":     {rsaSigned(nil, with(good, "aud", [][]string{{"sluice"}})), "aud"},
		"a number beside our audience":      {rsaSigned(nil, with(good, "aud", []any{"sluice", 1})), "aud"},
		"an audience that is an object":     {rsaSigned(nil, with(good, "aud", map[string]any{"sluice": true})), "aud"},
		"no expiry":                         {rsaSigned(nil, without(good, "exp")), "no exp"},
		"an expiry that is a string":        {rsaSigned(nil, with(good, "exp", "9999999999")), "exp"},
		"an expiry of null":                 {rsaSigned(nil, with(good, "exp", nil)), "exp"},
		"an expiry beyond all time":         {raw(rs256, `{"exp":1e300,`+marshal(without(good, "exp"))[1:]), "exp"},
		"an expiry no number can hold":      {raw(rs256, `{"exp":1e999,`+marshal(without(good, "exp"))[1:]), "exp"},
		"an expiry before 1970":             {rsaSigned(nil, with(good, "exp", -1)), "exp"},
		"nbf as a string":                   {rsaSigned(nil, with(good, "nbf", "0")), "nbf"},
		"iat as an object":                  {rsaSigned(nil, with(good, "iat", map[string]any{})), "iat"},
		"sub as a number":                   {rsaSigned(nil, with(good, "sub", 7)), "sub"},
		"sub of null":                       {rsaSigned(nil, with(good, "sub", nil)), "sub"},
		"sub as an array":                   {rsaSigned(nil, with(good, "sub", []string{"ann"})), "sub"},
		"sub with a line break":             {rsaSigned(nil, with(good, "sub", "ann\nX: y")), "sub"},
		"sub with a NUL":                    {rsaSigned(nil, with(good, "sub", "ann\x00")), "sub"},
		"sub with half a surrogate pair":    {raw(rs256, `{"sub":"ann\ud800",`+marshal(without(good, "sub"))[1:]), "sub"},
		"sub of 257 bytes":                  {rsaSigned(nil, with(good, "sub", strings.Repeat("a", 257))), "sub"},
		"an empty consumer":                 {rsaSigned(nil, with(good, "client_id", "")), "client_id is empty"},
		"a consumer that is a number":       {rsaSigned(nil, with(good, "client_id", 1)), "client_id"},
		"a plan that is an object":          {rsaSigned(nil, with(good, "plan", map[string]any{})), "plan"},
		"101 scopes":                        {rsaSigned(nil, with(good, "scope", strings.Join(fill("s%d", 101), " "))), "more than 100"},
		"101 scopes in scope and scp":       {rsaSigned(nil, with(with(good, "scope", strings.Join(fill("s%d", 100), " ")), "scp", "t")), "more than 100"},
		"a scope that is a number":          {rsaSigned(nil, with(good, "scp", []any{"admin", 1})), "scp"},
		"a scope with a space":              {rsaSigned(nil, with(good, "scp", []string{"admin write"})), "scp"},
		"an empty scope":                    {rsaSigned(nil, with(good, "scp", []string{""})), "scp"},
		"a scope with a tab":                {rsaSigned(nil, with(good, "scope", "admin\twrite")), "scope"},
		"scopes that are an object":         {rsaSigned(nil, with(good, "scope", map[string]any{"admin": true})), "scope"},
		"101 topics":                        {rsaSigned(nil, with(good, "publish", fill("t%d", 101))), "more than 100"},
		"a key in the header (jwk)":         {sign(gojwt.SigningMethodRS256, malloryRSA(), map[string]any{"jwk": mallory, "kid": "mallory"}, good), "signature"},
		"a URL in the header (jku)":         {sign(gojwt.SigningMethodRS256, malloryRSA(), map[string]any{"jku": "https://mallory.example/jwks"}, good), "signature"},
		"a URL in the header (x5u)":         {sign(gojwt.SigningMethodRS256, malloryRSA(), map[string]any{"x5u": "https://mallory.example/x5u"}, good), "signature"},
		"a certificate in the header (x5c)": {sign(gojwt.SigningMethodRS256, malloryRSA(), map[string]any{"x5c": []string{"MIIB"}}, good), "signature"},
		"an extension that is critical":     {rsaSigned(map[string]any{"crit": []string{"b64"}, "b64": false}, good), "extension"},
		"an empty list of extensions":       {rsaSigned(map[string]any{"crit": []string{}}, good), "extension"},
		"a logout token":                    {rsaSigned(map[string]any{"typ": "logout+jwt"}, good), "typ"},
		"a typ that is a number":            {rsaSigned(map[string]any{"typ": 1}, good), "typ"},
		"a kid that is a path":              {rsaSigned(map[string]any{"kid": []string{"/dev/null"}}, good), "kid"},
		"an empty kid":                      {rsaSigned(map[string]any{"kid": ""}, good), "kid"},
		"a kid of 257 bytes":                {rsaSigned(map[string]any{"kid": strings.Repeat("k", 257)}, good), "kid"},
		"a token of more than 8 KiB":        {rsaSigned(nil, with(good, "sub", strings.Repeat("a", 8<<10))), "8 KiB"},
		"bits beyond the last byte":         {lastBit(goodToken), "canonical"},
		"a header that is an array":         {raw(`["RS256"]`, marshal(good)), "JSON"},
		"claims that are an array":          {raw(rs256, `[]`), "JSON"},
		"claims that are null":              {raw(rs256, `null`), "JSON"},
		"something after the claims":        {raw(rs256, marshal(good)+`{}`), "JSON"},
		"claims that end too early":         {raw(rs256, marshal(good)[:40]), "JSON"},
		"claims that are not UTF-8":         {raw(rs256, `{"a":"`+"\xff"+`",`+marshal(good)[1:]), "UTF-8"},
		"claims that nest too deep":         {raw(rs256, `{"a":`+strings.Repeat("[", 500)+strings.Repeat("]", 500)+`,`+marshal(good)[1:]), "deep"},
	} {
		t.Run(name, func(t *testing.T) {
			a := open(t, silent(), four()...)
			refuses(t, a, attack.token, attack.reason)
		})
	}
}

// signES256With384 signs with P-384, cut so that the signature has the length that ES256 wants.
func signES256With384(claims map[string]any) string {
	text := segment(`{"alg":"ES256"}`) + "." + segment(marshal(claims))
	signature := must(gojwt.SigningMethodES384.Sign(text, p384Key()))
	return text + "." + segment(string(signature[:64]))
}

// lastBit changes a bit of a token that a lax decoder throws away: RS256 has a signature of 256
// bytes, whose last character carries 4 bits of 6.
func lastBit(token string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, token[len(token)-1])
	return token[:len(token)-1] + string(alphabet[last^1])
}

func TestOtherKinds(t *testing.T) {
	a := open(t, silent(), four()...)
	token := rsaSigned(nil, goodClaims(rsaName))
	for name, text := range map[string]string{
		"an API key":               "sluice_abcdefgh_ijklmnop",
		"two parts":                "e30.e30",
		"four parts":               token + ".e30",
		"five parts, as encrypted": "e30.e30.e30.e30.e30",
		"no header":                "." + token,
		"padding":                  strings.Replace(token, ".", "=.", 1),
		"standard base64":          "+/" + token,
		"a line break inside":      strings.Replace(token, ".", "\n.", 1),
		"a space before":           " " + token,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := authenticate(t, a, text); !errors.Is(err, auth.ErrOtherKind) {
				t.Errorf("error %v", err)
			}
		})
	}
	t.Run("only a certificate", func(t *testing.T) {
		if _, err := a.Authenticate(t.Context(), auth.Credentials{Certificate: certificate()}); !errors.Is(err, auth.ErrOtherKind) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("nothing at all is anonymous", func(t *testing.T) {
		if v, err := a.Authenticate(t.Context(), auth.Credentials{}); err != nil || v != auth.Anonymous {
			t.Errorf("%v, %v", v, err)
		}
	})
}

// A chain asks the next authenticator about what is no token, and nobody else about a bad token.
func TestChain(t *testing.T) {
	keys, err := auth.NewKeys([]auth.Key{{Key: "0123456789abcdef", Consumer: "device"}})
	if err != nil {
		t.Fatal(err)
	}
	chain := auth.Chain{open(t, silent(), four()...), keys}
	if v, err := chain.Authenticate(t.Context(), auth.Credentials{Token: "0123456789abcdef"}); err != nil || v.Consumer != "device" {
		t.Errorf("%v, %v", v, err)
	}
	_, err = chain.Authenticate(t.Context(), auth.Credentials{Token: "e30.e30.e30"})
	if !errors.Is(err, auth.ErrBadCredentials) || !strings.Contains(err.Error(), "names no algorithm") {
		t.Errorf("error %v, want the reason of the authenticator that understands tokens", err)
	}
}

func TestCloseTwice(t *testing.T) {
	a := open(t, silent(), four()...)
	a.Close()
	a.Close()
	accepts(t, a, rsaSigned(nil, goodClaims(rsaName)))
}
