package redis

import (
	"context"
	"errors"
	"net"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/sluice-gateway/sluice/internal/redisconn"
)

// clusterReload is go-redis' own; the cluster layout reloads when something has happened, and every
// now and then, and waits for the answer.
const clusterReload = time.Hour

// errRedial is what go-redis gets when it tries to replace a subscription's connection silently.
var errRedial = errors.New("redis: the connection is gone")

type sealedKey struct{}

// sealed returns a context in which no connection can be made. go-redis' PubSub replaces a broken
// connection by itself, without a word about the events lost between; with every call after the
// first sealed, it fails instead and the link makes the new connection.
func sealed(ctx context.Context) context.Context {
	return context.WithValue(ctx, sealedKey{}, true)
}

// clientOptions are the settings of a client that makes no connection in a sealed context.
func clientOptions(t redisconn.Target, o Options) *goredis.UniversalOptions {
	c := t.Settings(redisconn.Options{Name: "sluice-" + o.Node, TLS: o.TLS, Timeout: o.PublishTimeout})
	c.MaxRedirects = -1 // see clusterLayout.publish
	dial := c.Dialer
	c.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if ctx.Value(sealedKey{}) != nil {
			return nil, errRedial
		}
		return dial(ctx, network, addr)
	}
	return c
}
