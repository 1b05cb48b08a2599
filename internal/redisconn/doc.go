// Package redisconn makes Redis clients from a URL, all of them with the same explicit settings.
//
// It knows where Redis is and how long to wait for it, and nothing of what is kept there. On a
// single Redis and behind Sentinel no command is sent twice: only the caller knows what may be done
// twice. In a Cluster a client of Open follows a slot to where it has moved, and go-redis does not
// tell that from a lost connection: there what must not be done twice says so itself. A context's
// deadline bounds all of it.
//
// The package starts no goroutine; go-redis does, and ends them within seconds once its client is
// closed. Everything here is safe for concurrent use.
package redisconn
