#!/bin/bash
# The Debian package, for tests.

# Makes it by the commands of README.md, in a folder that is kept in the build folder, and says its
# name; as one who lets nobody else see his files.
make_package() {
	local source=$TESTS_SOURCE_DIR/.. folder=$BUILD_DIR/package command
	rm -f "$folder"/*.deb
	(
		umask 077
		cd "$source" || exit 1
		sed -n '/^## As a Debian package/,/^## The source/s/^    \(cmake .*\)/\1/p' README.md |
			while read -r command; do
				eval "${command// build / \"\$folder\" }" </dev/null 2>&1 || exit 1
			done
	) >"$BUILD_DIR/package.log" || {
		cat "$BUILD_DIR/package.log" >&2
		return 1
	}
	echo "$folder"/mailsimd_*.deb
}

skip() { # why
	echo "SKIPPED: $1"
	exit 77
}

package_or_skip() {
	local command
	for command in ninja dpkg-deb dpkg-shlibdeps file; do
		command -v $command >/dev/null || skip "there is no $command here (script/setup build package)"
	done
}

# A Debian 12 with systemd and what the package needs, unpacked into a folder. What is fetched for
# that is kept in the build folder.
debian_tree_or_skip() { # folder
	local trees=$BUILD_DIR/trees
	local tar=$trees/bookworm.tar log=$trees/bookworm.log
	if ! [ -e "$tar" ]; then
		command -v mmdebstrap >/dev/null || skip 'there is no mmdebstrap here'
		mkdir -p "$trees"
		mmdebstrap --variant=minbase \
			--include=systemd,systemd-sysv,dbus,logrotate,libevent-core-2.1-7,libinih1 \
			bookworm "$trees/new.tar" >"$log" 2>&1 ||
			skip "mmdebstrap cannot make a Debian 12: $(grep -m 1 '^E: ' "$log")"
		mv "$trees/new.tar" "$tar"
	fi
	mkdir "$1"
	tar -C "$1" --numeric-owner -xf "$tar"
}
