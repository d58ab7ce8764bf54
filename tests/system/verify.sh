#!/bin/bash
# systemd reads our units as we mean them: nothing in them is unknown to it, and what they start is
# there. In a root directory of their own, so that the machine's units and programs do not matter.
set -u

if ! command -v systemd-analyze >/dev/null; then
	echo 'SKIPPED: there is no systemd-analyze here (package systemd)'
	exit 77
fi
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
units=$root/etc/systemd/system
mkdir -p "$units" "$root/bin"
program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$UNITS_DIR/mailsimd.service")
install -D "$MAILSIMD" "$root$program"
cp /bin/sh "$root/bin/sh"

# By itself `verify` says what it does not understand and exits 0; --recursive-errors=no makes it
# count, and without --man=no it would also want our manual pages installed.
verify() { # unit
	systemd-analyze verify --man=no --recursive-errors=no --root="$root" "$1" 2>&1
}

fresh_units() {
	cp "$UNITS_DIR"/mailsimd{,@}.{service,socket} "$UNITS_DIR"/mailsimd-smtp.socket "$units"
}

# How much of the machine the service may reach, from 0 to 10, by systemd's own measure; ours is 1.
is_safe() { # unit
	systemd-analyze security --no-pager --offline=true --threshold=10 "$units/$1" >/dev/null 2>&1
}

must_pass() { # unit
	if ! said=$(verify "$1") || [ -n "$said" ]; then
		printf '%s is not as systemd wants it:\n%s\n' "$1" "$said"
		exit 1
	fi
}

# A check that cannot fail would prove nothing: what is broken on purpose must be found.
must_fail() { # unit, sed expression
	fresh_units
	sed -i "$2" "$units/$1"
	if cmp -s "$units/$1" "$UNITS_DIR/$1"; then
		echo "$1: '$2' changes nothing"
		exit 1
	fi
	if verify "$1" >/dev/null; then
		echo "$1: '$2' goes unnoticed"
		exit 1
	fi
}

fresh_units
for unit in mailsimd{,@4026}.{service,socket} mailsimd-smtp.socket; do
	must_pass "$unit"
done
for unit in mailsimd{,@}.service; do
	if ! is_safe "$unit"; then
		echo "$unit is exposed to more than 1.0:"
		systemd-analyze security --no-pager --offline=true "$units/$unit"
		exit 1
	fi
	sed -i '/^IPAddressDeny/d' "$units/$unit"
	if is_safe "$unit"; then
		echo "$unit: to talk with all the world is no exposure?"
		exit 1
	fi
done
must_fail mailsimd.service 's/^WatchdogSec/WatchdogSek/'
must_fail mailsimd.service 's/^SystemCallFilter=@system-service/SystemCallFilter=@no-such-group/'
must_fail mailsimd.service 's|^ExecStart=|ExecStart=/nowhere|'
must_fail mailsimd.socket 's/^ListenStream=127.0.0.1/ListenStream=127.0.0.256/'
must_fail mailsimd.socket 's/^\[Socket\]/[Sockets]/'
must_fail mailsimd-smtp.socket 's/^Service=mailsimd.service/Service=mailsimd-smtp.service/'
