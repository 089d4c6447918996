# Each target is one line of cargo, or of a script; read .ci/run for all of them together.
.PHONY: demo build test lint doc parity bench soak install man

demo:            ## builds everything and lets a crew of two agents work in a scratch folder
	./install.sh --demo

build:
	cargo build

test:            ## all tests
	cargo build && cargo test

lint:
	cargo fmt --check && cargo clippy --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps
