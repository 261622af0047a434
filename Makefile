# NowGo Agents Platform. `make` alone says what there is.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# ENV is local (the emulator on port 4566), dev, staging or prod.
ENV ?= local
# Where what is built goes: the functions into $(OUT)/functions.
OUT ?= .build
# Functions run on arm64 on AWS, and on this machine's own processor under the emulator.
GOARCH_FUNCTIONS = $(if $(filter local,$(ENV)),$(shell go env GOHOSTARCH),arm64)
GO_BUILD = CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags='-s -w'
# Longest time that all targets of `make fuzz` may take together, in seconds.
FUZZ_SECONDS ?= 90
# Of `make mutants`: those whose id matches the regular expression; all where it is empty.
ONLY ?=

.PHONY: help setup run test lint fuzz mutants build bench local deploy prove clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## fetch the pinned tools that tests, lint and deploy need (once)
	@tests/tools/setup

run: ## build and start the platform as one process on 127.0.0.1:8080; needs Go alone
	@CGO_ENABLED=0 go build -o .build/monolith ./functions/monolith
	@exec .build/monolith

# Never from the cache, which does not see what the deployed stack is made of.
test: setup ## every test, those against the deployed stack too
	@go test -count=1 -timeout 20m ./...

lint: ## what golangci-lint has to say
	@tests/tools/setup lint
	@.tools/bin/golangci-lint run ./...

fuzz: ## each fuzz target for a few seconds
	@tests/tools/fuzz $(FUZZ_SECONDS)

mutants: setup ## take every guard away, one at a time, and see a test fail (ONLY=regexp for some of them)
	@go run ./tests/mutants -only '$(ONLY)'

build: ## the functions, ready to deploy, in .build/functions (ENV=local|dev|staging|prod)
	@rm -rf $(OUT)/bin $(OUT)/functions && mkdir -p $(OUT)/bin
	@GOOS=linux GOARCH=$(GOARCH_FUNCTIONS) $(GO_BUILD) -tags lambda.norpc -o $(OUT)/bin/ ./functions/...
	@for f in $(OUT)/bin/*; do \
		[[ $$f == */monolith ]] || install -D "$$f" "$(OUT)/functions/$${f##*/}/bootstrap"; \
	done
	@rm -rf $(OUT)/bin

bench: setup ## the benchmarks, as tables
	@go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./tests/bench

local: setup ## start the emulator on port 4566 and deploy everything to it
	@$(MAKE) --no-print-directory build ENV=local
	@infra/emulator start
	@infra/deploy local
	@infra/next

deploy: ## deploy to the AWS account of the current credentials: make deploy ENV=dev
	@[[ $(ENV) != local ]] || { echo "deploy: say where, as in make deploy ENV=dev; this machine is make local" >&2; exit 2; }
	@tests/tools/setup cdk
	@$(MAKE) --no-print-directory build
	@infra/deploy $(ENV)

prove: ## have a deployed environment try to cross from one client to another: make prove ENV=dev
	@[[ $(ENV) != local ]] || { echo "prove: say where, as in make prove ENV=dev; the emulator enforces no roles" >&2; exit 2; }
	@go run ./infra/prove $(ENV)

clean: ## stop the emulator, remove what was built and fetched; .data, where data is, stays
	@infra/emulator stop
	@rm -rf .build .tools cdk.out
