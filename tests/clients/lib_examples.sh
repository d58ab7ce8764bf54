# shellcheck shell=bash
# What tests of examples in texts share. A text has indented blocks, those that begin with "$" are
# run in order, and what the commands print must be what stands below them: "..." is any lines, and
# neither times nor what differs from run to run or version to version (see mask) is compared.
# Each section has a daemon of its own, with the options of the last line "mailsimd -..." before the
# block; a subsection has a fresh one with the same options.
command -v nc > /dev/null || { echo "SKIPPED: nc is not installed"; exit 77; }
dir=$(mktemp -d)
daemon='' later='' options='' smtp=''
trap 'stop; rm -rf "$dir"' EXIT
cd "$TESTS_SOURCE_DIR/.." || exit 1
PATH=$(dirname "$MAILSIMD"):$(dirname "$MAILSIMCTL"):$PATH
failed=0 passed=0

# The commands, with another way to the daemon than by the port that people use.
nc() {
	command nc -N -U "$dir/sock"
}

# That of the daemon, where the text has the conventional one.
curl() {
	command curl "${@/#smtp:\/\/localhost:1025/smtp:\/\/127.0.0.1:$smtp}"
}

mailsimctl() {
	if [ "${1:-}" = -s ]; then
		command mailsimctl "$@"
	else
		command mailsimctl -s "unix:$dir/sock" "$@"
	fi
}

# The daemon is a child, too, and not meant.
wait() {
	builtin wait "${1:-$later}"
}

start() {
	stop
	# shellcheck disable=SC2086 # the options are words
	mailsimd -o listen.line="unix:$dir/sock" -o log.target=none \
		${options/smtp=localhost:1025/smtp=127.0.0.1:0} 2> "$dir/err" &
	daemon=$!
	mailsimctl --wait 10s ping > /dev/null || cat "$dir/err"
	smtp=$(sed -n 's/.* smtp=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")
}

stop() {
	[ -z "$daemon" ] || { kill -9 "$daemon"; wait "$daemon"; } 2> /dev/null
	daemon=''
}

mask() {
	sed -E 's/(elapsed|loop_lag_p99|loop_lag_max)=[0-9]+\.[0-9]+s/\1=*/g
		s/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z/TIME/g
		s/(line=127\.0\.0\.1:)[0-9]+ pid=[0-9]+ seed=[0-9]+/\1* pid=* seed=*/
		s/^\+OK mailsimd [^ ]+/+OK mailsimd VERSION/
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
		printf 'FAILED: %s\n--- the text has\n%s\n--- it says\n%s\n' "$1" "$2" "$3"
		failed=$((failed + 1))
	fi
}

run() { # command expected: nothing expected is anything
	local got
	[ -n "$daemon" ] || start
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
run_text() { # file
	local command='' expected='' in_code=false line
	finish() {
		[ -z "$command" ] || run "$command" "${expected%$'\n'}"
		command='' expected=''
	}
	while IFS= read -r line <&3; do
		case $line in
		'```'*) [ $in_code = true ] && in_code=false || in_code=true ;;
		'#'*)
			[ $in_code = true ] || { finish; stop; }
			[[ $in_code = true || $line == '###'* ]] || options=''
			;;
		'    mailsimd -'[co]*) finish; options=${line#    mailsimd }; start ;;
		'    $ '*) finish; command=${line#    $ } ;;
		'    '*) expected+=${line#    }$'\n' ;;
		*) finish ;;
		esac
		[ -n "$command" ] || expected=
	done 3< "$1"
	finish
	stop
}
