# Every command of a developer; CI runs these and nothing else.
.DEFAULT_GOAL := help
.PHONY: help run build test test-outside test-examples test-kafka test-pgbouncer test-browser test-clients test-openapi \
	test-stops test-fresh-debian bench bench-auth bench-instructions fuzz lint fmt alerts deny deps-check deploy-check \
	migrations-check docs openapi reference package release test-installation test-upgrade

CARGO ?= cargo
ARGS ?=
SECONDS ?= 60
STOPS ?= 20
CALLS ?= 10000
REQUIRED ?=
TARGET ?= token identity_header key_set

help: ## Lists these targets
	@awk -F ': ## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+: ## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Every day

run: ## Builds and runs the demo: data, token and curl lines included. ARGS="--set http.bind=127.0.0.1:9000"
	@# Without what the demo does not use, and what only helps to change the code, the first build takes a third of the time.
	$(CARGO) run --profile demo --package gathering-server --bin gathering --no-default-features -- demo $(ARGS)

build: ## Builds the program for use: target/release/gathering
	$(CARGO) build --release --package gathering-server

test: ## Runs every test, on SQLite and on a PostgreSQL server of its own. ARGS="--test api"
	$(CARGO) build --package gathering-server
	tests/scripts/with-postgres tests/scripts/run-tests $(ARGS)

lint: ## Checks format and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@# What `make run` builds.
	$(CARGO) clippy --package gathering-server --no-default-features -- -D warnings

fmt: ## Formats the code
	$(CARGO) fmt --all

docs: ## Builds the book (target/book/index.html), checks all links, and builds the documentation of the crates
	tests/scripts/book
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps

##@ Tests of one kind

test-browser: ## Tests the pages in Chromium, which it installs; pictures are in target/browser. ARGS=tests/browser/docs.test.js
	$(CARGO) build --package gathering-server
	tests/scripts/test-browser target/debug/gathering $(ARGS)

test-clients: ## Makes clients of docs/openapi.json with two generators and calls a running server with them; it installs what it needs
	$(CARGO) build --package gathering-server
	tests/scripts/test-clients target/debug/gathering

test-openapi: ## Tries whether a running server keeps what docs/openapi.json promises, with Schemathesis; it installs what it needs
	$(CARGO) build --package gathering-server
	tests/scripts/test-openapi target/debug/gathering

test-examples: ## Runs the tests of docs/examples where their language is there. REQUIRED="go python typescript" fails without
	$(CARGO) build --package gathering-server
	tests/scripts/test-examples target/debug/gathering $(REQUIRED)

test-outside: ## Runs the tests of a crate outside the workspace that uses the harness
	$(CARGO) build --package gathering-server
	cp Cargo.lock tests/examples/client/Cargo.lock
	GATHERING_PROGRAM=$(CURDIR)/target/debug/gathering CARGO_TARGET_DIR=$(CURDIR)/target \
		$(CARGO) test --manifest-path tests/examples/client/Cargo.toml $(ARGS)

test-kafka: ## Runs the Kafka suite against a real broker, which needs Java and Maven
	$(CARGO) build --package gathering-server
	tests/scripts/with-kafka tests/scripts/with-postgres tests/scripts/run-tests --package gathering-tests \
		--features apache-kafka --test kafka $(ARGS)

test-pgbouncer: ## Runs the tests on two servers, and those through a PgBouncer of 1.21 or later, which GATHERING_TEST_PGBOUNCER may name
	$(CARGO) build --package gathering-server
	tests/scripts/with-pgbouncer tests/scripts/with-postgres tests/scripts/run-tests --package gathering-tests \
		--features pgbouncer --test servers $(ARGS)

fuzz: ## Tries random tokens, identity headers and key sets. SECONDS=600 TARGET=token
	tests/scripts/fuzz $(SECONDS) $(TARGET)

##@ Written from the code

openapi: ## Writes docs/openapi.json from the code
	mkdir -p target
	$(CARGO) run --quiet --package gathering-server --bin gathering -- openapi --config /dev/null > target/openapi.json
	mv target/openapi.json docs/openapi.json

reference: ## Writes the pages of docs/ that are made from the code: SETTINGS.md, COMMANDS.md and METRICS.md
	$(CARGO) build --package gathering-server
	GATHERING_WRITE_REFERENCE=yes tests/scripts/with-postgres $(CARGO) test --package gathering-tests --test program --test kafka -- \
		reference:: documentation::

alerts: ## Writes deploy/base/prometheusrule.yaml from the rules in deploy/prometheus
	python3 tests/deploy/alerts_object.py

##@ Checks

deny: ## Checks licences, sources, bans, and advisories where their database can be reached
	tests/scripts/deny

deps-check: ## Checks that dependencies between crates point inwards, and that no files of a crate depend on each other in a circle
	tests/scripts/check-dependencies
	tests/scripts/check-circles

migrations-check: ## Checks that migrations only add what the release before need not know, and that released ones stay as they are
	tests/scripts/check-migrations

deploy-check: ## Checks the manifests in deploy/, the Containerfile, and that gathering takes their settings
	$(CARGO) build --package gathering-server
	tests/scripts/deploy-check target/debug/gathering

package: ## Checks that the domain crate can be published
	$(CARGO) package --package gathering-domain --allow-dirty

##@ Measurements

bench: ## Measures everything as ratios to references in the same run. QUICK=1 takes under two minutes; CHAPTERS="reads scale"
	$(CARGO) build --release --package gathering-server
	$(CARGO) build --release --package gathering-http --example ceiling
	GATHERING_CEILING=$(CURDIR)/target/release/examples/ceiling QUICK=$(QUICK) GATHERING_TEST_POSTGRES_DURABLE=yes \
		tests/scripts/with-wrk $(if $(QUICK),,tests/scripts/with-kafka) tests/scripts/with-postgres \
		$(CARGO) bench --package gathering-tests $(if $(QUICK),,--features apache-kafka) --bench bench -- $(CHAPTERS)

bench-auth: ## Measures what verifying callers costs, as a ratio to asking nobody
	$(CARGO) build --release --package gathering-server
	tests/scripts/with-wrk $(CARGO) bench --package gathering-tests --bench auth

bench-instructions: ## Counts instructions of each operation and compares with tests/instructions.csv. UPDATE=1
	tests/scripts/with-openssl $(CARGO) build --profile instructions --package gathering-server --no-default-features --features postgres-tls
	UPDATE=$(UPDATE) tests/scripts/with-postgres tests/scripts/bench-instructions target/instructions/gathering

##@ Before a release

test-fresh-debian: ## Proves run and test on a Debian with what README asks for and nothing else; root only, before each release
	tests/scripts/fresh-debian

test-stops: ## Stops servers behind HAProxy, which it installs, under load, and counts lost calls. STOPS=20 CALLS=10000
	$(CARGO) build --package gathering-server
	tests/scripts/stops-behind-haproxy target/debug/gathering $(STOPS) $(CALLS)

test-installation: ## Runs a whole installation under load, with failover and rotation, and counts what was lost; needs what test-kafka needs
	$(CARGO) build --package gathering-server
	tests/scripts/with-kafka tests/scripts/with-pgbouncer tests/scripts/whole-installation target/debug/gathering

test-upgrade: ## Runs the last release and this program on one database at once, there and back, and counts lost calls
	tests/scripts/last-release
	$(CARGO) build --package gathering-server
	tests/scripts/with-postgres tests/scripts/rolling-upgrade target/last-release/gathering target/debug/gathering

release: ## Builds target/dist: the program twice, compared, its licences, a bill of materials, and checksums
	tests/scripts/release $(ARGS)
