package model

import (
	"time"

	"github.com/sluice-gateway/sluice/auth/keys"
)

// NewAPIKey is what is shown of a key: everything but its hashes.
func NewAPIKey(k *keys.Key) *APIKey {
	shown := &APIKey{
		ID: k.ID, Name: k.Name, Consumer: k.Consumer, Subject: orNull(k.Subject),
		Scopes: k.Scopes, Publish: k.Publish, Plan: orNull(k.Plan), Origins: k.Origins,
		CreatedAt: k.Created, ExpiresAt: timeOrNull(k.Expires), RevokedAt: timeOrNull(k.Revoked),
		PreviousSecretUntil: timeOrNull(k.Previous.Until),
	}
	for _, network := range k.Addresses {
		shown.Addresses = append(shown.Addresses, network.String())
	}
	return shown
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
