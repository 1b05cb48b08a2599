package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// validate says everything that is wrong with the settings by themselves.
func (c *Config) validate() (bad []error) {
	complain := func(format string, args ...any) { bad = append(bad, fmt.Errorf(format, args...)) }
	addresses := map[string]string{"listen": c.Listen}
	if c.OperatorListen != "off" {
		addresses["operator-listen"] = c.OperatorListen
	}
	for name, address := range addresses {
		if _, _, err := net.SplitHostPort(address); err != nil {
			complain("%s: %q is no address such as 127.0.0.1:8080 or :8080", name, address)
		}
	}
	if c.Dev && !loopback(c.Listen) {
		complain("dev: only for a gateway that listens on loopback; %s is reachable from elsewhere", c.Listen)
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		complain("tls-cert and tls-key are needed together")
	}
	if c.TLSClientCA != "" && c.TLSCert == "" {
		complain("tls-client-ca needs tls-cert and tls-key: clients show certificates over TLS only")
	}
	for name, path := range map[string]string{"tls-cert": c.TLSCert, "tls-key": c.TLSKey, "tls-client-ca": c.TLSClientCA} {
		if path == "" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			complain("%s: %w", name, err)
		}
	}
	if _, err := readPepper(c.KeysPepperFile); err != nil {
		complain("keys-pepper-file: %w", err)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		complain("log-format: %q is neither text nor json", c.LogFormat)
	}
	for _, origin := range c.Origins {
		if u, err := url.Parse(origin); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || strings.Contains(origin, "*") {
			complain("origins: %q is no exact origin such as https://shop.example", origin)
		}
	}
	for name, d := range map[string]time.Duration{
		"request-timeout": c.RequestTimeout, "resolver-timeout": c.ResolverTimeout, "write-timeout": c.WriteTimeout,
		"init-timeout": c.InitTimeout, "ping-interval": c.PingInterval, "pong-timeout": c.PongTimeout,
		"session-age": c.SessionAge, "linger": c.Linger, "broker-probe": c.BrokerProbe,
		"live-throttle": c.LiveThrottle, "live-min-throttle": c.LiveMinThrottle, "live-reconcile": c.LiveReconcile,
		"publish-timeout": c.PublishTimeout, "subscribe-timeout": c.SubscribeTimeout, "credentials-recheck": c.Recheck,
	} {
		if d <= 0 {
			complain("%s: %v is no time to wait; give more than 0", name, d)
		}
	}
	if c.DrainDelay < 0 || c.DrainWindow < 0 {
		complain("drain-delay and drain-window cannot be negative")
	}
	if c.PongTimeout >= c.PingInterval {
		complain("pong-timeout (%v) must be less than ping-interval (%v)", c.PongTimeout, c.PingInterval)
	}
	switch {
	case c.PersistedQuery != "off" && c.PersistedQuery != "node" && c.PersistedQuery != "redis":
		complain("persisted-queries: %q is none of off, node and redis", c.PersistedQuery)
	case c.PersistedQuery == "redis" && c.Redis == "":
		complain("persisted-queries: redis needs the setting redis")
	}
	if err := c.checkChanges(); err != nil {
		bad = append(bad, err)
	}
	if c.DocumentsOnly && c.Documents == "" {
		complain("documents-only needs documents: otherwise nothing could run")
	}
	for _, check := range []func() error{c.checkUsage, c.checkTraffic, c.checkTracing, c.checkNode, c.checkPages, c.checkRetain} {
		if err := check(); err != nil {
			bad = append(bad, err)
		}
	}
	if _, err := c.plans(); err != nil {
		complain("plans: %w", err)
	}
	if err := c.credentialOptions().Check(); err != nil {
		bad = append(bad, err)
	}
	if err := c.checkCredentials(); err != nil {
		bad = append(bad, err)
	}
	return bad
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
