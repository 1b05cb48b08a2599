package main

import (
	"cmp"
	"crypto/rand"
	"errors"
	"os"
	"regexp"
)

var (
	nodeName    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	notNodeName = regexp.MustCompile(`[^A-Za-z0-9_-]+`)
)

// newNodeName is a name that no other process has, and that tells people which machine it is.
func newNodeName() string {
	host, _ := os.Hostname()
	host = notNodeName.ReplaceAllString(host, "-")
	return cmp.Or(host[:min(len(host), 50)], "node") + "-" + rand.Text()[:6]
}

// checkNode says what is wrong with the node's name.
func (c *Config) checkNode() error {
	if c.Node != "" && !nodeName.MatchString(c.Node) {
		return errors.New("node: a name has up to 64 letters, digits, _ and -")
	}
	return nil
}
