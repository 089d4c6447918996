# Each target is a line of cargo or of a script; .ci/run calls them together.
.PHONY: demo build test soak lint doc parity bench install uninstall man

## builds everything and lets a crew of two agents work in a scratch folder
demo:
	cargo build --release -p crewkit -p crewkit-demo && ./target/release/crewkit-demo

build:
	cargo build

## all tests
test:
	cargo build && cargo test

## the races and crashes, longer: an hour and more
soak:
	cargo build && CREWKIT_SOAK=1 cargo test -p crewkit-tests -- --nocapture

lint:
	cargo fmt --check && cargo clippy --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

## the parity cases against an installation: make parity ROOT=~/.claude
parity:
	../shared/parity/parity check --root $(ROOT) $$(sed -e 's/#.*//' -e '/^ *$$/d' -e 's,^,../shared/parity/cases/,' tests/parity.txt)

## ratios against a baseline in the same run, into benches/RESULTS.md
bench:
	./install.sh --prefix target/bench --claude-home target/bench/claude --no-hooks && cargo run --quiet --release -p crewkit-benches -- target/bench/claude --write benches/RESULTS.md

install:
	./install.sh

uninstall:
	./install.sh --uninstall

## every man page, into target/man
man:
	cargo build --quiet && ./target/debug/crewkit man --dir target/man
