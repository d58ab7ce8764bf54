#!/bin/bash
# The Debian package, for tests.

# Packs what the build at hand has built, and says the package's name.
make_package() { # folder
	cpack --config "$BUILD_DIR/CPackConfig.cmake" -B "$1" >"$1/cpack.log" 2>&1 || {
		cat "$1/cpack.log" >&2
		return 1
	}
	echo "$1"/mailsimd_*.deb
}

skip() { # why
	echo "SKIPPED: $1"
	exit 77
}

package_or_skip() {
	local command
	for command in dpkg-deb dpkg-shlibdeps file; do
		command -v $command >/dev/null || skip "there is no $command here (script/setup package)"
	done
	[ -e "$BUILD_DIR/CPackConfig.cmake" ] || skip 'this build makes no packages'
}
