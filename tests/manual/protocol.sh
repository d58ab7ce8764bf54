#!/bin/bash
# mailsimd-protocol(7) has the verbs that help lists, as it lists them, the events with their fields,
# the fields of status and stats, and the error codes, both ways.
set -u
# shellcheck source=tests/manual/lib_page.sh
. "$(dirname "$0")/lib_page.sh"
page=mailsimd-protocol.7

ask() {
	"$MAILSIMD" -q --stdio -o clock.scale=max
}

# Each verb's subsection begins with its usage.
awk '
	/^\.Sh / { is_commands = $2 == "COMMANDS" }
	/^\.Ss / && is_commands { verb = $2; usage = "" }
	/^\.Ed/ && usage { gsub(/[ \t]+/, " ", usage); print verb ":" usage; usage = verb = "" }
	usage != "" || (verb && $1 == verb) { usage = usage " " $0 }
' "$pages/$page" > "$dir/page.verbs"
echo help | ask | sed -n 's/^\* \([a-z][a-z]*\)\(.*\)/\1: \1\2/p' > "$dir/program.verbs"
same "verbs and their usage" "$dir/page.verbs" "$dir/program.verbs"

# The keys of send each have an item.
section send "$page" | grep '^\.It' | grep -o '[a-z_]*=' | sort > "$dir/page.send"
grep '^send' "$dir/program.verbs" | grep -o '[a-z_]*=' | sort > "$dir/program.send"
same "keys of send" "$dir/page.send" "$dir/program.send"

# The tables of events: for each the fields in their order.
section EVENTS "$page" | sed -n 's/^\.It Cm \([a-z]*\) : /\1: /p' > "$dir/page.events"
# A line of the source for each stretch of fields, and for each line that is made of stretches; then
# NAME: FIELD... for each event and for the status.
tr '\n' ' ' < "$daemon_source/core/event.c" | tr ';' '\n' | awk '
	match($0, /(STRETCH|LINE)\([a-z_]+,[^)]*\) *$/) {
		$0 = substr($0, RSTART)
		gsub(/[(),]/, " ")
		gsub(/&field_|&/, "")
		if ($1 == "STRETCH")
			for (i = 4; i <= NF; i++)
				of[$2 "_stretch"] = of[$2 "_stretch"] " " $i
		else
			for (i = 3; i <= NF; i++)
				of[$2 "_line"] = of[$2 "_line"] of[$i]
	}
	/ events\[EVENT_KINDS\] = / {
		while (match($0, /STR_INIT\("[a-z]*"\), [a-z_]*/)) {
			split(substr($0, RSTART, RLENGTH), row, /[", ()]+/)
			print row[2] ":" of[row[3]]
			$0 = substr($0, RSTART + RLENGTH)
		}
	}
	END { print "status:" of["status_line"] }
' > "$dir/program.lines"
grep -v '^status:' "$dir/program.lines" > "$dir/program.events"
sort "$dir/page.events" > "$dir/page.events.sorted"
sort "$dir/program.events" > "$dir/program.events.sorted"
same "events and their fields" "$dir/page.events.sorted" "$dir/program.events.sorted"

# That is what is told: each field, where it has a value.
told=$(ask << 'END'
events json
gather 0..1 from=a@b.test to=c@d.test size=3 outcome="smtp_450 smtp_250"
gather x expire=1h outcome=mailbox_full
gather y outcome=suppressed
gather z outcome=smtp_550
send v outcome=smtp_450 retry=1h
wait v deferred=1
cancel v
END
)
while IFS=': ' read -r event fields; do
	# of SMTP, which is not spoken here: live.smtp_inband has it
	[ "$event" != rejected ] || continue
	seen=$(grep "^{\"event\":\"$event\"" <<< "$told" | grep -o '"[a-z_]*":' | tr -d '":' |
		grep -v -x -e event -e time -e final | sort -u)
	for field in $seen; do
		[[ " $fields " == *" $field "* ]] && continue
		echo "FAILED: $event was told with $field, which the page does not have"
		failed=$((failed + 1))
	done
	[ -n "$seen" ] || { echo "FAILED: $event was never told"; failed=$((failed + 1)); }
done < "$dir/page.events"

# Fields of status, as the page lists them in its text.
section status "$page" | sed -n '/^The newest/,/those without/p' |
	sed -n 's/^\.Cm \(.*\) ,$/\1/p' | tr ' ' '\n' > "$dir/page.status"
sed -n 's/^status: //p' "$dir/program.lines" | tr ' ' '\n' > "$dir/program.status"
same "fields of status" "$dir/page.status" "$dir/program.status"

section stats "$page" | sed -n 's/^\.It Cm //p' | tr ' ' '\n' > "$dir/page.stats"
echo stats | ask | grep -o '[a-z_0-9]*=' | tr -d = > "$dir/program.stats"
same "fields of stats" "$dir/page.stats" "$dir/program.stats"

section 'ERROR CODES' "$page" | sed -n 's/^\.It Cm //p' | sort > "$dir/page.codes"
sed -n '/code_names\[\] = {/,/^};/s/.*"\([a-z_0-9]*\)".*/\1/p' "$daemon_source/front/line_client.c" |
	sort > "$dir/program.codes"
same "error codes" "$dir/page.codes" "$dir/program.codes"
exit $failed
