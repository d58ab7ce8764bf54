#!/bin/sh
# usage: check-layers.sh DAEMON_FOLDER [CORE_LIBRARY BASE_LIBRARY]
#
# Fails when a file sees what its layer may not see, and says which line it is. A layer includes
# itself and what is below it, by layer path; in front/ and back/ a file sees its own family only
# (line_parse.c: line*.h) and never a sibling. With the libraries it also looks at what they want
# from others, since a prototype can be written without an include.
set -u
cd "$1" || exit 2
core=${2:-} base=${3:-}

# The #include lines as FILE:LINE:HEADER, with the header's quotes or angle brackets.
includes() {
	grep -HnE '^[[:space:]]*#[[:space:]]*include' "$@" /dev/null |
		sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/:/'
}

# A layer: the folders that it may include, the system headers that it may not, and "family" where
# a file sees no sibling.
layer() { # name folders headers [family]
	find "$1" -name '*.[ch]' | sort | while read -r file; do
		own=$1/
		if [ "${4:-}" = family ]; then
			own="$1/$(basename "$file" | sed 's/[_.].*//')[_.]"
		fi
		includes "$file" | grep ':"' | grep -Ev ":\"(($2)/|$own)"
		includes "$file" | grep -E ":<($3)"
	done | sed "s|$| $1/ may not see this|"
}

layers() {
	layer base base 'event2/|event\.h|sqlite3|systemd/|sys/socket|netinet/'
	layer core 'base|core' 'event2/|event\.h|sqlite3|systemd/|sys/socket|netinet/|time\.h|ini\.h'
	layer io 'base|core|io' 'sqlite3|systemd/'
	layer front 'base|core|io' 'sqlite3|systemd/' family
	layer back 'base|core|io' 'event2/' family
}

# A header that only some files may include, whatever their layer.
only() { # files header
	find . -name '*.[ch]' | sed 's|^\./||' | grep -Ev "$1" | sort | while read -r file; do
		includes "$file" | grep -E ":$2"
	done | sed "s|$| only for $1|"
}

exceptions() {
	only '^io/' '<event(2/|\.h)'
	only '^base/conf_file\.c$' '<ini\.h>'
	for file in front/*_parse.c; do
		includes "$file" | grep -E ':(<event|"io/)' | sed 's|$| a parser is pure|'
	done
	for file in ctl*.[ch]; do
		includes "$file" | grep ':"' | grep -Ev ':"(base/|ctl)' |
			sed 's|$| mailsimctl is made of base/ only|'
	done
}

symbols() { # nm's option, library: names, one a line
	nm -P "$1" "$2" | awk 'NF >= 2 { print $1 }' | sort -u
}

# What the simulator would need to wait, to talk or to know what time it is.
foreign='^(event|evutil|evbuffer|bufferevent|evconnlistener|sqlite3|sd)_'
foreign=$foreign'|^(socket|connect|bind|listen|accept4?|poll|clock_gettime|gettimeofday|time|nanosleep)$'

calls() {
	{ symbols --defined-only "$core" && symbols --defined-only "$base"; } | sort -u >"$known"
	[ -s "$known" ] || echo "nothing is defined in $core"
	symbols --undefined-only "$core" | comm -23 - "$known" | grep -E "$foreign" |
		sed 's|$| core/ may not call this|'
}

found=$(layers 2>&1; exceptions 2>&1)
if [ -n "$core" ]; then
	known=$(mktemp)
	trap 'rm -f "$known"' EXIT
	found=$found$(calls 2>&1)
fi
if [ -n "$found" ]; then
	printf '%s\n' "$found"
	exit 1
fi
