# shellcheck shell=bash
# What scripts in a booted container have in common. A check says what it expects and what came; one
# that fails shows the end of the journal, too. `finish` ends the script.

passed=0 failed=0

say() { # text
	printf '[%s] %s\n' "$(cut -d ' ' -f 1 /proc/uptime)" "$1"
}

# What was found must be as a pattern says.
expect() { # what pattern found
	# shellcheck disable=SC2053 # it is a pattern
	if [[ $3 == $2 ]]; then
		passed=$((passed + 1))
		say "ok: $1"
	else
		failed=$((failed + 1))
		say "FAILED: $1"
		printf '  expected: %s\n  came:     %s\n  the journal ends with:\n' "$2" "$3"
		journalctl --sync
		journalctl --no-pager -n 25 -o short-precise | sed 's/^/    /'
	fi
}

# …of what a command prints, within twenty seconds.
expect_soon() { # what pattern command...
	local what=$1 pattern=$2 found until=$((SECONDS + 20))
	shift 2
	found=$("$@" 2>&1)
	# shellcheck disable=SC2053
	while [[ $found != $pattern && $SECONDS -lt $until ]]; do
		sleep 0.025
		found=$("$@" 2>&1)
	done
	expect "$what" "$pattern" "$found"
}

# A number must not be above another.
expect_at_most() { # what limit found
	local is_so=no
	[ "$3" -le "$2" ] && is_so=yes
	expect "$1: $3, at most $2" yes "$is_so"
}

# A command's exit status and all it printed, in $status and $said.
# shellcheck disable=SC2034 # for those who read this in
run() { # command...
	status=0
	said=$("$@" 2>&1) || status=$?
}

finish() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
