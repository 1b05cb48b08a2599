package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"

	"github.com/sluice-gateway/sluice/auth"
	"github.com/sluice-gateway/sluice/auth/jwt"
)

// sections are what only the configuration file can hold: lists, and secrets that a flag would show
// to every user of the machine. What is wrong with one never quotes the file.
var sections = map[string]func(*Config, ast.Node) error{
	"keys":         (*Config).readKeys,
	"issuers":      (*Config).readIssuers,
	"certificates": (*Config).readCertificates,
	"plans":        (*Config).readPlans,
	"prices":       (*Config).checkPrices,
}

// quoted is what an error quotes of the file: it may be a secret that stands in a wrong place.
var quoted = regexp.MustCompile(`"[^"]*"`)

// readList reads a section that is a list of members of one kind.
func readList[T any](node ast.Node, members string) ([]T, error) {
	var list []T
	if err := yaml.NodeToValue(node, &list, yaml.DisallowUnknownField()); err != nil {
		what, _, _ := strings.Cut(err.Error(), "\n") // the lines after it quote the file
		return nil, errors.New(quoted.ReplaceAllString(what, "…") + "; each has " + members)
	}
	return list, nil
}

func (c *Config) readKeys(node ast.Node) error {
	type key struct {
		Key      string   `yaml:"key"`
		Consumer string   `yaml:"consumer"`
		Subject  string   `yaml:"subject"`
		Scopes   []string `yaml:"scopes"`
		Publish  []string `yaml:"publish"`
		Plan     string   `yaml:"plan"`
	}
	list, err := readList[key](node, "key, consumer and, if wanted, subject, scopes, publish and plan")
	if err != nil {
		return fmt.Errorf("keys: %w", err)
	}
	for _, k := range list {
		c.Keys = append(c.Keys, auth.Key(k))
	}
	return nil
}

func (c *Config) readCertificates(node ast.Node) error {
	type certificate struct {
		Name     string   `yaml:"name"`
		Consumer string   `yaml:"consumer"`
		Scopes   []string `yaml:"scopes"`
		Publish  []string `yaml:"publish"`
		Plan     string   `yaml:"plan"`
	}
	list, err := readList[certificate](node, "name, consumer and, if wanted, scopes, publish and plan")
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	for _, cert := range list {
		c.Certificates = append(c.Certificates, auth.Certificate(cert))
	}
	return nil
}

// An issuerSection is a jwt.Issuer as the file writes it.
type issuerSection struct {
	Issuer        string     `yaml:"issuer"`
	Audience      oneOrMore  `yaml:"audience"`
	Algorithms    oneOrMore  `yaml:"algorithms"`
	JWKS          string     `yaml:"jwks"`
	PEM           oneOrMore  `yaml:"pem"`
	Secret        string     `yaml:"secret"`
	SecretFile    string     `yaml:"secret-file"`
	Leeway        *yamlDelay `yaml:"leeway"`
	ConsumerClaim string     `yaml:"consumer-claim"`
	ScopesClaim   string     `yaml:"scopes-claim"`
	PlanClaim     string     `yaml:"plan-claim"`
	PublishClaim  string     `yaml:"publish-claim"`
}

func (c *Config) readIssuers(node ast.Node) error {
	list, err := readList[issuerSection](node, "issuer, audience, algorithms, one of jwks, pem (files), secret and secret-file, "+
		"and if wanted leeway, consumer-claim, scopes-claim, plan-claim, publish-claim")
	if err != nil {
		return fmt.Errorf("issuers: %w", err)
	}
	var bad []error
	for i, section := range list {
		issuer, err := section.read()
		if err != nil {
			bad = append(bad, fmt.Errorf("issuers[%d] (%s): %w", i, section.Issuer, err))
		}
		c.Issuers = append(c.Issuers, issuer)
	}
	return errors.Join(bad...)
}

// read makes an issuer, with the contents of the files that the section names.
func (s issuerSection) read() (jwt.Issuer, error) {
	issuer := jwt.Issuer{
		Name: s.Issuer, Audiences: s.Audience, Algorithms: s.Algorithms,
		JWKS: s.JWKS, Secret: []byte(s.Secret),
		ConsumerClaim: s.ConsumerClaim, ScopesClaim: s.ScopesClaim, PlanClaim: s.PlanClaim, PublishClaim: s.PublishClaim,
	}
	var bad []error
	if s.Leeway != nil {
		if issuer.Leeway = time.Duration(*s.Leeway); issuer.Leeway <= 0 {
			bad = append(bad, errors.New("leeway: give more than 0, for no two clocks are the same"))
		}
	}
	if s.SecretFile != "" {
		text, err := os.ReadFile(s.SecretFile)
		switch {
		case err != nil:
			bad = append(bad, fmt.Errorf("secret-file: %w", err))
		case s.Secret != "":
			bad = append(bad, errors.New("secret and secret-file: give one of them"))
		}
		issuer.Secret = []byte(strings.TrimSpace(string(text)))
	}
	for _, path := range s.PEM {
		text, err := os.ReadFile(path)
		if err != nil {
			bad = append(bad, fmt.Errorf("pem: %w", err))
		}
		issuer.PEM = append(issuer.PEM, text)
	}
	return issuer, errors.Join(bad...)
}

// oneOrMore is a list that may be written as one value.
type oneOrMore []string

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (o *oneOrMore) UnmarshalYAML(unmarshal func(any) error) error {
	var one string
	if unmarshal(&one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	var more []string
	if err := unmarshal(&more); err != nil {
		return errors.New("give a text or a list of texts")
	}
	*o = more
	return nil
}

// yamlDelay is a duration, written as in 30s.
type yamlDelay time.Duration

// UnmarshalYAML implements yaml.InterfaceUnmarshaler.
func (d *yamlDelay) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if err := unmarshal(&text); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(text)
	*d = yamlDelay(parsed)
	return err
}
