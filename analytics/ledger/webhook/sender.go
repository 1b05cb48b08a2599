package webhook

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/analytics/ledger"
)

// An Outbox holds the batches that are to be sent.
type Outbox interface {
	// Claim returns up to limit batches that were not sent, and keeps them from others for the lease.
	Claim(ctx context.Context, limit int, lease time.Duration) ([]ledger.Batch, error)
	// Sent notes that batches were sent.
	Sent(ctx context.Context, batches []ledger.Batch) error
}

// Options are what New does not have to be told. The zero Options works.
type Options struct {
	// Private allows addresses of private networks and of this machine.
	Private bool

	// Poll is how often the outbox is asked when it was empty. 0 means 10 s.
	Poll time.Duration

	// Log gets a line when a request was given up and one when all is well again. Nil means slog.Default.
	Log *slog.Logger
}

const (
	batches   = 8                // in one request, at most
	tries     = 8                // of one request
	firstWait = 5 * time.Second  // before the second; it doubles with every other, and the wait is any part of it
	restAfter = 15 * time.Minute // eight tries: a receiver that is down is left alone

	// lease outlasts all tries of one request with their waits.
	lease = 15 * time.Minute
)

// A Sender sends what an outbox holds.
type Sender struct {
	outbox  Outbox
	target  *url.URL
	secret  []byte
	options Options
	client  *http.Client

	mu     sync.Mutex // guards what follows
	err    error      // of the latest try; nil: it was taken
	status Status
}

// New makes a sender to a URL, whose requests are signed with a secret, see ParseSecret.
func New(outbox Outbox, target string, secret []byte, o Options) (*Sender, error) {
	parsed, local, err := checkTarget(target)
	if err != nil {
		return nil, err
	}
	if len(secret) < leastSecret {
		return nil, errors.New("webhook: the secret is too short")
	}
	o.Poll = cmp.Or(max(0, o.Poll), 10*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Sender{outbox: outbox, target: parsed, secret: secret, options: o, client: newClient(local, o.Private)}, nil
}

// Run sends until ctx ends; what was claimed and not sent then is sent when the lease has ended. A request
// that eight tries do not bring home is given up for a quarter of an hour, not for ever.
func (s *Sender) Run(ctx context.Context) {
	defer s.client.CloseIdleConnections()
	failing := false
	for ctx.Err() == nil {
		sent, err := s.round(ctx)
		if ctx.Err() != nil {
			return
		}
		s.tell(failing, err)
		failing = err != nil
		wait := s.options.Poll
		switch {
		case errors.Is(err, errGivenUp):
			wait = restAfter
			s.rest(time.Now().Add(wait))
		case sent > 0 && err == nil:
			continue
		}
		_ = pause(ctx, wait)
		s.rest(time.Time{})
	}
}

// round sends one request.
func (s *Sender) round(ctx context.Context) (sent int, err error) {
	claimed, err := s.outbox.Claim(ctx, batches, lease)
	if err != nil || len(claimed) == 0 {
		return 0, err
	}
	id, body, err := encode(claimed)
	if err != nil {
		return 0, err
	}
	if err := s.deliver(ctx, id, body, len(claimed)); err != nil {
		return 0, err
	}
	s.taken(len(claimed))
	return len(claimed), s.outbox.Sent(ctx, claimed)
}

var errGivenUp = errors.New("webhook: given up for now")

// deliver tries until a request with so many batches was taken.
func (s *Sender) deliver(ctx context.Context, id string, body []byte, batches int) error {
	for n := 0; ; n++ {
		err := s.try(ctx, id, body)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		s.refused(batches, err)
		if n == tries-1 {
			return fmt.Errorf("%w after %d tries: %w", errGivenUp, tries, err)
		}
		if err := pause(ctx, rand.N(firstWait<<n)); err != nil {
			return err
		}
	}
}

// try sends a request once.
func (s *Sender) try(ctx context.Context, id string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.target.String(), bytes.NewReader(body))
	if err != nil {
		return brief(err)
	}
	now := time.Now()
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("User-Agent", "sluice")
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	request.Header.Set("webhook-signature", sign(s.secret, id, now, body))
	answer, err := s.client.Do(request)
	if err != nil {
		return brief(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 4<<10) // a short answer leaves the connection for the next
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("webhook: the receiver answers %d", answer.StatusCode)
	}
	return nil
}

// tell notes how a round has ended.
func (s *Sender) tell(failing bool, err error) {
	s.setErr(err)
	switch {
	case err != nil:
		s.options.Log.Error("usage webhook", "err", err)
	case failing:
		s.options.Log.Info("usage webhook: all is well again")
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
