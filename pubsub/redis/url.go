package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// A mode is how a Redis deployment is reached.
type mode int

const (
	single mode = iota
	sentinel
	cluster
)

// A target is what a URL says. Its String, unlike the URL, is fit for logs.
type target struct {
	mode      mode
	tls       bool
	addresses []string // host:port; of the sentinels or of some cluster nodes when there are several
	master    string   // the name that the sentinels know
	db        int
	user      string
	password  string

	sentinelUser     string
	sentinelPassword string
}

func (t target) String() string {
	text := strings.Join(t.addresses, ",")
	if t.mode == sentinel {
		return t.master + " of sentinels " + text
	}
	return text
}

// parseURL reads
//
//	redis://[user:password@]host[:port][/db]
//	redis+sentinel://[user:password@]host[:port],…/master-name[/db][?sentinel_username=…&sentinel_password=…]
//	redis+cluster://[user:password@]host[:port],…
//
// and the same with rediss for TLS. Its errors never quote the URL, which may hold a password.
func parseURL(text string) (target, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return target{}, errors.New("redis: the URL has no scheme; write redis://host:6379")
	}
	t, err := targetOf(scheme)
	if err != nil {
		return target{}, err
	}
	// net/url refuses several host:port, so the list is cut out and it reads the remainder.
	authority, tail := rest, ""
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		authority, tail = rest[:at], rest[at:]
	}
	userinfo, hosts := "", authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		userinfo, hosts = authority[:at+1], authority[at+1:]
	}
	u, err := url.Parse("redis://" + userinfo + "host" + tail)
	if err != nil {
		return target{}, errors.New("redis: the URL cannot be read; write special characters of the user and the password as %XX")
	}
	t.user = u.User.Username()
	t.password, _ = u.User.Password()
	if t.addresses, err = addressesOf(hosts, t.mode); err != nil {
		return target{}, err
	}
	return t, t.readTail(u)
}

func targetOf(scheme string) (target, error) {
	var t target
	base, kind, _ := strings.Cut(scheme, "+")
	switch base {
	case "redis":
	case "rediss":
		t.tls = true
	default:
		return t, fmt.Errorf("redis: scheme %q is not known; use redis or rediss, with +sentinel or +cluster if needed", scheme)
	}
	switch kind {
	case "":
	case "sentinel":
		t.mode = sentinel
	case "cluster":
		t.mode = cluster
	default:
		return t, fmt.Errorf("redis: scheme %q is not known; after the + comes sentinel or cluster", scheme)
	}
	return t, nil
}

func addressesOf(hosts string, m mode) ([]string, error) {
	defaultPort := "6379"
	if m == sentinel {
		defaultPort = "26379"
	}
	var addresses []string
	for host := range strings.SplitSeq(hosts, ",") {
		name, port, err := net.SplitHostPort(host)
		if err != nil { // no port, then
			name, port = strings.Trim(host, "[]"), defaultPort
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || name == "" {
			return nil, fmt.Errorf("redis: %q in the URL is not host:port", host)
		}
		addresses = append(addresses, net.JoinHostPort(name, port))
	}
	if m == single && len(addresses) > 1 {
		return nil, errors.New("redis: the URL names several hosts; use redis+sentinel:// or redis+cluster://")
	}
	return addresses, nil
}

// readTail reads what follows the hosts: /db, /master/db, and the query.
func (t *target) readTail(u *url.URL) error {
	path := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
	if t.mode == sentinel {
		if len(path) == 0 {
			return errors.New("redis: the URL names no master; write redis+sentinel://host:26379/master-name")
		}
		t.master, path = path[0], path[1:]
	}
	switch {
	case len(path) > 1 || t.mode == cluster && len(path) > 0:
		return fmt.Errorf("redis: the path %q of the URL is too long", u.Path)
	case len(path) == 1:
		db, err := strconv.Atoi(path[0])
		if err != nil || db < 0 {
			return fmt.Errorf("redis: database %q in the URL is not a number", path[0])
		}
		t.db = db
	}
	for key, values := range u.Query() {
		switch {
		case t.mode == sentinel && key == "sentinel_username":
			t.sentinelUser = values[0]
		case t.mode == sentinel && key == "sentinel_password":
			t.sentinelPassword = values[0]
		default:
			return fmt.Errorf("redis: parameter %q of the URL is not known; other settings are in Options", key)
		}
	}
	return nil
}
