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

# A Debian 12 with systemd and what the package needs, unpacked into a folder. What is fetched for
# that is kept in the build folder.
debian_tree_or_skip() { # folder
	local trees=$BUILD_DIR/trees
	local tar=$trees/bookworm.tar log=$trees/bookworm.log
	local mirror=http://deb.debian.org
	if ! [ -e "$tar" ]; then
		command -v mmdebstrap >/dev/null || skip 'there is no mmdebstrap here'
		mkdir -p "$trees"
		mmdebstrap --variant=minbase \
			--include=systemd,systemd-sysv,dbus,logrotate,libevent-core-2.1-7,libinih1 \
			bookworm "$trees/new.tar" "deb $mirror/debian bookworm main" \
			"deb $mirror/debian-security bookworm-security main" >"$log" 2>&1 ||
			skip "mmdebstrap cannot make a Debian 12 ($(tail -n 1 "$log"))"
		mv "$trees/new.tar" "$tar"
	fi
	mkdir "$1"
	tar -C "$1" --numeric-owner -xf "$tar"
}
