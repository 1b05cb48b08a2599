package redis

import (
	"cmp"
	"crypto/tls"
	"time"
)

// pauseAfterFailure is how long Redis is left alone when it has not answered.
const pauseAfterFailure = time.Second

// Options are what New does not have to be told. The zero Options works.
type Options struct {
	// Node names this process in CLIENT LIST. Empty means that it is one of several.
	Node string

	// TLS is used with the rediss schemes. Nil means the system's roots and at least TLS 1.2.
	TLS *tls.Config

	// Timeout bounds one Get or Put. 0 means 250 ms.
	Timeout time.Duration

	// Expiry is how long a document is kept that nobody asks for. 0 means 24 h.
	Expiry time.Duration
}

func (o Options) withDefaults() Options {
	o.Timeout = cmp.Or(o.Timeout, 250*time.Millisecond)
	o.Expiry = cmp.Or(o.Expiry, 24*time.Hour)
	return o
}
