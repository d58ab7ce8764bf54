#!/bin/sh
# Every config/examples/NAME.ini is without fault and does what tests/data/examples/NAME.in and .out
# show. An example without a dialogue fails, and so does a dialogue without an example.
set -u
. "$TESTS_SOURCE_DIR/live/lib_dialogue.sh"
config=$TESTS_SOURCE_DIR/../config
data=$TESTS_SOURCE_DIR/data/examples
failed=0

fail() {
	echo "FAILED: $1"
	failed=$((failed + 1))
}

check() { # file
	said=$("$MAILSIMD" -c "$1" --check 2>&1) || fail "$1: $said"
}

for ini in "$config"/*.ini; do
	check "$ini"
done
for ini in "$config"/examples/*.ini; do
	check "$ini"
	in=$data/$(basename "$ini" .ini).in
	if [ -f "$in" ]; then
		dialogue "$in" -c "$ini" || failed=$((failed + 1))
	else
		fail "$ini has no $in"
	fi
done
for in in "$data"/*.in; do
	[ -f "$config/examples/$(basename "$in" .in).ini" ] || fail "$in belongs to no example"
done
exit "$failed"
