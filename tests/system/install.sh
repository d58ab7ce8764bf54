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

# Where GNUInstallDirs has everything, but for the configuration.
usual_places() { # prefix
	bin=$1/bin sbin=$1/sbin units=$1/lib/systemd/system sysusers=$1/lib/sysusers.d
	doc=$1/share/doc/mailsimd man=$1/share/man completions=$1/share/bash-completion/completions
}

must_hold() { # title
	sort >"$scratch/expected" <<-LIST
		$bin/mailsimctl
		$sbin/mailsimd
		$etc/mailsimd/mailsimd.ini
		$units/mailsimd-smtp.socket
		$units/mailsimd.service
		$units/mailsimd.socket
		$units/mailsimd@.service
		$units/mailsimd@.socket
		$sysusers/mailsimd.conf
		$man/man1/mailsimctl.1
		$man/man5/mailsimd.ini.5
		$man/man7/mailsimd-protocol.7
		$man/man7/mailsimd-smtp.7
		$man/man8/mailsimd.8
		$completions/mailsimctl
		$completions/mailsimd
		$doc/examples/asyncio.ini
		$doc/examples/domain-down.ini
		$doc/examples/greylisting.ini
		$doc/examples/load-mix.ini
		$doc/examples/mailsimd.ini
		$doc/examples/postfix.ini
		$doc/examples/slow-provider.ini
	LIST
	find "$root" -type f -printf '/%P\n' | sort >"$scratch/found"
	diff -u "$scratch/expected" "$scratch/found" >"$scratch/diff" ||
		fail "$1 installs others than expected: $(cat "$scratch/diff")"
}

# Every command of the units that is started is there, and the configuration it is given.
must_start_what_is_there() { # title
	local program configuration options
	while read -r program options; do
		[ -x "$root$program" ] || fail "$1: a unit starts $program"
		configuration=${options#* -c } configuration=${configuration#-c } configuration=${configuration%% *}
		[ -e "$root$configuration" ] || fail "$1: a unit is configured by $configuration"
	done < <(sed -n 's/^ExecStart=//p' "$root$units/mailsimd.service")
	[ -n "${configuration-}" ] || fail "$1: no unit starts anything"
}

usual_places /usr/local
etc=/usr/local/etc
install_build "$BUILD_DIR" --prefix /usr/local
must_hold '/usr/local'
must_start_what_is_there '/usr/local'

echo '; mine' >"$root$etc/mailsimd/mailsimd.ini"
run env DESTDIR="$root" cmake --install "$BUILD_DIR" --prefix /usr/local
[ "$(cat "$root$etc/mailsimd/mailsimd.ini")" = '; mine' ] ||
	fail 'the configuration that was there is lost'

usual_places /usr
etc=/etc
install_build "$BUILD_DIR" --prefix /usr
must_hold '/usr'
must_start_what_is_there '/usr'

# Where little is as usual; the programs need not be built once more for that.
usual_places /odd/place
bin=/odd/place/programs sbin=/odd/daemons etc=/odd/place/settings units=/odd/place/units doc=/odd/papers
man=/odd/place/pages
run cmake -S "$TESTS_SOURCE_DIR/.." -B "$scratch/build" -D WITH_TESTS=OFF \
	-D CMAKE_INSTALL_PREFIX=/odd/place -D CMAKE_INSTALL_BINDIR=programs \
	-D CMAKE_INSTALL_SBINDIR=/odd/daemons -D CMAKE_INSTALL_SYSCONFDIR=settings \
	-D CMAKE_INSTALL_DOCDIR=/odd/papers -D CMAKE_INSTALL_MANDIR=pages -D MAILSIMD_UNIT_DIR=units
cp "$MAILSIMD" "$MAILSIMCTL" "$scratch/build/daemon"
install_build "$scratch/build"
must_hold 'an odd place'
must_start_what_is_there 'an odd place'
