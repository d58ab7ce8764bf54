#!/bin/bash
# `cmake --install` puts each file where the folders of GNUInstallDirs say, below DESTDIR, and what is
# written into the units follows; a configuration that is there already stays.
set -u
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
root=$scratch/root

fail() { # what
	printf 'FAILED: %s\n' "$1"
	exit 1
}

run() { # command...
	"$@" >"$scratch/said" 2>&1 || fail "$*: $(cat "$scratch/said")"
}

install_build() { # build-folder option...
	rm -rf "$root"
	run env DESTDIR="$root" cmake --install "$@"
}

must_hold() { # title bin sbin etc units doc sysusers
	cat >"$scratch/expected" <<-LIST
		$2/mailsimctl
		$3/mailsimd
		$4/mailsimd/mailsimd.ini
		$5/mailsimd.service
		$5/mailsimd.socket
		$5/mailsimd@.service
		$5/mailsimd@.socket
		$7/mailsimd.conf
		$6/examples/asyncio.ini
		$6/examples/domain-down.ini
		$6/examples/greylisting.ini
		$6/examples/load-mix.ini
		$6/examples/mailsimd.ini
		$6/examples/postfix.ini
		$6/examples/slow-provider.ini
	LIST
	find "$root" -type f -printf '/%P\n' | sort >"$scratch/found"
	diff -u <(sort "$scratch/expected") "$scratch/found" >"$scratch/diff" ||
		fail "$1 installs others than expected: $(cat "$scratch/diff")"
}

# Every command of the units that is started is there, and the configuration it is given.
must_start_what_is_there() { # title units
	local program configuration options
	while read -r program options; do
		[ -x "$root$program" ] || fail "$1: a unit starts $program"
		configuration=${options#* -c } configuration=${configuration#-c } configuration=${configuration%% *}
		[ -e "$root$configuration" ] || fail "$1: a unit is configured by $configuration"
	done < <(sed -n 's/^ExecStart=//p' "$root$2/mailsimd.service")
	[ -n "${configuration-}" ] || fail "$1: no unit starts anything"
}

install_build "$BUILD_DIR" --prefix /usr/local
must_hold '/usr/local' /usr/local/{bin,sbin,etc,lib/systemd/system,share/doc/mailsimd,lib/sysusers.d}
must_start_what_is_there '/usr/local' /usr/local/lib/systemd/system

echo '; mine' >"$root/usr/local/etc/mailsimd/mailsimd.ini"
run env DESTDIR="$root" cmake --install "$BUILD_DIR" --prefix /usr/local
[ "$(cat "$root/usr/local/etc/mailsimd/mailsimd.ini")" = '; mine' ] ||
	fail 'the configuration that was there is lost'

install_build "$BUILD_DIR" --prefix /usr
must_hold '/usr' /usr/bin /usr/sbin /etc /usr/lib/systemd/system /usr/share/doc/mailsimd \
	/usr/lib/sysusers.d
must_start_what_is_there '/usr' /usr/lib/systemd/system

# Where nothing is as usual; the programs need not be built once more for that.
run cmake -S "$TESTS_SOURCE_DIR/.." -B "$scratch/build" -D WITH_TESTS=OFF \
	-D CMAKE_INSTALL_PREFIX=/odd/place -D CMAKE_INSTALL_BINDIR=programs \
	-D CMAKE_INSTALL_SBINDIR=/odd/daemons -D CMAKE_INSTALL_SYSCONFDIR=settings \
	-D CMAKE_INSTALL_DOCDIR=/odd/papers -D MAILSIMD_UNIT_DIR=units
cp "$MAILSIMD" "$MAILSIMCTL" "$scratch/build/daemon"
install_build "$scratch/build"
must_hold 'an odd place' /odd/place/programs /odd/daemons /odd/place/settings /odd/place/units /odd/papers \
	/odd/place/lib/sysusers.d
must_start_what_is_there 'an odd place' /odd/place/units
