# make run: the gateway with its storefront, a demo feed and no services.
# make test: everything that must hold; installs what it needs on Debian.

GO ?= go
TOOL = $(GO) tool -modfile=tools/go.mod
GENERATED = graph resolvers internal/testschema internal/vault

.PHONY: run test check lint format generate generated go-test web web-check e2e bench chaos fuzz deps build

run:
	$(GO) run ./cmd/sluice --dev --demo

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/sluice ./cmd/sluice

test: deps check e2e

check: format generated lint web-check go-test

format:
	@out=$$($(TOOL) gofumpt -l $$(git ls-files '*.go' | grep -vE 'generated.go|models_gen.go|bench/peer/graph')); \
	test -z "$$out" || { echo "not formatted (go tool -modfile=tools/go.mod gofumpt -w):"; echo "$$out"; exit 1; }

lint:
	$(TOOL) golangci-lint run ./...

generate:
	$(TOOL) gqlgen generate
	cd internal/testschema && $(GO) tool -modfile=../../tools/go.mod gqlgen generate
	cd internal/vault && $(GO) tool -modfile=../../tools/go.mod gqlgen generate

# The generated code is what the generator makes of the schema now.
generated:
	@before=$$(cat $$(git ls-files $(GENERATED)) | sha256sum); $(MAKE) -s generate; \
	after=$$(cat $$(git ls-files $(GENERATED)) | sha256sum); \
	test "$$before" = "$$after" || { echo "the generated code was out of date: commit what make generate made"; exit 1; }

# The pages that the gateway serves, from their sources.
web: deps
	cd web && npx --no-install vite build --logLevel warn && node compress.mjs

# What is in a folder of built pages, unpacked: versions of gzip pack otherwise.
contents = cd $(1) && find . -type f | LC_ALL=C sort | while read -r f; do echo "$$f"; gzip -cdf "$$f"; done | sha256sum

# The pages are what their sources make now.
web-check: deps
	cd web && npx --no-install tsc --noEmit && npx --no-install vitest run
	@made=$$(mktemp -d) && trap 'rm -rf "$$made"' EXIT && cd web && \
	npx --no-install vite build --logLevel warn --outDir "$$made" --emptyOutDir && node compress.mjs "$$made" && \
	test "$$($(call contents,"$$made"))" = "$$($(call contents,dist))" || \
	{ echo "the pages in web/dist were out of date: commit what make web makes"; exit 1; }

# Allocations are counted without the race detector, which adds its own.
go-test:
	$(GO) vet ./...
	$(GO) test -race -timeout 10m ./...
	$(GO) test -run 'InEveryHistory|ADrainOf' ./operation ./gateway # more of them than the race detector can bear
	$(GO) test -run 'Alloc' ./operation ./internal/... ./limits ./live ./analytics/... ./pubsub
	cd bench && $(GO) vet ./... && $(GO) test -race ./...

e2e: deps
	cd e2e && npm test

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./operation ./internal/... ./pubsub/...
	cd bench && $(GO) run ./run

# Redis, gateways, networks and clients are harmed while events flow: who loses one without being told?
# Takes some ten minutes. Other figures: make chaos CHAOS='-redis-kill 5 -seed 1'
chaos:
	$(GO) run ./chaos $(CHAOS)

# Each fuzz target for a while: make fuzz FUZZTIME=1m
FUZZTIME ?= 10s
fuzz:
	@for file in $$(git ls-files '*_test.go' | xargs grep -l '^func Fuzz'); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\).*/\1/p' $$file); do \
			(cd $$(dirname $$file) && $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) .) || exit 1; \
		done; \
	done

deps:
	@./deps.sh
