#!/bin/bash
# The life of the Debian package on a fresh Debian 12 under a real systemd: inside/package.sh.
set -eu
here=$(dirname "$0")
. "$here/lib_boot.sh"
. "$here/lib_package.sh"
package_or_skip
boot_or_skip
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
debian_tree_or_skip "$scratch/tree"

package=$(make_package)
mkdir "$scratch/packages"
cp "$package" "$scratch/packages/old.deb"

# The next version, which comes with another configuration.
dpkg-deb --raw-extract "$scratch/packages/old.deb" "$scratch/raw"
sed -i 's/^Version: .*/&+next/' "$scratch/raw/DEBIAN/control"
echo '; a comment of the next version' >>"$scratch/raw/etc/mailsimd/mailsimd.ini"
dpkg-deb --root-owner-group --build "$scratch/raw" "$scratch/packages/new.deb" >/dev/null

boot "$scratch/tree" "$here/inside/package.sh" "$scratch/packages:/packages" \
	"$MAILSIMCTL:/packages/mailsimctl"
