#!/bin/bash
# The manual pages are as mandoc wants them, and all that they refer to of ours is there.
set -u
# shellcheck source=tests/manual/lib_page.sh
. "$(dirname "$0")/lib_page.sh"
command -v mandoc > /dev/null || { echo 'SKIPPED: there is no mandoc here'; exit 77; }

# Whether the machine has the pages of others, and the page being looked at installed, says nothing.
for page in "$pages"/*.[1-9]; do
	said=$(mandoc -T lint -W style "$page" 2>&1 |
		grep -v -e 'referenced manual not found' -e 'outdated mandoc.db')
	if [ -n "$said" ]; then
		printf '%s\nFAILED: %s\n' "$said" "$page"
		failed=$((failed + 1))
	fi
	while read -r name number; do
		[ -e "$pages/$name.$number" ] && continue
		echo "FAILED: $page refers to $name($number), which is not there"
		failed=$((failed + 1))
	done < <(sed -n 's/^\.Xr \(mailsim[^ ]*\) \([0-9]\).*/\1 \2/p' "$page" | sort -u)
done
exit $failed
