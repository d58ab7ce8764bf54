#!/bin/bash
# mailsimd.ini(5) has the keys that there are, with their defaults and ranges, both ways; and says of
# the right ones that they need a restart.
set -u
# shellcheck source=tests/manual/lib_page.sh
. "$(dirname "$0")/lib_page.sh"
page=mailsimd.ini.5

# "section.key = default" of the page
awk '
	/^\.S[hs] / { name = "" }
	/^\.Ss \[/ { name = substr($2, 2) ($2 ~ /\]/ ? "" : " NAME"); sub(/\].*/, "", name) }
	/^\.It Ic .* =/ && name { print name "." substr($0, 8) }
' "$pages/$page" | sed 's/ *$//' > "$dir/page.keys"

# and of the program, where sections with a name are shown as comments
env -i "$MAILSIMD" --print-config | awk '
	/^\[/ { name = substr($0, 2); sub(/\]/, "", name) }
	/^; \[.* NAME\]/ { name = substr($0, 4); sub(/\]/, "", name) }
	/^[a-z]/ { print name "." $0 }
	/^; [a-z_]+ =$/ { print name "." substr($0, 3) }
' | sed 's/ *$//' > "$dir/program.keys"
same "keys and defaults" "$dir/page.keys" "$dir/program.keys"

# What the page says of a key, in one line
text_of() { # section.key
	awk -v section="${1%.*}" -v key="${1##*.}" '
		/^\.Ss \[/ { name = substr($2, 2) ($2 ~ /\]/ ? "" : " NAME"); sub(/\].*/, "", name) }
		/^\.(It|El|S[hs])/ { inside = name == section && $2 == "Ic" && $3 == key; next }
		inside { printf "%s ", $0 }
	' "$pages/$page"
}

# The program tells a key's range when it is asked for too much, or too little.
range_of() { # section.key
	local value
	for value in 9223372036854775807 36500d 4096G 0s; do
		"$MAILSIMD" --check -o "$1=$value" 2>&1 |
			sed -n 's/.*: is out of range: //p'
	done | sort -u
}
touch "$dir/page.ranges" "$dir/program.ranges"
while read -r key; do
	range=$(range_of "${key/NAME/x}")
	[ -n "$range" ] || continue
	echo "$key: $range" >> "$dir/program.ranges"
	found=$(text_of "$key" | grep -o "\b${range}\b")
	echo "$key: $found" >> "$dir/page.ranges"
done < <(sed 's/ =.*//' "$dir/program.keys")
same "ranges" "$dir/page.ranges" "$dir/program.ranges"

# A reload cannot change what the table has as FIXED.
tr '\n\t' '  ' < "$daemon_source/settings.c" | grep -o '{ "[a-z]*", "[a-z_]*",[^{}]*' |
	sed -n 's/^{ "\([a-z]*\)", "\([a-z_]*\)".* FIXED,.*/\1.\2/p' > "$dir/program.fixed"
while read -r key; do
	text_of "$key" | grep -q 'Restart[.;]' && echo "$key"
done < <(sed 's/ =.*//' "$dir/page.keys") > "$dir/page.fixed"
same "keys that need a restart" "$dir/page.fixed" "$dir/program.fixed"

# Fields of templates
fields_of() { # comment behind which they stand
	sed -n "/^\\.\\\\\" fields of $1\$/,/^\\.Ed/p" "$pages/$page" | grep -o '{[a-z]*}' | tr -d '{}'
}
accepted_of() { # event: those of all fields there are that it takes
	sed -n 's/^FIELD(\([a-z]*\),.*/\1/p' "$daemon_source/core/event.c" | while read -r field; do
		"$MAILSIMD" --check -o "template.$1={$field}" 2> /dev/null && echo "$field"
	done
}
fields_of messages | sort > "$dir/page.fields"
accepted_of delivered | sort > "$dir/program.fields"
same "template fields of messages" "$dir/page.fields" "$dir/program.fields"
fields_of finished | sort > "$dir/page.finished"
accepted_of finished | sort > "$dir/program.finished"
same "template fields of finished" "$dir/page.finished" "$dir/program.finished"
exit $failed
