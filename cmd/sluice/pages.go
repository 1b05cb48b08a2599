package main

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/sluice-gateway/sluice/web"
)

// pages are what browsers are shown. The shop's page is there with its feed.
func (c *Config) pages() http.Handler {
	return web.Handler(web.Options{
		Playground: c.playground(),
		Console:    c.console(),
		Shop:       c.Demo,
	})
}

func (c *Config) playground() bool { return c.Playground == "on" || c.Dev }

func (c *Config) console() bool { return c.Console == "on" || c.Dev }

// checkPages says what is wrong with the settings of pages.
func (c *Config) checkPages() error {
	var bad []error
	for name, value := range map[string]string{"playground": c.Playground, "console": c.Console} {
		if value != "on" && value != "off" {
			bad = append(bad, fmt.Errorf("%s: %q is neither on nor off", name, value))
		}
	}
	return errors.Join(bad...)
}
