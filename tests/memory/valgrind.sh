#!/bin/sh
# Under valgrind: all dialogues, then a run with a log of its own thread whose lines are counted. No
# octet may be read that was never written, none touched that was freed, none left behind.
set -u
if ! command -v valgrind > /dev/null; then
	echo 'SKIPPED: valgrind is not installed'
	exit 77
fi
. "$TESTS_SOURCE_DIR/live/lib_dialogue.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '#!/bin/sh\nexec valgrind -q --error-exitcode=99 --leak-check=full %s "$@"\n' \
	"--errors-for-leak-kinds=definite,possible '$MAILSIMD'" > "$work/mailsimd"
chmod +x "$work/mailsimd"
MAILSIMD=$work/mailsimd
failed=0

for in in "$TESTS_SOURCE_DIR"/data/dialogue/*.in; do
	dialogue "$in" || failed=$((failed + 1))
done

# 3,000 of ranges, 500 single ones with texts of their own, from the queue to the end or cancelled
{
	echo 'send 0..1999 to=user{n}@example.org latency="lognormal median=1s sigma=1"'
	i=0
	while [ "$i" -lt 500 ]; do
		echo "send order-$i to=user$i@example.net from=shop@example.com size=$i"
		i=$((i + 1))
	done
	echo 'send 0..999 outcome="greylisted:2 50%, user_unknown 5%" concurrency=10'
	echo 'cancel order-77'
	echo 'cancel to=*@example.net'
	echo 'wait all'
	echo 'stats'
} | "$MAILSIMD" --stdio -q -o clock.scale=max -o log.target="$work/log" -o limits.history=1000 \
	> "$work/out" 2> "$work/err"
status=$?
lines=$(grep -c ' queued ' "$work/log")
ends=$(grep -Ec ' (delivered|bounced|expired|dropped|cancelled) ' "$work/log")
if [ "$status" != 0 ] || [ "$lines" != 3500 ] || [ "$ends" != 3500 ]; then
	echo "FAILED: status $status, $lines queued and $ends ended of 3500"
	cat "$work/err"
	tail -3 "$work/out"
	failed=$((failed + 1))
fi
exit "$failed"
