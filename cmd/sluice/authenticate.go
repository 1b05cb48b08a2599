package main

import (
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/jwt"
	"github.com/sluice-gateway/sluice/auth/keys"
)

// An authenticator is everything that can say who is calling.
type authenticator struct {
	auth.Chain
	tokens *jwt.Authenticator
	dev    *devCredentials // nil: not a gateway for development
}

// newAuthenticator joins the keys of the configuration file, those of the database, the tokens of
// issuers and client certificates. Close stops the fetching of the issuers' keys.
func newAuthenticator(c *Config, manager *keys.Manager, log *slog.Logger) (*authenticator, error) {
	a := new(authenticator)
	list, issuers := c.Keys, c.Issuers
	if c.Dev {
		a.dev = newDevCredentials()
		list = append(list, a.dev.key)
		issuers = append(issuers, a.dev.issuer)
	}
	fixed, err := auth.NewKeys(list)
	if err != nil {
		return nil, err
	}
	certificates, err := auth.NewCertificates(c.Certificates)
	if err != nil {
		return nil, err
	}
	a.tokens, err = jwt.New(issuers, jwt.Options{Log: log})
	if err != nil {
		return nil, err
	}
	a.Chain = auth.Chain{fixed, manager, a.tokens, certificates}
	return a, nil
}

func (a *authenticator) Close() { a.tokens.Close() }

// checkCredentials says everything that is wrong with the sections of the configuration file.
func (c *Config) checkCredentials() error {
	_, badKeys := auth.NewKeys(c.Keys)
	_, badCertificates := auth.NewCertificates(c.Certificates)
	badIssuers := jwt.Check(c.Issuers)
	if len(c.Certificates) > 0 && c.TLSClientCA == "" {
		badCertificates = errors.Join(badCertificates, errors.New("certificates: set tls-client-ca to the file with the authority that signs them"))
	}
	return errors.Join(badKeys, badIssuers, badCertificates, c.checkPublish())
}

// checkPublish says what is wrong with the topics that keys and certificates may publish to.
func (c *Config) checkPublish() error {
	var bad []error
	check := func(topics []string) {
		for _, topic := range topics {
			if err := checkTopic(topic); err != nil {
				bad = append(bad, err)
			}
		}
	}
	for _, key := range c.Keys {
		check(key.Publish)
	}
	for _, cert := range c.Certificates {
		check(cert.Publish)
	}
	return errors.Join(bad...)
}

// devCredentials are made anew for each run of a gateway for development, which listens on loopback
// alone.
type devCredentials struct {
	key    auth.Key   // an administrator
	issuer jwt.Issuer // of tokens
	token  string     // of an end user
}

// devTokenLife is longer than anybody tries something out.
const devTokenLife = 24 * time.Hour

func newDevCredentials() *devCredentials {
	d := &devCredentials{
		key: auth.Key{
			Key: "dev_" + rand.Text(), Consumer: "dev", Subject: "ann",
			Scopes:  []string{"admin", "catalog:write", "orders:read", "orders:write", "publish", "invalidate", "usage:read"},
			Publish: []string{"price.*", "stock.*", "order.*"},
		},
		issuer: jwt.Issuer{
			Name: "sluice-dev", Audiences: []string{"sluice"}, Algorithms: []string{"HS256"},
			Secret: []byte(rand.Text() + rand.Text()),
		},
	}
	var err error
	if d.token, err = jwt.Sign(d.issuer, map[string]any{"sub": "ann", "client_id": "dev"}, devTokenLife); err != nil {
		panic(err) // the issuer above can sign
	}
	return d
}
