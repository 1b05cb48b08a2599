package auth

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// A Renewal says that a viewer has shown fresh credentials, on any node. It holds no secret, and
// gives nobody more rights than they have: it concerns only sessions whose viewer is identical.
type Renewal struct {
	Issuer   string    `json:"issuer,omitempty"`
	Consumer string    `json:"consumer"`
	Subject  string    `json:"subject,omitempty"`
	Identity string    `json:"identity"` // a hash of Viewer.Identity
	Expires  time.Time `json:"expires"`
}

// Renewal is what v's credentials renew.
func (v *Viewer) Renewal() Renewal {
	return Renewal{Issuer: v.Issuer, Consumer: v.Consumer, Subject: v.Subject, Identity: hash(v), Expires: v.Expires}
}

func hash(v *Viewer) string {
	sum := sha256.Sum256([]byte(v.Identity()))
	return hex.EncodeToString(sum[:])
}
