# Two commands do everything on a fresh machine: make conformance, make test.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export CGO_ENABLED ?= 0
export MESHGATE_INSTALL_ENGINE ?= true
# The flags of supply/source: what meshgate and the recipes have in common is
# then compiled once.
export GOFLAGS := $(GOFLAGS) -trimpath '-gcflags=all=-dwarf=false -l'
unit_packages = $(shell go list ./... | grep -v '/suites/') meshgate/suites

.PHONY: help
help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: build
build: ## Build meshgate and the programs of supply/ into bin/
	@GOGC=400 go build -o bin/ ./cmd/...
	@GOGC=400 go build -C supply -o ../bin/ ./cmd/...

.PHONY: conformance
conformance: build ## Stand up kind and Istio, run every suite, give the verdict (exit code: README)
	@bin/meshgate run $(ARGS)

.PHONY: test
test: unit build ## Unit tests, the suites on kind by `go test`, then each feature once with something wrong
	@trap 'bin/meshgate down' EXIT; bin/meshgate up; go test -timeout 30m ./suites/... $(if $(ARGS),-args $(ARGS),; bin/meshgate sabotage --nth 0)

.PHONY: unit
unit: ## Unit tests alone: the quick loop, no cluster
	@go vet ./...
	@go test $(unit_packages)
	@go -C supply vet ./...
	@go -C supply test ./...

.PHONY: sabotage
sabotage: build ## The kill matrix: make configuration and mesh wrong, and show that it is seen
	@bin/meshgate sabotage $(ARGS)

.PHONY: soak
soak: build ## Run the suites again and again (ARGS="--runs 50"), and fail on any flake
	@bin/meshgate soak $(ARGS)

.PHONY: bundle
bundle: build ## Get or build what goes into the cluster (ARGS="node apps": only these)
	@bin/meshgate bundle fill $(ARGS)

.PHONY: browser
browser: ## Open the report's page in a browser: light and dark, desk and phone
	@go run ./internal/browsercheck $(ARGS)

.PHONY: doctor
doctor: build ## Say what this machine lacks, with the command that mends it
	@bin/meshgate doctor

.PHONY: down
down: build ## Remove the cluster that meshgate made
	@bin/meshgate down

.PHONY: generate
generate: ## Write what is generated: docs/configuration.md, docs/*.schema.json, suite READMEs
	@go generate ./...

.PHONY: verify
verify: ## Fail when generated files or formatting have drifted
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	@go mod tidy -diff
	@go -C supply mod tidy -diff
	@$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- docs suites

.PHONY: bench
bench: build ## Measure: warm run, kept cluster, and the bare floor beside them
	@go run ./internal/bench $(ARGS)

# Linters are tools of a module of their own, so that their dependencies are not meshgate's.
tool = go tool -modfile=$(CURDIR)/internal/tools/go.mod

.PHONY: lint
lint: ## golangci-lint, and code that nothing reaches; both pinned in internal/tools
	@$(tool) golangci-lint run ./...
	@cd supply && $(tool) golangci-lint run ./...
	@dead=$$($(tool) deadcode -test ./... && cd supply && $(tool) deadcode -test ./...); test -z "$$dead" || { echo "$$dead"; exit 1; }
