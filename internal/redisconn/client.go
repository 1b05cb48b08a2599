package redisconn

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	dialTimeout = 2 * time.Second
	// poolSize is how many commands may be on their way at once, per Redis server.
	poolSize = 32
	// redirects is how often one command may be sent again in a Cluster, where its slot is now.
	redirects = 3
	// clusterReload is how old the cluster's layout may become; a redirect renews it at once.
	clusterReload = 10 * time.Second
)

// Options are what a URL does not say.
type Options struct {
	// Name is what CLIENT LIST shows. Empty means nothing.
	Name string

	// TLS is used with the rediss schemes. Nil means the system's roots and at least TLS 1.2.
	TLS *tls.Config

	// Timeout bounds each write and each read of a command, and the wait for a connection. 0 means
	// 1 s. A context with an earlier deadline counts more.
	Timeout time.Duration
}

// Open returns a client for the Redis at url, see Parse. It does not wait for Redis. The error is
// about url, and does not quote it. The caller closes the client.
func Open(url string, o Options) (goredis.UniversalClient, error) {
	t, err := Parse(url)
	if err != nil {
		return nil, err
	}
	if t.IsCluster() {
		c := t.Settings(o).Cluster()
		c.ClusterStateReloadInterval = clusterReload
		return goredis.NewClusterClient(c), nil
	}
	return t.Client(t.Settings(o)), nil
}

// Client makes a client of the one Redis, which may be whatever the sentinels call the master.
// The target is no Cluster.
func (t Target) Client(settings *goredis.UniversalOptions) *goredis.Client {
	if t.mode == sentinel {
		return goredis.NewFailoverClient(settings.Failover())
	}
	return goredis.NewClient(settings.Simple())
}

// Settings sets whatever go-redis would choose: its defaults changed between releases. They are the
// caller's, to be changed where a client needs something else.
func (t Target) Settings(o Options) *goredis.UniversalOptions {
	if o.Timeout <= 0 {
		o.Timeout = time.Second
	}
	c := &goredis.UniversalOptions{
		Addrs:            t.addresses,
		MasterName:       t.master,
		DB:               t.db,
		Username:         t.user,
		Password:         t.password,
		SentinelUsername: t.sentinelUser,
		SentinelPassword: t.sentinelPassword,
		ClientName:       o.Name,
		Protocol:         2, // RESP3 brings us nothing, and cost Pub/Sub messages before go-redis v9.20.1

		MaxRetries:            -1, // what is tried again may be done twice
		DialTimeout:           dialTimeout,
		DialerRetries:         1,
		DialerRetryTimeout:    100 * time.Millisecond,
		ReadTimeout:           o.Timeout,
		WriteTimeout:          o.Timeout,
		ContextTimeoutEnabled: true,
		MinRetryBackoff:       -1,
		MaxRetryBackoff:       -1,

		PoolSize:        poolSize,
		PoolTimeout:     o.Timeout,
		MaxIdleConns:    poolSize / 4,
		ConnMaxIdleTime: 5 * time.Minute,
		ConnMaxLifetime: -1,
		MaxRedirects:    redirects,

		// Neither is needed, and both are commands that an ACL may forbid.
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	if t.tls {
		c.TLSConfig = o.TLS
		if c.TLSConfig == nil {
			c.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	}
	c.Dialer = dialer(c.TLSConfig)
	return c
}

func dialer(secure *tls.Config) func(ctx context.Context, network, addr string) (net.Conn, error) {
	plain := &net.Dialer{
		Timeout:         dialTimeout,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}
	if secure == nil {
		return plain.DialContext
	}
	return (&tls.Dialer{NetDialer: plain, Config: secure}).DialContext
}
