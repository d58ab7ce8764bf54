#!/bin/bash
# Does check-layers.sh see what it is there to see? Each violation alone, in a small tree, must fail,
# and the tree without one must pass.
set -u
check=$(dirname "$0")/check-layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
bad=0

plant() { # file, line...
	mkdir -p "$tree/$(dirname "$1")"
	printf '%s\n' "${@:2}" >"$tree/$1"
}

plant_clean() {
	rm -rf "${tree:?}"/*
	plant base/text.c '#include "base/text.h"' '#include <string.h>'
	plant base/conf_file.c '#include <ini.h>'
	plant core/event.c '#include "core/event.h"' '#include "base/text.h"'
	plant io/loop.c '#include <event2/event.h>' '#include "core/event.h"'
	plant front/line_parse.c '#include "front/line_parse.h"' '#include "base/text.h"'
	plant front/line.c '#include "front/line_parse.h"' '#include "io/loop.h"'
	plant back/notify.c '#include <systemd/sd-daemon.h>' '#include "io/loop.h"'
	plant app.c '#include "front/line.h"' '#include "back/notify.h"'
	plant ctl.c '#include "base/text.h"' '#include <sys/socket.h>'
}

must_fail() { # file, line
	plant_clean
	plant "$1" "$2"
	if said=$("$check" "$tree" 2>&1); then
		echo "not noticed: $1: $2"
		bad=1
	elif ! grep -qF "$1:1:" <<<"$said"; then
		echo "does not say where: $1: $2: $said"
		bad=1
	fi
}

plant_clean
if ! "$check" "$tree"; then
	echo 'finds fault with a clean tree'
	bad=1
fi
must_fail base/text.c '#include "core/event.h"'
must_fail base/text.c '# include <event2/event.h>'
must_fail base/text.c '#include <ini.h>'
must_fail core/event.c '#include "io/loop.h"'
must_fail core/event.c '#include "event.h"'
must_fail core/event.h '#include <sys/socket.h>'
must_fail core/event.c '#include <time.h>'
must_fail io/loop.c '#include "front/line.h"'
must_fail io/loop.c '#include <systemd/sd-daemon.h>'
must_fail front/line.c '#include "front/smtp.h"'
must_fail front/line.c '#include "front/liner.h"'
must_fail front/line.c '#include "back/notify.h"'
must_fail front/line_parse.c '#include "io/loop.h"'
must_fail back/notify.c '#include "back/eventlog.h"'
must_fail back/notify.c '#include <event2/event.h>'
must_fail main.c '#include <ini.h>'
must_fail app.c '  #include <event2/event.h>'
must_fail ctl.c '#include "core/event.h"'

# A prototype of one's own needs no include: the libraries must be looked into as well.
if ! command -v cc ar nm >/dev/null; then
	echo 'SKIPPED: the look into libraries, because there is no cc, ar or nm'
	exit "$([ "$bad" = 0 ] && echo 77 || echo 1)"
fi
compile() { # library, C text
	echo "$2" | cc -x c -c -o "$tree/$1.o" - && ar rcs "$tree/$1" "$tree/$1.o"
}
plant_clean
compile base.a 'void text_one(void) {}'
compile clean.a 'void event_mine(void); void text_one(void); void f(void) { event_mine(); text_one(); }
	void event_mine(void) {}'
compile bad.a 'int event_base_loop(void); int f(void) { return event_base_loop(); }'
if ! "$check" "$tree" "$tree/clean.a" "$tree/base.a"; then
	echo 'finds fault with a clean library'
	bad=1
fi
if "$check" "$tree" "$tree/bad.a" "$tree/base.a" >/dev/null; then
	echo 'not noticed: a library that wants event_base_loop'
	bad=1
fi
exit "$bad"
