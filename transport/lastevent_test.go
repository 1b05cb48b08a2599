package transport

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/operation"
)

func TestLastEventID(t *testing.T) {
	longest := strings.Repeat("x", mostEventID)
	for _, tt := range []struct {
		name        string
		header, url string
		want        string
		refused     bool
	}{
		{"there is none", "", "", "", false},
		{"in the header", "AQ-_", "", "AQ-_", false},
		{"in the URL", "", "AQ-_", "AQ-_", false},
		{"in the header, which is newer than the URL", "new", "old", "new", false},
		{"as long as may be", longest, "", longest, false},
		{"too long", longest + "x", "", "", true},
		{"too long in the URL", "", longest + "x", "", true},
		{"too long in the header, while the URL has a short one", longest + "x", "short", "", true},
		{"in another alphabet", "é", "", "", true},
		{"of two lines", "", "a\nid: b", "", true},
		{"of two words", "a b", "", "", true},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql?"+url.Values{"lastEventId": {tt.url}}.Encode(), nil)
		if tt.header != "" {
			r.Header.Set("Last-Event-ID", tt.header)
		}
		got, refusal := LastEventID(r)
		if got != tt.want || (refusal != nil) != tt.refused {
			t.Errorf("%s: %q, %v", tt.name, got, refusal)
		}
		if refusal != nil && (refusal.Status != http.StatusBadRequest || operation.Code(refusal.Errors) != operation.CodeBadRequest) {
			t.Errorf("%s: status %d, %v", tt.name, refusal.Status, refusal.Errors)
		}
	}
}
