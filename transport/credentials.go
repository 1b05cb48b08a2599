package transport

import (
	"net/http"
	"strings"

	"github.com/sluice-gateway/sluice/auth"
)

// HeaderCredentials reads the Authorization header: "Bearer <token>", or the bare token.
func HeaderCredentials(h http.Header) auth.Credentials {
	return auth.Credentials{Token: bearer(h.Get("Authorization"))}
}

// InitCredentials reads the payload of connection_init, in the shapes that Apollo, urql and
// GraphiQL users send: Authorization, headers.Authorization, authToken, token, apiKey.
func InitCredentials(payload map[string]any) auth.Credentials {
	for _, from := range []map[string]any{payload, nested(payload)} {
		for _, name := range []string{"Authorization", "authorization"} {
			if s, ok := from[name].(string); ok && s != "" {
				return auth.Credentials{Token: bearer(s)}
			}
		}
	}
	for _, name := range []string{"authToken", "token", "apiKey"} {
		if s, ok := payload[name].(string); ok && s != "" {
			return auth.Credentials{Token: bearer(s)}
		}
	}
	return auth.Credentials{}
}

func nested(payload map[string]any) map[string]any {
	headers, _ := payload["headers"].(map[string]any)
	return headers
}

func bearer(s string) string {
	s = strings.TrimSpace(s)
	if scheme, token, ok := strings.Cut(s, " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return s
}
