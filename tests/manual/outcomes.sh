#!/bin/bash
# The table of outcomes in mailsimd.ini(5) is that of the program: names both ways, and what an
# attempt with each shows.
set -u
# shellcheck source=tests/manual/lib_page.sh
. "$(dirname "$0")/lib_page.sh"

section 'Those there are' mailsimd.ini.5 | sed -n 's/^\.It Cm \(.*\)/\1/p' |
	sed 's/ Ta /|/g' | sort > "$dir/page"
# what comes about and cannot be asked for is not in it
sed -n '/builtin\[\] = {/,/^};/s/.*{ "\([a-z_]*\)".*/\1/p' "$daemon_source/core/outcome.c" |
	grep -v -x -e expired -e cancelled | sort > "$dir/names"
cut -d '|' -f 1 "$dir/page" > "$dir/page.names"
same "names of outcomes" "$dir/page.names" "$dir/names"

# The first outcome of a message that is tried each minute, and how many attempts it took.
field() { # name: its value in $event, or -
	local value
	value=$(grep -o "\"$1\":\(\"[^\"]*\"\|[0-9]*\)" <<< "$event" | head -n 1)
	value=${value#*:}
	value=${value//\"/}
	echo "${value:--}"
}
while read -r name; do
	told=$(printf 'events json\ngather a outcome=%s latency=0s retry=1m expire=1h\n' "$name" |
		"$MAILSIMD" -q --stdio -o clock.scale=max)
	event=$(grep -m 1 '"outcome"' <<< "$told")
	attempts=$(sed -n 's/^\* a .* attempts=\([0-9]*\).*/\1/p' <<< "$told")
	case $event in
	*'"event":"deferred"'*)
		if grep -q '^\* a expired' <<< "$told"; then
			lasts=forever
		elif [ "$attempts" -gt 3 ]; then
			lasts=$((attempts - 1))m
		else
			lasts=$((attempts - 1))
		fi
		;;
	*) lasts=- ;;
	esac
	echo "$name|$(field code)|$(field dsn)|$(field stage)|$lasts"
done < "$dir/names" > "$dir/program"
same "what outcomes are" "$dir/page" "$dir/program"
exit $failed
