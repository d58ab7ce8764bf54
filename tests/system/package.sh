#!/bin/bash
# The Debian package is made as README.md says; lintian finds nothing in it that Debian would have
# otherwise, and it asks for what it needs.
set -u
here=$(dirname "$0")
. "$here/lib_package.sh"
package_or_skip
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fail() { # what
	printf 'FAILED: %s\n' "$1"
	exit 1
}

package=$(make_package) || fail 'the package cannot be made'

depends=$(dpkg-deb --field "$package" Depends)
[[ $depends == *libinih1* ]] || fail "the libraries are missing in: $depends"
if dpkg-query --show libevent-core-2.1-7 >/dev/null 2>&1; then
	[[ $depends == *'libevent-core-2.1-7 (>= 2.1.12-stable-8+deb12u1)'* ]] ||
		fail "the security fixes of libevent are missing in: $depends"
fi

# README.md says how to install it.
named=$(sed -n 's|.* apt install \./build/||p' "$TESTS_SOURCE_DIR/../README.md")
# shellcheck disable=SC2053 # it is a pattern
[[ -n $named && ${package##*/} == $named ]] || fail "README.md calls ${package##*/} $named"

# The changelog speaks of this version, or nobody knows what is new in it.
version=$(dpkg-deb --field "$package" Version)
logged=$(sed -n '1s/.*(\(.*\)).*/\1/p' "$TESTS_SOURCE_DIR/../config/debian/changelog")
[ "$version" = "$logged" ] || fail "config/debian/changelog begins with $logged; this is $version"

# What is changed by hand, an upgrade asks about.
dpkg-deb --raw-extract "$package" "$scratch/raw"
(cd "$scratch/raw" && find etc -type f -printf '/%p\n' | sort) >"$scratch/configuration"
diff -u <(sort "$scratch/raw/DEBIAN/conffiles") "$scratch/configuration" ||
	fail 'config/debian/conffiles is not what the package has in /etc'
said=$("$MAILSIMD" --check -c "$scratch/raw/etc/mailsimd/mailsimd.ini" 2>&1) ||
	fail "the packaged configuration is not right: $said"

command -v lintian >/dev/null || skip 'there is no lintian here; all but that has passed'
options=(--display-info --pedantic --fail-on "error,warning,info,pedantic")
[ "$(id -u)" != 0 ] || options+=(--allow-root)
said=$(lintian "${options[@]}" "$package" 2>&1) || fail "lintian says:
$said"
[ -z "$said" ] || fail "lintian says:
$said"
