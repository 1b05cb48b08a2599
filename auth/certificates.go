package auth

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// A Certificate says to whom client certificates of a name belong.
type Certificate struct {
	Name     string   // the subject's common name, a DNS name or a URI of the certificate, exact
	Consumer string   // required
	Scopes   []string // optional
	Publish  []string // optional: topics that it may publish to
	Plan     string   // optional
}

// Certificates is an Authenticator over client certificates that TLS has verified. A token beside
// the certificate counts more: then the certificate only secures the connection.
type Certificates struct {
	byName map[string]Certificate
}

// NewCertificates checks a list; its error names every bad one by its place in the list.
func NewCertificates(list []Certificate) (*Certificates, error) {
	c := &Certificates{byName: make(map[string]Certificate, len(list))}
	var bad []error
	for i, cert := range list {
		_, again := c.byName[cert.Name]
		switch {
		case cert.Name == "":
			bad = append(bad, fmt.Errorf("certificates[%d]: name is missing", i))
		case cert.Consumer == "":
			bad = append(bad, fmt.Errorf("certificates[%d]: consumer is missing", i))
		case again:
			bad = append(bad, fmt.Errorf("certificates[%d]: the name %q is listed before", i, cert.Name))
		}
		c.byName[cert.Name] = cert
	}
	return c, errors.Join(bad...)
}

// Authenticate implements Authenticator. The viewer expires with the certificate.
func (c *Certificates) Authenticate(_ context.Context, given Credentials) (*Viewer, error) {
	switch {
	case given.None():
		return Anonymous, nil
	case given.Token != "":
		return nil, ErrOtherKind
	}
	for _, name := range names(given.Certificate) {
		if cert, ok := c.byName[name]; ok {
			return &Viewer{
				Consumer: cert.Consumer, Scopes: cert.Scopes, Publish: cert.Publish, Plan: cert.Plan,
				Expires: given.Certificate.NotAfter,
			}, nil
		}
	}
	return nil, ErrBadCredentials
}

func names(cert *x509.Certificate) []string {
	all := slices.Clone(cert.DNSNames)
	for _, uri := range cert.URIs {
		all = append(all, uri.String())
	}
	if cert.Subject.CommonName != "" {
		all = append(all, cert.Subject.CommonName)
	}
	return all
}
