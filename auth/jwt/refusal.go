package jwt

import (
	"fmt"

	"github.com/sluice-gateway/sluice/auth"
)

var (
	errMalformed    = refuse("the token's header or claims are not a JSON object in UTF-8, have a name twice or nest too deep")
	errNotCanonical = refuse("the token is not written in canonical base64url")
	errNoKey        = refuse("the token's key is none of its issuer's")
)

// refuse says for the operator why a token is worth nothing. A reason holds what was configured,
// never what a token says: it ends in logs.
func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", auth.ErrBadCredentials, fmt.Sprintf(format, args...))
}
