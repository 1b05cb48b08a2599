package jwt

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/auth"
)

const (
	// knownFor is how long a token is believed at least, and half of how long at most, without another
	// look at its signature. A page sends the same token with every request, and after a restart a
	// million of them at once.
	knownFor = 30 * time.Second
	// maxKnown is how many tokens are remembered, twice: about 8 MiB.
	maxKnown = 2048
)

// known remembers tokens whose signatures were good, by their hash: a generation that grows, and
// the one before it. Withdrawing a key has its effect when the tokens it has signed are forgotten.
type known struct {
	mu     sync.Mutex // guards what follows
	young  map[[sha256.Size]byte]*auth.Viewer
	old    map[[sha256.Size]byte]*auth.Viewer
	turned time.Time // when young was empty
}

// find returns the viewer of a token that is remembered and has not expired, or nil.
func (k *known) find(token [sha256.Size]byte, now time.Time) *auth.Viewer {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turnLocked(now)
	v := k.young[token]
	if v == nil {
		v = k.old[token]
	}
	if v == nil || v.ExpiredAt(now) {
		return nil
	}
	return v
}

func (k *known) add(token [sha256.Size]byte, v *auth.Viewer, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.turnLocked(now)
	k.young[token] = v
}

// turnLocked begins a new generation when the young one is full or as old as it may get.
func (k *known) turnLocked(now time.Time) {
	age := now.Sub(k.turned)
	switch {
	case k.young != nil && age < knownFor && len(k.young) < maxKnown:
		return
	case age < 2*knownFor:
		k.old = k.young
	default: // nobody came for so long that both are too old
		k.old = nil
	}
	k.young, k.turned = make(map[[sha256.Size]byte]*auth.Viewer), now
}
