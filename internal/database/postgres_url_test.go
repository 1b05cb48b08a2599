package database

import (
	"strings"
	"testing"
)

func TestIsURL(t *testing.T) {
	for dsn, want := range map[string]bool{
		"postgres://host/shop":   true,
		"postgresql://host/shop": true,
		"postgres":               false,
		"postgres:shop.db":       false,
		"shop.db":                false,
		Memory:                   false,
		"":                       false,
	} {
		if IsURL(dsn) != want {
			t.Errorf("IsURL(%q) is not %v", dsn, want)
		}
	}
}

func TestRedacted(t *testing.T) {
	t.Setenv("PGPORT", "")
	for _, c := range []struct{ name, dsn, want string }{
		{"a file is itself", "data/shop.db", "data/shop.db"},
		{"a password is left out", "postgres://ann:hunter2@db:6543/shop?sslmode=disable", "postgres://ann@db:6543/shop"},
		{"the other name of the scheme is the same", "postgresql://ann:hunter2@db/shop", "postgres://ann@db:5432/shop"},
		{"a password in the query is left out", "postgres://ann@db/shop?password=hunter2", "postgres://ann@db:5432/shop"},
		{"of several hosts the first is shown", "postgres://ann:hunter2@db1:1,db2:2/shop", "postgres://ann@db1:1/shop"},
		{"what cannot be read is not shown", "postgres://ann:hunter2@db:port/shop", "postgres://"},
		{"a slash in a password is not taken for the database", "postgres://ann:123/hunter2@db/shop", "postgres://"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Redacted(c.dsn); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestAnErrorHoldsNoPassword(t *testing.T) {
	for _, c := range []struct{ name, dsn, want string }{
		{"nobody listens", "postgres://ann:hunter2@127.0.0.1:1/shop?sslmode=disable", "127.0.0.1:1"},
		{"an unknown value", "postgres://ann:hunter2@127.0.0.1:1/shop?sslmode=hunter2", "cannot be read"},
		{"a slash", "postgres://ann:hunter2/x@127.0.0.1:1/shop", "%40"},
		{"a slash behind digits", "postgres://ann:123/hunter2@127.0.0.1:1/shop", "%40"},
		{"a question mark", "postgres://ann:123?hunter2@127.0.0.1:1/shop", "%40"},
		{"a colon", "postgres://ann:x:hunter2", "cannot be read"},
		{"a broken escape", "postgres://ann:%zzhunter2@127.0.0.1:1/shop", "cannot be read"},
		{"a bad port", "postgres://ann:hunter2@127.0.0.1:hunter2/shop", "cannot be read"},
		{"a certificate that is not there", "postgres://ann:hunter2@127.0.0.1:1/shop?sslmode=verify-full&sslrootcert=/no/such.pem", "/no/such.pem"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(t.Context(), c.dsn, options(t))
			if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// Whatever a URL is, a password where passwords stand is not shown.
func FuzzRedacted(f *testing.F) {
	f.Add("ann", "db:5432/shop?sslmode=disable")
	f.Add("ann:%", "db:x")
	f.Add("", "[::1]/")
	f.Add("a/b", "@?#")
	f.Fuzz(func(t *testing.T, before, after string) {
		const password = "hunter2"
		if strings.Contains(before+after, password) || strings.ContainsAny(before, "/?#") {
			return
		}
		dsn := "postgres://" + before + ":" + password + "@" + after
		shown := Redacted(dsn)
		_, err := parseURL(dsn)
		if strings.Contains(shown, password) || err != nil && strings.Contains(err.Error(), password) {
			t.Errorf("%q is shown as %q (%v)", dsn, shown, err)
		}
	})
}
