# shellcheck shell=bash
# What tests of the manual share.
pages=$TESTS_SOURCE_DIR/../daemon/man
# shellcheck disable=SC2034 # of those that read this in
daemon_source=$TESTS_SOURCE_DIR/../daemon
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

# same WHAT PAGE-FILE PROGRAM-FILE: lines that are to be alike
same() {
	if ! [ -s "$2" ] || ! diff -u --label "the page" --label "the program" "$2" "$3"; then
		echo "FAILED: $1"
		failed=$((failed + 1))
	else
		echo "ok: $1 ($(wc -l < "$2"))"
	fi
}

# section NAME PAGE: the source of that section or subsection, up to the next of its kind
section() {
	awk -v name="$1" '
		/^\.S[hs] / { inside = substr($0, 5) == name; next }
		inside
	' "$pages/$2"
}
