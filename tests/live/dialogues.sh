#!/bin/sh
# Every tests/data/dialogue/*.in must be answered with what stands in the .out beside it.
set -u
. "$TESTS_SOURCE_DIR/live/lib_dialogue.sh"
failed=0
for in in "$TESTS_SOURCE_DIR"/data/dialogue/*.in; do
	dialogue "$in" || failed=$((failed + 1))
done
exit "$failed"
