package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
)

// servers are the two listeners.
type servers struct {
	public, operator     *http.Server
	publicAt, operatorAt net.Listener
	tls                  bool
}

func listen(c *Config, g *gateway.Gateway) (*servers, error) {
	s := &servers{tls: c.TLSCert != ""}
	var err error
	if s.publicAt, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, fmt.Errorf("listen for front ends: %w", err)
	}
	s.public = httpServer(g)
	if s.tls {
		if s.public.TLSConfig, err = tlsConfig(c); err != nil {
			_ = s.publicAt.Close()
			return nil, err
		}
	}
	if c.OperatorListen == "off" {
		return s, nil
	}
	if s.operatorAt, err = net.Listen("tcp", c.OperatorListen); err != nil {
		_ = s.publicAt.Close()
		return nil, fmt.Errorf("listen for operators: %w", err)
	}
	s.operator = httpServer(g.Operator())
	return s, nil
}

func httpServer(h http.Handler) *http.Server {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true) // for a proxy that ends TLS and speaks HTTP/2 on
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		MaxHeaderBytes:    16 << 10,
		IdleTimeout:       2 * time.Minute,
		Protocols:         protocols,
		ErrorLog:          slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
}

// start serves on both listeners; what ends one of them too early arrives in the channel.
func (s *servers) start(running *sync.WaitGroup) <-chan error {
	failed := make(chan error, 2)
	serve := func(server *http.Server, at net.Listener, tls bool) {
		var err error
		if tls {
			err = server.ServeTLS(at, "", "")
		} else {
			err = server.Serve(at)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}
	running.Go(func() { serve(s.public, s.publicAt, s.tls) })
	if s.operator != nil {
		running.Go(func() { serve(s.operator, s.operatorAt, false) })
	}
	return failed
}

// lastRequests is how long requests that are being answered may take once everything is drained.
// Connections on which nothing was ever sent (browsers open some in advance) are not waited for.
const lastRequests = time.Second

// letGo closes every connection for front ends when its request is answered: who is refused here may
// come back by another one, to another node. WebSockets and streams go on.
func (s *servers) letGo() { s.public.SetKeepAlivesEnabled(false) }

// cut closes the connections of front ends when their time is up. Those of WebSockets are no longer the
// server's, and have a limit of their own.
func (s *servers) cut(ctx context.Context) {
	<-ctx.Done()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		_ = s.public.Close()
	}
}

func (s *servers) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), lastRequests)
	defer cancel()
	if s.public.Shutdown(ctx) != nil {
		_ = s.public.Close()
	}
	if s.operator != nil {
		_ = s.operator.Close()
	}
	return nil
}

func tlsConfig(c *Config) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("tls-cert and tls-key: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if c.TLSClientCA == "" {
		return config, nil
	}
	text, err := os.ReadFile(c.TLSClientCA)
	if err != nil {
		return nil, fmt.Errorf("tls-client-ca: %w", err)
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("tls-client-ca: %s holds no certificate in PEM", c.TLSClientCA)
	}
	config.ClientAuth = tls.VerifyClientCertIfGiven // who has none may bring a token
	return config, nil
}
