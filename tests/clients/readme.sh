#!/bin/bash
# What README.md shows is what happens. Its blocks that begin with "$" are run in order, and what the
# commands print must be what stands below them: "..." is any lines, and neither times nor fired= are
# compared. Each section has a daemon of its own, with the options of the last line "mailsimd -..."
# before the block. The script of the one block marked sh must succeed and print what is shown behind
# it.
set -u
readme=$TESTS_SOURCE_DIR/../README.md
dir=$(mktemp -d)
daemon='' later=''
trap 'stop; rm -rf "$dir"' EXIT
command -v nc > /dev/null || { echo "SKIPPED: nc is not installed"; exit 77; }
cd "$TESTS_SOURCE_DIR/.." || exit 1
PATH=$(dirname "$MAILSIMD"):$(dirname "$MAILSIMCTL"):$PATH
failed=0 passed=0

# The commands, with another way to the daemon than by the port that people use.
nc() {
	command nc -N -U "$dir/sock"
}

# The daemon is a child, too, and not meant.
wait() {
	builtin wait "${1:-$later}"
}

start() { # options
	stop
	# shellcheck disable=SC2086 # the options are words
	mailsimd -o listen.line="unix:$dir/sock" -o log.target=none $1 2> "$dir/err" &
	daemon=$!
	mailsimctl -s "unix:$dir/sock" --wait 10s ping > /dev/null || cat "$dir/err"
}

stop() {
	[ -z "$daemon" ] || { kill -9 "$daemon"; wait "$daemon"; } 2> /dev/null
	daemon=''
}

mask() {
	sed -E 's/(elapsed|loop_lag_p99|loop_lag_max)=[0-9]+\.[0-9]+s/\1=*/g
		s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g
		s/fired=[0-9]+/fired=*/'
}

compare() { # what expected got
	local pattern
	pattern=$(mask <<< "$2" | sed -e 's/[][\\*?]/\\&/g' -e 's/^\.\.\.$/*/')
	# shellcheck disable=SC2053 # it is a pattern
	if [[ $(mask <<< "$3") == $pattern ]]; then
		echo "ok: $1"
		passed=$((passed + 1))
	else
		printf 'FAILED: %s\n--- README.md has\n%s\n--- it says\n%s\n' "$1" "$2" "$3"
		failed=$((failed + 1))
	fi
}

run() { # command expected: nothing expected is anything
	local got
	[ -n "$daemon" ] || start ""
	if [[ $1 == *'&' ]]; then
		eval "$1" > "$dir/later"
		later=$!
		return
	fi
	eval "$1" > "$dir/now" 2>&1
	got=$(cat "$dir/now" "$dir/later" 2> /dev/null)
	rm -f "$dir/later"
	[ -z "$2" ] || compare "$1" "$2" "$got"
}

# The lines of the blocks that are indented, and the headings.
command='' expected=''
finish() {
	[ -z "$command" ] || run "$command" "${expected%$'\n'}"
	command='' expected=''
}
in_code=false
while IFS= read -r line <&3; do
	case $line in
	'```'*) [ $in_code = true ] && in_code=false || in_code=true ;;
	'#'*) [ $in_code = true ] || { finish; stop; } ;;
	'    mailsimd -'[co]*) finish; start "${line#    mailsimd }" ;;
	'    $ '*) finish; command=${line#    $ } ;;
	'    '*) expected+=${line#    }$'\n' ;;
	*) finish ;;
	esac
	[ -n "$command" ] || expected=
done 3< "$readme"
finish
stop

sed -n '/^```sh$/,/^```$/p' "$readme" | sed '/^```/d' > "$dir/script"
expected=$(sed -n '/^It prints$/,/^and exits/s/^    //p' "$readme")
got=$(sh "$dir/script" 2>&1) || { echo "FAILED: the script ended with $?"; failed=$((failed + 1)); }
compare "the test of an application" "$expected" "$got"
echo "$passed passed, $failed failed"
exit $failed
