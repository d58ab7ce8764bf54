#!/bin/bash
# What the manual pages show is what happens. Each block of theirs that is set as it is typed is one of
#   $ COMMAND      commands, or the options of a daemon, as in README.md
#   mailsimd ... --stdio ...  the program that the dialogues of the page are held with
#   > LINE         a dialogue: these lines are sent to it, and answered with the others
#   [section]      a configuration, which the daemon must accept
#   #!/bin/sh      a script; the next block is what it prints
# or stands below a comment "not run:" that says why.
set -u
# shellcheck source=tests/clients/lib_examples.sh
. "$TESTS_SOURCE_DIR/clients/lib_examples.sh"

# The page as a text such as lib_examples.sh knows; what is sent and read stands in files of its own.
convert() { # page
	awk -v name="$dir/$(basename "$1")" '
		function put(line) { print "    " line }
		function file(kind) { return name "." ++files "." kind }
		function unroff(s) {
			gsub(/\\\(aq/, "\047", s); gsub(/\\\(ti/, "~", s); gsub(/\\\(ha/, "^", s)
			gsub(/\\\(ga/, "`", s); gsub(/\\&/, "", s); gsub(/\\-/, "-", s)
			gsub(/\\e/, "\\", s)
			return s
		}
		function end_of_block(   i, to, sent) {
			if (why) {
				printf "%s: not run: %s\n", name, why > "/dev/stderr"
			} else if (is_output) {
				for (i = 1; i <= n; i++) put(lines[i])
			} else if (lines[1] ~ /^mailsimd .*--stdio/) {
				program = lines[1]
			} else if (lines[1] ~ /^(\$ |mailsimd -[co])/) {
				for (i = 1; i <= n; i++) put(lines[i])
			} else if (lines[1] ~ /^> / && program) {
				to = file("dialogue")
				for (i = 1; i <= n; i++)
					if (lines[i] ~ /^> /) print substr(lines[i], 3) > to
				close(to)
				put("$ " program " < " to)
				for (i = 1; i <= n; i++)
					if (lines[i] !~ /^> /) put(lines[i])
			} else if (lines[1] ~ /^\[/) {
				to = file("ini")
				for (i = 1; i <= n; i++) print lines[i] > to
				close(to)
				put("$ mailsimd -c " to " --check && echo accepted")
				put("accepted")
			} else if (lines[1] ~ /^#!\/bin\/sh/) {
				to = file("sh")
				for (i = 1; i <= n; i++) print lines[i] > to
				close(to)
				put("$ sh " to)
			} else {
				print "# unknown block: " lines[1]
			}
			is_output = lines[1] ~ /^#!/
			if (!is_output) print ""
			why = ""
			n = 0
		}
		/^\.S[hs] / { print "### " $0 }
		/^\.\\" not run: / { why = substr($0, 13) }
		/^\.Ed/ { if (inside) end_of_block(); inside = 0 }
		inside { lines[++n] = unroff($0) }
		/^\.Bd -literal/ { inside = 1 }
	' "$1"
}

for page in daemon/man/*.[1-9]; do
	text=$dir/$(basename "$page").text
	convert "$page" > "$text"
	if grep '^# unknown block' "$text"; then
		echo "FAILED: $page has a block that nobody knows how to run"
		failed=$((failed + 1))
	fi
	run_text "$text"
done
echo "$passed passed, $failed failed"
[ "$passed" -gt 0 ] || exit 1
exit "$failed"
