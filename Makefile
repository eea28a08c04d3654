# Everything a newcomer or a CI machine needs. Each target first installs what it lacks from the distribution's packages
# (scripts/prerequisites), and does nothing about it when nothing lacks.

CARGO ?= cargo
# Further options of `waterclock up`: make run ARGS="--bare --listen 127.0.0.1:9090"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run test show bench lint fmt clean prerequisites

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' $(MAKEFILE_LIST)

run: prerequisites ## Build in release mode and start everything on this machine
	$(CARGO) build --locked --release --package waterclock
	target/release/waterclock up $(ARGS)

# The integration tests start the binary as a user would, and Cargo builds binaries of its own accord only for the tests of
# their own package.
test: prerequisites ## Run all tests, each on a PostgreSQL of its own
	$(CARGO) build --locked --package waterclock
	$(CARGO) test --locked --workspace

show: prerequisites ## Run the tests that take minutes
	$(CARGO) build --locked --package waterclock
	$(CARGO) test --locked --package waterclock-tests -- --ignored

bench: prerequisites ## Measure Waterclock beside PostgreSQL's own floor
	$(CARGO) build --locked --release --package waterclock --package waterclock-benches
	target/release/waterclock-benches $(ARGS)

lint: prerequisites ## Check format, lints, documentation, licences, and that schema.graphql is current
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- --deny warnings
	RUSTDOCFLAGS='--deny warnings --allow rustdoc::private-intra-doc-links' \
		$(CARGO) doc --locked --workspace --no-deps --document-private-items
	scripts/licences
	$(CARGO) run --locked --quiet --package waterclock -- schema | diff --unified schema.graphql -

fmt: ## Format the sources
	$(CARGO) fmt --all

clean: ## Remove what was built, and leave the data directory
	$(CARGO) clean

prerequisites:
	@scripts/prerequisites
