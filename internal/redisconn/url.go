package redisconn

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

// escape is the advice when a URL reads oddly.
const escape = "write special characters of the user and the password as %XX"

// A Target is what a URL says. Its String, unlike the URL, is fit for logs.
type Target struct {
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

// String names the servers, without a credential.
func (t Target) String() string {
	text := strings.Join(t.addresses, ",")
	if t.mode == sentinel {
		return t.master + " of sentinels " + text
	}
	return text
}

// IsCluster reports whether the servers are nodes of a Cluster.
func (t Target) IsCluster() bool { return t.mode == cluster }

// Parse reads
//
//	redis://[user:password@]host[:port][/db]
//	redis+sentinel://[user:password@]host[:port],…/master-name[/db][?sentinel_username=…&sentinel_password=…]
//	redis+cluster://[user:password@]host[:port],…
//
// and the same with rediss for TLS. Its errors quote the scheme at most: a password with a / or a ?
// in it, as it is and not as %XX, reads like a host or a path.
func Parse(text string) (Target, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok {
		return Target{}, errors.New("redis: the URL has no scheme; write redis://host:6379")
	}
	t, err := targetOf(scheme)
	if err != nil {
		return Target{}, err
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
		return Target{}, errors.New("redis: the URL cannot be read; " + escape)
	}
	t.user = u.User.Username()
	t.password, _ = u.User.Password()
	if t.addresses, err = addressesOf(hosts, t.mode); err != nil {
		return Target{}, err
	}
	if err := t.readTail(u); err != nil {
		return Target{}, err
	}
	return t, nil
}

func targetOf(scheme string) (Target, error) {
	var t Target
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
	for i, host := range strings.Split(hosts, ",") {
		name, port, err := net.SplitHostPort(host)
		if err != nil { // no port, then
			name, port = strings.Trim(host, "[]"), defaultPort
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil || name == "" {
			return nil, fmt.Errorf("redis: host %d of the URL is not host:port; %s", i+1, escape)
		}
		addresses = append(addresses, net.JoinHostPort(name, port))
	}
	if m == single && len(addresses) > 1 {
		return nil, errors.New("redis: the URL names several hosts; use redis+sentinel:// or redis+cluster://")
	}
	return addresses, nil
}

// readTail reads what follows the hosts: /db, /master/db, and the query.
func (t *Target) readTail(u *url.URL) error {
	path := strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
	if t.mode == sentinel {
		if len(path) == 0 {
			return errors.New("redis: the URL names no master; write redis+sentinel://host:26379/master-name")
		}
		t.master, path = path[0], path[1:]
	}
	switch {
	case len(path) > 1 || t.mode == cluster && len(path) > 0:
		return errors.New("redis: the path of the URL is too long; " + escape)
	case len(path) == 1:
		db, err := strconv.Atoi(path[0])
		if err != nil || db < 0 {
			return errors.New("redis: the database in the URL is not a number; " + escape)
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
			return errors.New("redis: the URL has a parameter besides sentinel_username and sentinel_password of redis+sentinel://; " + escape)
		}
	}
	return nil
}
