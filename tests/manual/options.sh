#!/bin/bash
# mailsimd(8) and mailsimctl(1) have the options that --help lists, and the exit statuses of the code.
set -u
# shellcheck source=tests/manual/lib_page.sh
. "$(dirname "$0")/lib_page.sh"

options_of_page() { # page
	section DESCRIPTION "$1" | sed -n 's/^\.It Fl //p' |
		sed -E 's/^Fl ([a-z-]+).*/--\1/; s/^([a-z])( .*)?$/-\1/' | sort
}
options_of_help() { # program
	"$1" --help | sed -n '/^  /p' | grep -oE '(^|[ ,])--?[a-z][a-z-]*' | tr -d ' ,' | sort -u
}
options_of_page mailsimd.8 > "$dir/page"
options_of_help "$MAILSIMD" > "$dir/program"
same "options of mailsimd" "$dir/page" "$dir/program"
options_of_page mailsimctl.1 > "$dir/page"
options_of_help "$MAILSIMCTL" > "$dir/program"
same "options of mailsimctl" "$dir/page" "$dir/program"

statuses_of_page() {
	section 'EXIT STATUS' "$1" | sed -n 's/^\.It \([0-9]*\)$/\1/p'
}
statuses_of_page mailsimd.8 > "$dir/page"
sed -n 's/^\tAPP_[A-Z_]* = \([0-9]*\),.*/\1/p' "$daemon_source/app.h" > "$dir/program"
same "exit statuses of mailsimd" "$dir/page" "$dir/program"
statuses_of_page mailsimctl.1 > "$dir/page"
sed -n '/^enum { STATUS_OK/p' "$daemon_source/ctl.c" | grep -o '= [0-9]*' | tr -d '= ' > "$dir/program"
same "exit statuses of mailsimctl" "$dir/page" "$dir/program"
exit $failed
