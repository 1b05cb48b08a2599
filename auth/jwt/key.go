package jwt

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// A keyring holds the keys of one issuer, and of nobody else.
type keyring interface {
	// find returns the keys that may have signed a token, at least one. id is what the token says
	// as kid; empty: nothing. An error that is not auth.ErrBadCredentials says that the keys could
	// not be had.
	find(ctx context.Context, id, algorithm string) ([]key, error)
}

// A key is what a signature is verified with.
type key struct {
	id        string // its kid in a set; empty: it has none
	algorithm string // the only one that it is meant for; empty: any that fits
	material  any    // []byte, *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

func (k key) fits(name string) bool {
	a, ok := algorithms[name]
	return ok && (k.algorithm == "" || k.algorithm == name) && a.fits(k.material)
}

// fixedKeys are a keyring that never changes. What a token says as kid is the issuer's name for a
// key, which a file does not tell: every key that fits may be the one.
type fixedKeys []key

func (keys fixedKeys) find(_ context.Context, _, algorithm string) ([]key, error) {
	found := fitting(keys, "", algorithm)
	if len(found) == 0 {
		return nil, errNoKey
	}
	return found, nil
}

// fitting picks the keys that are called id and fit an algorithm. Empty: whatever they are called.
func fitting(keys []key, id, algorithm string) []key {
	var found []key
	for _, k := range keys {
		if (id == "" || k.id == id) && k.fits(algorithm) {
			found = append(found, k)
		}
	}
	return found
}

// readPEM reads a file with one public key. Its errors say nothing of what stands in it.
func readPEM(text []byte) (key, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return key{}, errors.New("this is no PEM file; it begins with -----BEGIN PUBLIC KEY-----")
	case len(bytes.TrimSpace(rest)) > 0:
		// Of a chain of certificates only the first is the issuer's: the others' owners must not sign.
		return key{}, errors.New("there is more than one key or certificate; write each into a file of its own")
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return key{}, errors.New("this is a private key, which nobody but the issuer should have; write the public one: openssl pkey -in private.pem -pubout")
	}
	material, err := readBlock(block)
	if err != nil {
		return key{}, err
	}
	return key{material: material}, checkMaterial(material)
}

func readBlock(block *pem.Block) (any, error) {
	var material any
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		material, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		material, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var cert *x509.Certificate
		if cert, err = x509.ParseCertificate(block.Bytes); err == nil {
			material = cert.PublicKey
		}
	default:
		err = errors.New("neither a public key nor a certificate")
	}
	if err != nil {
		return nil, fmt.Errorf("the key cannot be read: %w", err)
	}
	return material, nil
}

// Shorter RSA keys can be broken, longer ones make every forged token expensive to refuse.
const (
	minRSA = 2048 // bits
	maxRSA = 8192
)

// checkMaterial answers whether a public key is of a kind that any algorithm takes, and strong.
func checkMaterial(material any) error {
	switch k := material.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA || bits > maxRSA {
			return fmt.Errorf("the RSA key has %d bits; it has %d to %d", bits, minRSA, maxRSA)
		}
		if k.E < 3 || k.E%2 == 0 {
			return errors.New("the RSA key's exponent is even or below 3")
		}
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() && k.Curve != elliptic.P384() && k.Curve != elliptic.P521() {
			return errors.New("the key's curve is not P-256, P-384 or P-521")
		}
	case ed25519.PublicKey:
	default:
		return errors.New("the key is not of RSA, EC or Ed25519")
	}
	return nil
}
