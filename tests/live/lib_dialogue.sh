# shellcheck shell=sh
# What tests of dialogues share.

# dialogue IN [OPTION...]: IN, given to mailsimd --stdio on a clock that jumps, must be answered with
# what stands in the .out beside it. Lines "# options: ..." add options, quoted as for a shell;
# "# status: N" says how the program must end. Real times are masked. With UPDATE=1 the .out file is
# written anew: read the difference before you believe it.
dialogue() {
	dialogue_in=$1 dialogue_out=$(mktemp) dialogue_result=0
	shift
	eval "set -- \"\$@\" $(sed -n 's/^# options: //p' "$dialogue_in" | tr '\n' ' ')"
	"$MAILSIMD" --stdio -o clock.scale=max -o clock.epoch=2026-01-01T00:00:00Z -o random.seed=1 \
		"$@" < "$dialogue_in" 2> "$dialogue_out.err" > "$dialogue_out.raw"
	dialogue_got=$?
	dialogue_status=$(sed -n 's/^# status: //p' "$dialogue_in")
	sed -E 's/(elapsed|loop_lag_p99|loop_lag_max)=[0-9]+\.[0-9]+s/\1=*/g
		s/^\+OK mailsimd [^ ]+/+OK mailsimd VERSION/' "$dialogue_out.raw" > "$dialogue_out"
	[ -z "${UPDATE:-}" ] || cp "$dialogue_out" "${dialogue_in%.in}.out"
	if ! diff -u "${dialogue_in%.in}.out" "$dialogue_out" ||
		[ "$dialogue_got" != "${dialogue_status:-0}" ]; then
		echo "FAILED: $dialogue_in: status $dialogue_got instead of ${dialogue_status:-0}"
		sed 's/^/stderr: /' "$dialogue_out.err"
		dialogue_result=1
	else
		echo "ok: $(basename "$dialogue_in")"
	fi
	rm -f "$dialogue_out" "$dialogue_out.err" "$dialogue_out.raw"
	return "$dialogue_result"
}
