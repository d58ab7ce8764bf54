#!/bin/sh
# Standard input, output or error that came closed: nothing of the daemon's own takes their place.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# what is run in 20 seconds, with its status
expect() { # status what command...
	wanted=$1 what=$2
	shift 2
	timeout 20 sh -c "$@" > "$work/out" 2> "$work/err"
	status=$?
	if [ "$status" != "$wanted" ]; then
		echo "FAILED: $what: status $status instead of $wanted"
		cat "$work/out" "$work/err"
		failed=$((failed + 1))
	fi
}

expect 0 'no input' "'$MAILSIMD' -q --stdio <&-"
expect 0 'no input, no error' "'$MAILSIMD' -q --stdio <&- 2>&-"
expect 0 'no error' "echo gather 1 latency=1ms | '$MAILSIMD' -q --stdio 2>&-"
grep -q ' delivered ' "$work/out" || {
	echo 'FAILED: nothing was delivered'
	failed=$((failed + 1))
}
expect 1 'none of them, and a log that nobody can have' \
	"'$MAILSIMD' --stdio -o log.target=/nonexistent/log <&- >&- 2>&-"
exit "$failed"
