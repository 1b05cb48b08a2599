package redisconn

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for url, want := range map[string]Target{
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
		got, err := Parse(url)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", url, got, err)
		}
	}
}

func TestATargetShowsNoPassword(t *testing.T) {
	target, err := Parse("redis+sentinel://bob:hunter2@a,b/main?sentinel_password=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	fmt.Fprintf(&log, "%v %+v", target, target)
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "redis", target)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "redis", target)
	if strings.Contains(log.String(), "hunter2") {
		t.Errorf("shows the password: %s", &log)
	}
	if target.String() != "main of sentinels a:26379,b:26379" {
		t.Errorf("String = %q", target)
	}
}

func TestBadURLsAreRefusedWithoutShowingThePassword(t *testing.T) {
	for _, url := range []string{
		"", "localhost:6379", "http://h", "redis+ring://h", "redis://u:hunter2@", "redis://u:hunter2@h:port",
		"redis://u:hunter2@a,b", "redis://u:hunter2@h/x", "redis://u:hunter2@h/1/2", "redis+sentinel://u:hunter2@h",
		"redis+cluster://u:hunter2@h/1", "redis://u:hunter2%zz@h", "redis://h?timeout=1",
		// Passwords that should have been escaped.
		"redis://u:hunter2/x@h", "redis://u:hunter2?x@h", "redis://u:hunter2#x@h", "redis://u:1/hunter2@h",
		"redis://u:1?hunter2@h", "redis://u:1/1/hunter2@h", "redis+sentinel://u:1/x?hunter2@h/main",
	} {
		if got, err := Parse(url); err == nil || strings.Contains(err.Error(), "hunter2") || !reflect.DeepEqual(got, Target{}) {
			t.Errorf("%s: %v, %v", url, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("redis://:pw@h:1/2")
	f.Add("rediss+sentinel://u:p@a:1,b/main/3?sentinel_username=s")
	f.Add("redis+cluster://bob:pw@a:1,[::1]")
	f.Fuzz(func(t *testing.T, url string) {
		target, err := Parse(url)
		if err == nil && (len(target.addresses) == 0 || target.IsCluster() && target.db != 0) {
			t.Errorf("%q: %+v", url, target)
		}
	})
}
