package main

import (
	"fmt"

	"github.com/sluice-gateway/sluice/documents"
	documentsredis "github.com/sluice-gateway/sluice/documents/redis"
	"github.com/sluice-gateway/sluice/operation"
)

// persisted is which documents clients may name, and what must be closed for it.
type persisted struct {
	options operation.Persisted
	shared  *documentsredis.Store // nil: documents are not shared
}

func newPersisted(c *Config) (*persisted, error) {
	p := &persisted{options: operation.Persisted{Off: c.PersistedQuery == "off", Only: c.DocumentsOnly}}
	if c.Documents != "" {
		trusted, err := documents.Load(c.Documents)
		if err != nil {
			return nil, fmt.Errorf("documents: %w", err)
		}
		p.options.Trusted = trusted
	}
	if c.PersistedQuery == "redis" {
		shared, err := documentsredis.New(c.Redis, documentsredis.Options{})
		if err != nil {
			return nil, fmt.Errorf("persisted-queries: %w", err)
		}
		p.shared, p.options.Store = shared, shared
	}
	return p, nil
}

// Close closes the connections to Redis.
func (p *persisted) Close() error {
	if p.shared == nil {
		return nil
	}
	return p.shared.Close()
}
