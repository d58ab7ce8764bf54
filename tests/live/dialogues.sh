#!/bin/sh
# Every tests/data/dialogue/*.in, given to mailsimd --stdio on a clock that jumps, must be answered
# with what stands in the .out beside it. Lines "# options: ..." add options, quoted as for a shell;
# "# status: N" says how the program must end. Real times are masked. With UPDATE=1 the .out files are written
# anew: read the difference before you believe it.
set -u
data=$TESTS_SOURCE_DIR/data/dialogue
out=$(mktemp)
trap 'rm -f "$out" "$out.err"' EXIT
failed=0
for in in "$data"/*.in; do
	eval "set -- $(sed -n 's/^# options: //p' "$in" | tr '\n' ' ')"
	status=$(sed -n 's/^# status: //p' "$in")
	"$MAILSIMD" --stdio -o clock.scale=max -o clock.epoch=2026-01-01T00:00:00Z -o random.seed=1 \
		"$@" < "$in" 2> "$out.err" > "$out.raw"
	got=$?
	sed -E 's/(elapsed|loop_lag_p99|loop_lag_max)=[0-9]+\.[0-9]+s/\1=*/g
		s/^\+OK mailsimd [^ ]+/+OK mailsimd VERSION/' "$out.raw" > "$out"
	rm -f "$out.raw"
	expected=${in%.in}.out
	[ -z "${UPDATE:-}" ] || cp "$out" "$expected"
	if ! diff -u "$expected" "$out" || [ "$got" != "${status:-0}" ]; then
		echo "FAILED: $in: status $got instead of ${status:-0}"
		sed 's/^/stderr: /' "$out.err"
		failed=$((failed + 1))
	else
		echo "ok: $(basename "$in")"
	fi
done
exit "$failed"
