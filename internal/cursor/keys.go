package cursor

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash"
	"sync"
)

// MinSecret is the shortest secret that a key is made of, in bytes.
const MinSecret = 16

// Keys sign and verify cursors.
type Keys struct {
	all []*key // the first signs
}

// NewKeys makes a key that nobody else has: its cursors are good until this process ends, and for no
// other one.
func NewKeys() *Keys {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	return &Keys{[]*key{newKey(secret[:])}}
}

// NewKeysOf makes keys of secrets, the same on each node: the first one signs, all of them verify. So a secret
// is replaced by putting the new one behind the old on every node, then in front of it, and taking the old
// one away when the cursors that it has signed are of no use any more.
func NewKeysOf(secrets ...[]byte) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("cursor: no secret")
	}
	k := new(Keys)
	for i, secret := range secrets {
		if len(secret) < MinSecret {
			return nil, fmt.Errorf("cursor: secret %d has %d bytes, fewer than %d", i+1, len(secret), MinSecret)
		}
		k.all = append(k.all, newKey(secret))
	}
	return k, nil
}

// signed reports whether one of the keys has signed a cursor of a right length.
func (k *Keys) signed(raw []byte) bool {
	body, mac := raw[:len(raw)-macSize], raw[len(raw)-macSize:]
	for _, key := range k.all { // two of them may have the same id
		if key.id == body[len(body)-1] && key.verify(body, mac) {
			return true
		}
	}
	return false
}

// A key is one secret, for this purpose alone.
type key struct {
	id     byte      // in cursors, to tell keys apart
	hashes sync.Pool // of *hasher
}

func newKey(secret []byte) *key {
	purpose := hmac.New(sha256.New, secret) // whatever else the secret may be used for
	purpose.Write([]byte("cursors of replayable topics"))
	own := purpose.Sum(nil)
	sum := sha256.Sum256(own)
	return &key{id: sum[0], hashes: sync.Pool{New: func() any { return &hasher{Hash: hmac.New(sha256.New, own)} }}}
}

func (k *key) borrow() *hasher    { return k.hashes.Get().(*hasher) }
func (k *key) giveBack(h *hasher) { k.hashes.Put(h) }

func (k *key) verify(body, mac []byte) bool {
	h := k.borrow()
	defer k.giveBack(h)
	return subtle.ConstantTimeCompare(h.mac(body), mac) == 1
}

// A hasher is the state of one signature, with room for a cursor.
type hasher struct {
	hash.Hash
	raw  [most]byte
	text [(most*8 + 5) / 6]byte
	sum  [sha256.Size]byte
}

// mac is that of body, until the hasher is used again.
func (h *hasher) mac(body []byte) []byte {
	h.Reset()
	h.Write(body)
	return h.Sum(h.sum[:0])[:macSize]
}

// decode reads a text that has the layout of a cursor, into raw.
func (h *hasher) decode(text string) (raw []byte, ok bool) {
	if len(text) > len(h.text) {
		return nil, false
	}
	n, err := encoding.Decode(h.raw[:], h.text[:copy(h.text[:], text)])
	raw = h.raw[:n]
	switch {
	case err != nil, encoding.EncodedLen(n) != len(text): // line breaks are passed over
		return nil, false
	case n < 2, raw[0] != version, raw[1] == 0, n != 2+int(raw[1])*topicSize+tailSize:
		return nil, false
	}
	return raw, true
}
