package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// StartTLS runs a Redis that speaks TLS only, with a certificate of its own making for 127.0.0.1,
// and returns the configuration that trusts it.
func StartTLS(t testing.TB, args ...string) (*Server, *tls.Config) {
	t.Helper()
	s := New(t)
	certificate, key, roots := selfSigned(t)
	certFile, keyFile := filepath.Join(s.dir, "cert.pem"), filepath.Join(s.dir, "key.pem")
	for file, text := range map[string][]byte{certFile: certificate, keyFile: key} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatalf("redistest: %v", err)
		}
	}
	s.scheme = "rediss"
	s.args = append([]string{
		"--port", "0", "--tls-cert-file", certFile, "--tls-key-file", keyFile,
		"--tls-ca-cert-file", certFile, "--tls-auth-clients", "no",
	}, args...)
	s.Restart()
	return s, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
}

func selfSigned(t testing.TB) (certificate, key []byte, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "redistest"},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	key = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	roots = x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	return certificate, key, roots
}
