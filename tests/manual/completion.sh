#!/bin/bash
# bash completes options, keys of the configuration, verbs and their keys: all there are.
set -u
# shellcheck source=tests/manual/lib_page.sh
. "$(dirname "$0")/lib_page.sh"
PATH=$(dirname "$MAILSIMD"):$(dirname "$MAILSIMCTL"):$PATH
# shellcheck source=daemon/completion/mailsimd
. "$daemon_source/completion/mailsimd"
# shellcheck source=daemon/completion/mailsimctl
. "$daemon_source/completion/mailsimctl"

# complete_line WORD...: what is offered for the last, in lines
complete_line() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	"_$1"
	[ ${#COMPREPLY[@]} = 0 ] || printf '%s\n' "${COMPREPLY[@]}"
}

# offers EXPECTED WORD...: what is offered, in one line
offers() {
	local expected=$1 got
	shift
	got=$(complete_line "$@" | paste -sd ' ')
	if [ "$got" = "$expected" ]; then
		echo "ok: $*"
	else
		printf 'FAILED: %s\n  offered:  %s\n  expected: %s\n' "$*" "$got" "$expected"
		failed=$((failed + 1))
	fi
}

offers '--stdio' mailsimd --s
offers 'clock.scale=' mailsimd -o clock.s
offers '' mailsimd -o nonsense.
offers "$daemon_source/completion/mailsimd" mailsimd -c "$daemon_source/completion/mailsimd"
offers 'send seed' mailsimctl se
offers '--wait' mailsimctl --w
offers '' mailsimctl -s ''
offers 'max_attempts=' mailsimctl -s unix : /run/sock send a ma
offers 'deferred= delivered=' mailsimctl wait de
offers 'delivered' mailsimctl list to = wait state = deli
offers 'error' mailsimctl gather 0..9 full = e
offers 'error wait' mailsimctl gather 0..9 full =
offers '' mailsimctl send a to = de
offers 'on off' mailsimctl events o
offers 'rule rules reset' mailsimctl help r

# Nothing is forgotten, and nothing offered that is not there.
complete_line mailsimd -o '' | sort > "$dir/offered"
mailsimd --print-config | awk '
	/^\[/ { name = $1; gsub(/[][]/, "", name) }
	/^[a-z]/ { print name "." $1 "=" }' | sort > "$dir/keys"
same "keys of the configuration" "$dir/offered" "$dir/keys"

complete_line mailsimd '' | sort > "$dir/offered"
mailsimd --help | sed -n '/^  /p' | grep -oE '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' | sort -u > "$dir/options"
same "options of mailsimd" "$dir/offered" "$dir/options"

echo help | mailsimd -q --stdio > "$dir/help"
complete_line mailsimctl help '' | sort > "$dir/offered"
sed -n 's/^\* \([a-z][a-z]*\).*/\1/p' "$dir/help" | sort > "$dir/verbs"
same "verbs" "$dir/offered" "$dir/verbs"

# The keys of a verb, by asking the daemon: what it takes is not "no key of this command".
sed -n 's/^\t{ "\([a-z_]*\)", KEYS_.*/\1/p' "$daemon_source/front/line_options.c" > "$dir/all_keys"
while read -r verb; do
	complete_line mailsimctl "$verb" '' | sed -n 's/=$//p' | sort > "$dir/offered"
	# a value that is wrong for all, so that nothing is done
	while read -r key; do
		printf '%s %s="" %s=""\n' "$verb" "$key" "$key"
	done < "$dir/all_keys" | mailsimd -q --stdio | paste "$dir/all_keys" - |
		sed -n '/is no key of this command/!s/\t.*//p' | sort > "$dir/taken"
	[ -s "$dir/offered" ] || [ -s "$dir/taken" ] || continue
	same "keys of $verb" "$dir/offered" "$dir/taken"
done < "$dir/verbs"
exit $failed
