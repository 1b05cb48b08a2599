package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	dialTimeout = 2 * time.Second
	// poolSize is how many publishes may be on their way at once, per Redis server.
	poolSize = 32
	// clusterReload is go-redis' own; the cluster layout reloads when something has happened, and
	// every now and then, and waits for the answer.
	clusterReload = time.Hour
)

// errRedial is what go-redis gets when it tries to replace a subscription's connection silently.
var errRedial = errors.New("redis: the connection is gone")

type sealedKey struct{}

// sealed returns a context in which no connection can be made. go-redis' PubSub replaces a broken
// connection by itself, without a word about the events lost between; with every call after the
// first sealed, it fails instead and the link makes the new connection.
func sealed(ctx context.Context) context.Context {
	return context.WithValue(ctx, sealedKey{}, true)
}

// clientOptions sets whatever go-redis would choose: its defaults changed between releases.
func clientOptions(t target, o Options) *goredis.UniversalOptions {
	c := &goredis.UniversalOptions{
		Addrs:            t.addresses,
		MasterName:       t.master,
		DB:               t.db,
		Username:         t.user,
		Password:         t.password,
		SentinelUsername: t.sentinelUser,
		SentinelPassword: t.sentinelPassword,
		ClientName:       "sluice-" + o.Node,
		Protocol:         2, // RESP3 brings Pub/Sub nothing, and cost it messages before go-redis v9.20.1

		MaxRetries:            -1, // a publish that is tried again may arrive twice
		DialTimeout:           dialTimeout,
		DialerRetries:         1,
		DialerRetryTimeout:    100 * time.Millisecond,
		ReadTimeout:           o.PublishTimeout,
		WriteTimeout:          o.PublishTimeout,
		ContextTimeoutEnabled: true,
		MinRetryBackoff:       -1,
		MaxRetryBackoff:       -1,

		PoolSize:        poolSize,
		PoolTimeout:     o.PublishTimeout,
		MaxIdleConns:    poolSize / 4,
		ConnMaxIdleTime: 5 * time.Minute,
		ConnMaxLifetime: -1,
		MaxRedirects:    -1, // see clusterLayout.publish

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
	dial := plain.DialContext
	if secure != nil {
		dial = (&tls.Dialer{NetDialer: plain, Config: secure}).DialContext
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		if ctx.Value(sealedKey{}) != nil {
			return nil, errRedial
		}
		return dial(ctx, network, addr)
	}
}
