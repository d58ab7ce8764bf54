#!/bin/bash
# Runs in the container as root, with mailsimd installed and nothing of it started.
# shellcheck source=tests/system/inside/lib.sh
. /selftest/lib.sh

conf=/etc/mailsimd/mailsimd.ini
events=/var/log/mailsimd/events

ask() { # argument...: to the default address
	mailsimctl "$@"
}

property() { # name [unit]
	systemctl show --property "$1" --value "${2:-mailsimd.service}"
}

main_pid() {
	property MainPID
}

configure() { # line...: the whole configuration
	printf '%s\n' "$@" >"$conf"
}

tune() { # line...: the drop-in of this test
	mkdir -p /run/systemd/system/mailsimd.service.d
	# it is restarted more often here than is right
	printf '%s\n' '[Unit]' StartLimitIntervalSec=0 '[Service]' "$@" \
		>/run/systemd/system/mailsimd.service.d/test.conf
	systemctl daemon-reload
}

count() { # pattern: lines of the event log
	grep -c -- "$1" "$events"
}

count_said() { # pattern: diagnostics, and what systemd says of the service
	journalctl --sync
	journalctl --no-pager -o cat -u mailsimd | grep -c -- "$1"
}

of_process() { # field of /proc/PID/status: its values
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$(main_pid)/status"
}

check_sockets() {
	systemctl start mailsimd.socket
	expect 'the sockets listen, and no service runs yet' 'listening inactive' \
		"$(property SubState mailsimd.socket) $(property ActiveState)"
	run setpriv --reuid=65534 --regid=65534 --clear-groups mailsimctl -s unix:/run/mailsimd.sock ping
	expect 'the Unix socket is closed to others' '2 *ermission denied*' "$status $said"
	expect '… whose try starts nothing' inactive "$(property ActiveState)"
	run setpriv --reuid=65534 --regid=65534 --groups="$(getent group mailsimd | cut -d : -f 3)" \
		mailsimctl -s unix:/run/mailsimd.sock ping
	expect '… and open to the group, for whom the service starts' '0 +OK pong' "$status $said"
	expect 'it runs' running "$(property SubState)"
	expect 'TCP is answered' '+OK pong' "$(ask -s 127.0.0.1:4025 ping)"
	expect '… over IPv6, too' '+OK pong' "$(ask -s '[::1]:4025' ping)"
	systemctl stop mailsimd.service mailsimd.socket
	expect 'the socket file goes with the socket' no "$([ -e /run/mailsimd.sock ] && echo yes || echo no)"
	systemctl start mailsimd.socket
	expect 'TCP starts it as well' '+OK pong' "$(ask ping)"
	systemctl stop mailsimd.socket mailsimd.service
	systemctl start mailsimd.service
	expect '… and started by itself it brings the sockets' 'running running' \
		"$(property SubState mailsimd.socket) $(property SubState)"
}

# Sockets are handed in when the service starts.
check_smtp_socket() {
	local greeting
	expect 'the SMTP sockets are not enabled' disabled "$(systemctl is-enabled mailsimd-smtp.socket)"
	systemctl stop mailsimd.service mailsimd.socket
	systemctl start mailsimd-smtp.socket
	read -r -t 20 greeting <> /dev/tcp/127.0.0.1/1025
	expect 'SMTP starts the service' '220 * ESMTP mailsimd*' "$greeting"
	expect '… which answers the line protocol, too' '+OK pong' "$(ask ping)"
	systemctl stop mailsimd.service mailsimd-smtp.socket
	systemctl start mailsimd.service
	expect '… and by itself does not bring them' 'inactive running' \
		"$(property SubState mailsimd-smtp.socket | sed s/dead/inactive/) $(property SubState)"
}

check_status() {
	expect_soon 'the status text has live counts' 'accepting; pending=0 delivered=0 * connections=0' \
		property StatusText
	ask send 1..5 latency=1h >/dev/null
	expect_soon '… of what is pending' 'accepting; pending=5 delivered=0 *' property StatusText
	ask gather 6..8 latency=1ms >/dev/null
	ask gather 9 outcome=user_unknown latency=1ms >/dev/null
	expect_soon '… and of what is done' 'accepting; pending=5 delivered=3 bounced=1 *' property StatusText
	ask reset >/dev/null
	expect_soon '… and is told when nothing more happens' 'accepting; pending=0 delivered=0 *' \
		property StatusText
}

check_sandbox() {
	local pid
	pid=$(main_pid)
	mkdir -p /home/x /root/x /tmp/x
	expect 'its user is none of ours' '6[1-5][0-9][0-9][0-9]*' "$(of_process Uid | cut -f 1)"
	expect 'it has no capabilities, whatever it does' '0000000000000000 0000000000000000 0000000000000000' \
		"$(of_process CapEff) $(of_process CapBnd) $(of_process CapAmb)"
	expect 'seccomp filters, nothing can be gained by exec' '2 1' "$(of_process Seccomp) $(of_process NoNewPrivs)"
	run nsenter --target "$pid" --mount touch /etc/x /usr/x /var/lib/x
	expect 'for it the system is read-only, even to root' '*/etc/x*Read-only*/usr/x*Read-only*/var/lib/x*Read-only*' "$said"
	run nsenter --target "$pid" --mount ls -d /home/x /root/x /tmp/x
	expect 'it sees no home and no temporary files of others' '*/home/x*No such*/root/x*No such*/tmp/x*No such*' "$said"
	configure '[log]' 'target = /etc/mailsimd/events'
	run systemctl reload mailsimd
	expect 'a log elsewhere is refused' '*reload failed*log.target: /etc/mailsimd/events: Read-only file system*' \
		"$(property StatusText)"
	configure '[log]' "target = $events"
	run systemctl reload mailsimd
	ask gather a >/dev/null
	expect '… but there is a folder for logs' 1 "$(count ' delivered id=a ')"
	expect '… which is its own' '_mailsimd _mailsimd 750' "$(stat -L -c '%U %G %a' /var/log/mailsimd)"
}

# The same sandbox with somebody else in it, who tries what the daemon does not.
check_prisoner() {
	expect 'a free man gets everywhere' '' "$(unshare --mount bash /selftest/prisoner.sh 2>&1)"
	rm -f /etc/x /run/x
	sed -e 's/^Type=.*/Type=oneshot/' -e 's/^User=.*/User=_prisoner/' -e '/^Restart/d' -e '/^WatchdogSec/d' \
		-e '/^Wants/d' -e '/^Exec/d' -e '/Directory/d' /lib/systemd/system/mailsimd.service \
		>/run/systemd/system/prisoner.service
	printf '%s\n' '[Service]' 'ExecStart=/bin/bash /selftest/prisoner.sh' StandardOutput=append:/run/prisoner \
		>>/run/systemd/system/prisoner.service
	systemctl daemon-reload
	run systemctl start prisoner.service
	expect 'a prisoner in the same sandbox gets nowhere' '0 *' "$status $(journalctl --no-pager -o cat -u prisoner | tail -n 3)"
	expect '… with any of his tries' 'etc run home mount namespace suid executable-memory packet-socket netlink' "$(tr '\n' ' ' </run/prisoner | sed 's/ $//')"
}

check_reload() {
	local i pid latency wrong=0 reloads
	pid=$(main_pid)
	for i in {1..10}; do
		latency=$((i % 2 + 1))
		configure '[delivery]' "latency = ${latency}ms" '[log]' "target = $events"
		systemctl reload mailsimd
		[[ $(ask gather a) == *"simulated=0.00${latency}s"* ]] || wrong=$((wrong + 1))
	done
	expect 'systemctl reload has the new settings used, ten times' 0 "$wrong"
	configure '[delivery]' 'latency = 1ms' 'work = 50ms' '[log]' "target = $events"
	systemctl reload mailsimd
	reloads=$(count_said '^reloaded$')
	ask send 1..20 >/dev/null &
	expect_soon '(the loop works for a second)' 'R *' of_process State
	configure '[delivery]' 'latency = 1ms' '[log]' "target = $events"
	systemctl reload mailsimd
	expect '… and waits for a daemon that is busy' $((reloads + 1)) "$(count_said '^reloaded$')"
	wait $!
	configure '[delivery]' 'latency = 3ms' 'conect = 5s' '[log]' "target = $events"
	run systemctl reload mailsimd
	expect 'systemctl reload fails when the configuration is wrong' '1 *ailed*' "$status $said"
	expect '… the old one goes on, in the same process' "*simulated=0.001s* $pid" "$(ask gather a) $(main_pid)"
	expect '… and systemctl status says why' \
		"*Status: \"reload failed, nothing has changed: $conf:3: delivery.conect: *; accepting; pending=*" \
		"$(systemctl status --no-pager mailsimd)"
	journalctl --sync
	expect '… as the journal does, as an error' "*$conf:3: delivery.conect: *" \
		"$(journalctl --no-pager -o cat -p err -u mailsimd)"
	configure '[delivery]' 'latency = 3ms' '[clock]' 'scale = 2' '[log]' "target = $events"
	run systemctl reload mailsimd
	expect 'what cannot change is said, too' '*reload failed*clock.scale*' "$(property StatusText)"
	configure '[delivery]' 'latency = 3ms' '[log]' "target = $events"
	run systemctl reload mailsimd
	expect '… until a reload succeeds' '0 accepting; *' "$status $(property StatusText)"
}

check_restarts() {
	local pid restarts
	tune WatchdogSec=1s
	systemctl restart mailsimd
	pid=$(main_pid)
	kill -KILL "$pid"
	expect_soon 'killed, it is started again' '1 active' eval 'echo $(property NRestarts) $(property ActiveState)'
	expect '… as another process that answers' '+OK pong' "$(ask ping)"
	kill -STOP "$(main_pid)"
	expect_soon 'stopped, it is ended by the watchdog and started again' '2 active' \
		eval 'echo $(property NRestarts) $(property ActiveState)'
	restarts=$(count_said 'Watchdog timeout')
	configure '[delivery]' 'work = 60s' '[log]' "target = $events"
	systemctl restart mailsimd
	ask send hung >/dev/null 2>&1 &
	expect_soon '… and so it is with a loop that hangs' '1 active' \
		eval 'echo $(property NRestarts) $(property ActiveState)'
	wait $!
	expect '… as the journal says' "$((restarts + 1))" "$(count_said 'Watchdog timeout')"
	configure '[log]' "target = $events"
}

check_drain() {
	: >"$events"
	# it says itself how long it may take
	tune TimeoutStopSec=500ms
	systemctl restart mailsimd
	ask send 1..1000 id='drain-{n}' latency=1500ms >/dev/null
	systemctl stop --no-block mailsimd
	expect_soon 'systemctl stop drains, and the status text says so' 'draining; pending=1000 *' property StatusText
	expect_soon '… until it is done' 'inactive success' eval 'echo $(property ActiveState) $(property Result)'
	expect 'of 1,000 messages in flight none is lost' '1000 1000' \
		"$(count ' delivered id=drain-') $(grep -o 'delivered id=[^ ]*' "$events" | sort -u | wc -l)"
	journalctl --sync
	expect '… as the ledger says' \
		'*stopped accepted=1000 delivered=1000 bounced=0 * unfinished=0 cut_off=0 log_lost=0' \
		"$(journalctl --no-pager -o cat -u mailsimd | grep 'stopped accepted=' | tail -n 1)"
}

client() { # first last
	local i
	for ((i = $1; i <= $2; i++)); do
		run ask send "over-$i" latency=1ms
		[[ $status == 0 && $said == '+OK queued=1 '* ]] || echo "over-$i: $status $said" >>/run/refused
		echo "$i" >/run/at
	done
}

at_least() { # number
	[ "$(cat /run/at)" -ge "$1" ] && echo yes
}

check_restarts_under_load() {
	local restart
	rm -f /run/refused
	tune
	: >"$events"
	systemctl start mailsimd
	echo 0 >/run/at
	client 1 300 &
	for restart in 70 140 210; do
		expect_soon "a restart while clients ask, from request $restart on" yes at_least "$restart"
		systemctl restart mailsimd
	done
	wait $!
	expect '300 requests over three restarts, none refused' '' "$(cat /run/refused 2>/dev/null)"
	systemctl stop mailsimd
	expect '… and none lost' '300 300' \
		"$(count ' queued id=over-') $(grep -o ' delivered id=over-[^ ]*' "$events" | sort -u | wc -l)"
}

field() { # name match...
	journalctl --no-pager -o json --output-fields="$1" "${@:2}" | sed -n "s/.*\"$1\":\"\\([^\"]*\\)\".*/\\1/p" | tr '\n' ' '
}

check_journal() {
	configure '[log]' 'target = journal'
	systemctl restart mailsimd
	ask gather 7 to=bob@x.test latency=1ms >/dev/null
	ask gather 8 to=bob@x.test latency=1ms outcome=user_unknown >/dev/null
	# shellcheck disable=SC1003
	ask gather 'id="two\nlines"' latency=1ms >/dev/null
	journalctl --sync
	expect 'the story of one message is in the journal' \
		'*Z queued id=7 *'$'\n''*Z dispatched id=7 *'$'\n''*Z delivered id=7 *' \
		"$(journalctl --no-pager -o cat -u mailsimd MAILSIMD_ID=7)"
	expect '… one entry an event' 'queued dispatched delivered ' "$(field MAILSIMD_EVENT MAILSIMD_ID=7)"
	expect '… with its values' '1 1 1  bob@x.test bob@x.test bob@x.test ' \
		"$(field MAILSIMD_SEQ MAILSIMD_ID=7) $(field MAILSIMD_TO MAILSIMD_ID=7)"
	expect '… and those of the attempt' '250  2.0.0  0.001s ' \
		"$(field MAILSIMD_CODE MAILSIMD_ID=7) $(field MAILSIMD_DSN MAILSIMD_ID=7) $(field MAILSIMD_DELAY MAILSIMD_ID=7)"
	expect 'what bounced is a warning' '6 6 4 ' "$(field PRIORITY MAILSIMD_ID=8)"
	expect '… from mailsimd' 'mailsimd mailsimd mailsimd ' "$(field SYSLOG_IDENTIFIER MAILSIMD_ID=8)"
	expect '… of one kind' '45e749925f60477c894ba489e0ac8da7 *' "$(field MESSAGE_ID MAILSIMD_ID=8)"
	expect 'an id of two lines is one value' 3 \
		"$(journalctl --no-pager -o cat MAILSIMD_ID=$'two\nlines' | wc -l)"
	ask gather 1..5000 id='many-{n}' latency=1ms >/dev/null
	expect_soon 'no rate limit leaves any out' 5000 eval \
		'journalctl --sync; journalctl --no-pager -o cat -u mailsimd MAILSIMD_EVENT=delivered | grep -c id=many-'
	run env -u JOURNAL_STREAM mailsimd -o log.target=journal --stdio
	expect 'where there is no journal of ours, that is a configuration error' '78 *log.target: journal: *JOURNAL_STREAM*' "$status $said"
}

# Nobody else may need the journal while it stands still, systemctl least of all.
check_stuck_journal() {
	local journald
	journald=$(property MainPID systemd-journald.service)
	kill -STOP "$journald"
	ask send 1..2000 id='stuck-{n}' latency=1ms >/dev/null &
	expect 'a journal that is stuck holds nobody up' '+OK pong' "$(timeout 5 mailsimctl ping)"
	kill -CONT "$journald"
	wait $!
	expect_soon '… and gets everything later' 2000 eval \
		'journalctl --sync; journalctl --no-pager -o cat -u mailsimd MAILSIMD_EVENT=delivered | grep -c id=stuck-'
}

check_instances() {
	printf '%s\n' '[delivery]' 'latency = 5ms' >/etc/mailsimd/4026.ini
	configure '[delivery]' 'latency = 7ms'
	systemctl start mailsimd@4026.socket mailsimd@4027.socket
	expect 'an instance has its own configuration' '*simulated=0.005s' "$(ask -s localhost:4026 gather a)"
	expect '… or that of all' '*simulated=0.007s' "$(ask -s localhost:4027 gather a)"
	expect '… and its own Unix socket' '+OK pong' "$(ask -s unix:/run/mailsimd-4027.sock ping)"
	expect 'three run side by side, as three users' 3 "$(
		for unit in mailsimd mailsimd@4026 mailsimd@4027; do
			stat -c %u "/proc/$(property MainPID "$unit.service")"
		done | sort -u | wc -l)"
	printf '%s\n' '[delivery]' 'latency = 6ms' >/etc/mailsimd/4026.ini
	systemctl reload mailsimd@4026
	expect 'one is reloaded' '*simulated=0.006s' "$(ask -s localhost:4026 gather a)"
	printf '%s\n' '[delivery]' 'latency = 6' >/etc/mailsimd/4026.ini
	run systemctl reload mailsimd@4026
	expect '… or not' '1 reload failed*' "$status $(property StatusText mailsimd@4026)"
	systemctl stop mailsimd@4026.socket mailsimd@4026.service
	expect 'one is stopped, the others are not' '+OK pong +OK pong' "$(ask -s localhost:4027 ping) $(ask ping)"
	systemctl stop mailsimd@4027.socket mailsimd@4027.service
}

check_memory() {
	local group=/sys/fs/cgroup/system.slice/mailsimd.service
	configure '[log]' "target = $events"
	tune MemoryMax=64M
	systemctl restart mailsimd
	expect '100,000 messages are accepted, each by itself' 100000 "$(seq 100000 |
		sed 's/.*/send order-& to=user&@example.org latency=1h/' | mailsimctl | grep -c '^+OK queued=1 ')"
	expect '… and pending' '* sending=100000 *' "$(ask stats)"
	expect_at_most '… in 64 MB (VmHWM, KiB)' 65536 "$(of_process VmHWM | tr -dc 0-9)"
	if [ -e "$group/memory.peak" ]; then
		expect_at_most '… as the control group says (memory.peak)' 67108864 "$(cat "$group/memory.peak")"
	else
		say 'note: there is no memory controller here, so MemoryMax= limits nothing'
	fi
	ask cancel all >/dev/null
}

mkdir -p /etc/mailsimd
configure ''
tune
systemd-sysusers
for part in sockets smtp_socket status sandbox prisoner reload restarts drain restarts_under_load journal stuck_journal \
	instances memory; do
	"check_$part"
done
journalctl --sync
journalctl --no-pager >/out/journal 2>&1
finish
