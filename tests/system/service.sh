#!/bin/bash
# The life of the service under a real systemd: what `cmake --install` installs, in a container that
# is a copy of this machine. inside/service.sh says what is looked at.
set -u
here=$(dirname "$(realpath "$0")")
# shellcheck source=tests/system/lib_boot.sh
. "$here/lib_boot.sh"
boot_or_skip

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
if ! DESTDIR=$stage cmake --install "$BUILD_DIR" --prefix /usr >"$stage/said" 2>&1; then
	cat "$stage/said"
	exit 1
fi
rm "$stage/said"
boot / "$here/inside/service.sh" "$stage:/"
