package redis_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/sluice-gateway/sluice/documents"
	"github.com/sluice-gateway/sluice/documents/redis"
	"github.com/sluice-gateway/sluice/internal/redistest"
)

func TestMain(m *testing.M) {
	goredis.SetLogger(new(logging.VoidLogger)) // it tells of every sentinel and failed dial
	goleak.VerifyTestMain(m)
}

const (
	// patience is generous: test machines are slow at times.
	patience = 20 * time.Second
	text     = "{ product { name } }"
)

var (
	hash = documents.Hash(text)
	key  = "sluice:document:" + hash
	// large is more than a store keeps.
	large = strings.Repeat("#", documents.MaxText+1)
	// patient waits for a slow machine where Redis is expected to answer.
	patient = redis.Options{Timeout: patience}
)

func TestADocumentOfOneNodeIsKnownToTheOthers(t *testing.T) {
	single := redistest.Start(t)
	secure, trust := redistest.StartTLS(t)
	for name, at := range map[string]struct {
		url string
		tls *tls.Config
	}{
		"on a single Redis": {url: single.URL()},
		"over TLS":          {url: secure.URL(), tls: trust},
		"behind Sentinel":   {url: redistest.StartSentinel(t).URL()},
		"in a Cluster":      {url: redistest.StartCluster(t, 3).URL()},
	} {
		t.Run(name, func(t *testing.T) {
			o := redis.Options{Timeout: patience, TLS: at.tls}
			a, b := open(t, at.url, o), open(t, at.url, o)
			for i := range 20 { // in a Cluster, on several masters
				text := fmt.Sprintf("{ product%d { name } }", i)
				unknown(t, b, documents.Hash(text))
				put(t, a, text)
				known(t, b, text)
			}
		})
	}
}

func TestGetFindsOnlyWhatHasTheHash(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), patient)
	for name, test := range map[string]struct {
		key, value string
		hash       string
	}{
		"another text":  {key, "{ everything }", hash},
		"an empty text": {key, "", hash},
		"a text that is too large": {
			"sluice:document:" + documents.Hash(large), large, documents.Hash(large),
		},
		"a hash in upper case":   {"sluice:document:" + strings.ToUpper(hash), text, strings.ToUpper(hash)},
		"a hash with its prefix": {"sluice:document:sha256:" + hash, text, "sha256:" + hash},
		"something else":         {"sluice:document:x", text, "x"},
		"no hash":                {"sluice:document:", text, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server.Do("SET", test.key, test.value)
			unknown(t, s, test.hash)
		})
	}
}

func TestPutReplacesWhatIsWrong(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), patient)
	server.Do("SET", key, "{ everything }")
	put(t, s, text)
	known(t, s, text)

	server.Do("DEL", key)
	server.Do("RPUSH", key, "no string at all")
	if _, ok, err := s.Get(t.Context(), hash); ok || err == nil || !strings.Contains(err.Error(), "WRONGTYPE") {
		t.Errorf("%v, %v", ok, err)
	}
	put(t, s, text)
	known(t, s, text)
}

func TestPutRefusesWhatGetWouldNotFind(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), patient)
	largest := strings.Repeat(" ", documents.MaxText)
	put(t, s, largest)
	known(t, s, largest)
	for name, test := range map[string]struct {
		hash, text string
		want       error
	}{
		"a text that is too large":         {documents.Hash(large), large, documents.ErrTooLarge},
		"a text under the hash of another": {hash, "{ everything }", documents.ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			if err := s.Put(t.Context(), test.hash, test.text); !errors.Is(err, test.want) {
				t.Errorf("Put = %v", err)
			}
			if n := server.Do("EXISTS", "sluice:document:"+test.hash); n != "0" {
				t.Errorf("EXISTS = %s", n)
			}
		})
	}
}

func TestADocumentExpiresUnlessItIsAskedFor(t *testing.T) {
	server := redistest.Start(t)
	for name, test := range map[string]struct {
		options redis.Options
		want    time.Duration
	}{
		"after a day":     {patient, 24 * time.Hour},
		"when one is set": {redis.Options{Timeout: patience, Expiry: time.Hour}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, server.URL(), test.options)
			put(t, s, text)
			expires(t, server, test.want)
			server.Do("PEXPIRE", key, "60000")
			known(t, s, text)
			expires(t, server, test.want)
		})
	}
	t.Run("and is unknown then", func(t *testing.T) {
		s := open(t, server.URL(), redis.Options{Timeout: patience, Expiry: time.Millisecond})
		put(t, s, text)
		err := redistest.Poll(patience, func() error {
			if n := server.Do("EXISTS", key); n != "0" {
				return errors.New("it exists")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		unknown(t, s, hash)
	})
}

func TestAnACLUserWithTheDocumentedPermissionsSuffices(t *testing.T) {
	alice := []string{"--user", "alice", "on", ">s3cret/@:", "+@connection", "+getex", "+set", "~sluice:document:*"}
	single := redistest.Start(t, alice...)
	cluster := redistest.StartCluster(t, 3, append(alice, "+cluster|slots")...)
	for name, url := range map[string]string{"on a single Redis": single.URL(), "in a Cluster": cluster.URL()} {
		t.Run(name, func(t *testing.T) {
			s := open(t, strings.Replace(url, "://", "://alice:s3cret%2F%40%3A@", 1), patient)
			put(t, s, text)
			known(t, s, text)
		})
	}
}

func TestAWrongPasswordIsToldAndNotShown(t *testing.T) {
	server := redistest.Start(t, "--requirepass", "s3cret")
	s := open(t, strings.Replace(server.URL(), "://", "://:hunter2@", 1), patient)
	_, _, err := s.Get(t.Context(), hash)
	if err == nil || !strings.Contains(err.Error(), "WRONGPASS") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Get = %v", err)
	}
	if _, err := redis.New("redis://:hunter2@h:port", redis.Options{}); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("New = %v", err)
	}
}

func TestARedisThatIsAwayIsAnErrorAndThenLeftAlone(t *testing.T) {
	for name, away := range map[string]struct{ leave, comeBack func(*redistest.Server) }{
		"frozen": {(*redistest.Server).Stop, (*redistest.Server).Cont},
		"killed": {(*redistest.Server).Kill, (*redistest.Server).Restart},
	} {
		t.Run(name, func(t *testing.T) {
			server := redistest.Start(t)
			s := open(t, server.URL(), patient)
			put(t, s, text) // connected
			impatient := open(t, server.URL(), redis.Options{})
			away.leave(server)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if _, ok, err := impatient.Get(ctx, hash); ok || err == nil || errors.Is(err, documents.ErrUnavailable) || ctx.Err() != nil {
				t.Errorf("Get = %v, %v", ok, err)
			}
			if err := impatient.Put(ctx, hash, text); !errors.Is(err, documents.ErrUnavailable) {
				t.Errorf("Put = %v", err)
			}
			if _, ok, err := impatient.Get(ctx, hash); ok || !errors.Is(err, documents.ErrUnavailable) {
				t.Errorf("Get = %v, %v", ok, err)
			}
			away.comeBack(server)
			err := redistest.Poll(patience, func() error { return impatient.Put(t.Context(), hash, text) })
			if err != nil {
				t.Fatal(err)
			}
			known(t, s, text)
		})
	}
}

func TestACallerWhoHasGoneIsNoFailureOfRedis(t *testing.T) {
	server := redistest.Start(t)
	s := open(t, server.URL(), patient)
	put(t, s, text)
	gone, leave := context.WithCancelCause(t.Context())
	reason := errors.New("the client is gone")
	leave(reason)
	if _, ok, err := s.Get(gone, hash); ok || !errors.Is(err, reason) {
		t.Errorf("Get = %v, %v", ok, err)
	}
	known(t, s, text)
}

func TestManyAtOnce(t *testing.T) {
	s := open(t, redistest.Start(t).URL(), patient)
	var running sync.WaitGroup
	for i := range 100 {
		running.Go(func() {
			text := fmt.Sprintf("{ product%d { name } }", i%10)
			if err := s.Put(t.Context(), documents.Hash(text), text); err != nil {
				t.Error(err)
			}
			if got, ok, err := s.Get(t.Context(), documents.Hash(text)); got != text || !ok || err != nil {
				t.Errorf("%q, %v, %v", got, ok, err)
			}
		})
	}
	running.Wait()
}

func TestANodeShowsItsName(t *testing.T) {
	server := redistest.Start(t)
	put(t, open(t, server.URL(), redis.Options{Timeout: patience, Node: "gateway-1"}), text)
	if list := server.Do("CLIENT", "LIST"); !strings.Contains(list, "name=sluice-gateway-1-documents ") {
		t.Errorf("CLIENT LIST = %s", list)
	}
}

func BenchmarkGet(b *testing.B) {
	s := open(b, redistest.Start(b).URL(), redis.Options{})
	put(b, s, text)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok, err := s.Get(b.Context(), hash); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}

// What a request pays while Redis is left alone.
func BenchmarkGetWhileRedisIsAway(b *testing.B) {
	s := open(b, redistest.New(b).URL(), redis.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Get(b.Context(), hash); err == nil {
			b.Fatal("nobody listens, and somebody answers")
		}
	}
}

// open returns a store that is closed with the test.
func open(t testing.TB, url string, o redis.Options) *redis.Store {
	t.Helper()
	s, err := redis.New(url, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t testing.TB, s *redis.Store, text string) {
	t.Helper()
	if err := s.Put(t.Context(), documents.Hash(text), text); err != nil {
		t.Fatal(err)
	}
}

func known(t testing.TB, s *redis.Store, text string) {
	t.Helper()
	if got, ok, err := s.Get(t.Context(), documents.Hash(text)); got != text || !ok || err != nil {
		t.Fatalf("Get = %q, %v, %v", got, ok, err)
	}
}

func unknown(t testing.TB, s *redis.Store, hash string) {
	t.Helper()
	if got, ok, err := s.Get(t.Context(), hash); got != "" || ok || err != nil {
		t.Fatalf("Get = %q, %v, %v", got, ok, err)
	}
}

// expires checks that the document has almost all of its time left.
func expires(t *testing.T, server *redistest.Server, want time.Duration) {
	t.Helper()
	left, err := strconv.Atoi(server.Do("TTL", key))
	if err != nil {
		t.Fatal(err)
	}
	if got := time.Duration(left) * time.Second; got > want || got < want-time.Minute {
		t.Errorf("it expires in %v, not in %v", got, want)
	}
}
