.PHONY: lint test fmt
lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
test:
	cargo test --workspace
fmt:
	cargo fmt --all
