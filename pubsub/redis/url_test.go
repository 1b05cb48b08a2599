package redis

import (
	"reflect"
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	for url, want := range map[string]target{
		"redis://localhost":                {addresses: []string{"localhost:6379"}},
		"redis://:pw@h:1/2":                {addresses: []string{"h:1"}, password: "pw", db: 2},
		"rediss://bob:a%2Fb%40@[::1]:7":    {addresses: []string{"[::1]:7"}, tls: true, user: "bob", password: "a/b@"},
		"redis+cluster://bob:pw@a:1,b,c:3": {mode: cluster, addresses: []string{"a:1", "b:6379", "c:3"}, user: "bob", password: "pw"},
		"redis+sentinel://a,b:2/main/3":    {mode: sentinel, addresses: []string{"a:26379", "b:2"}, master: "main", db: 3},
		"rediss+sentinel://u:p@a:1/main":   {mode: sentinel, tls: true, addresses: []string{"a:1"}, master: "main", user: "u", password: "p"},
		"redis+sentinel://a/m?sentinel_password=x%20y&sentinel_username=s": {
			mode: sentinel, addresses: []string{"a:26379"}, master: "m", sentinelUser: "s", sentinelPassword: "x y",
		},
	} {
		got, err := parseURL(url)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
		if got.password != "" && strings.Contains(got.String(), got.password+"@") {
			t.Errorf("%s: %q shows the password", url, got)
		}
	}
}

func TestBadURLsAreRefusedWithoutShowingThePassword(t *testing.T) {
	for _, url := range []string{
		"", "localhost:6379", "http://h", "redis+ring://h", "redis://u:hunter2@", "redis://u:hunter2@h:port",
		"redis://u:hunter2@a,b", "redis://u:hunter2@h/x", "redis://u:hunter2@h/1/2", "redis+sentinel://u:hunter2@h",
		"redis+cluster://u:hunter2@h/1", "redis://u:hunter2%zz@h", "redis://h?timeout=1",
	} {
		if _, err := parseURL(url); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", url, err)
		}
	}
}
