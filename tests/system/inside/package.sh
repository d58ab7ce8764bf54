#!/bin/bash
# The life of the Debian package: installed into an image that does not run, installed, used, its log
# rotated, upgraded, removed, purged; and nothing is left. The clients use a mailsimctl of their own.
# shellcheck source=lib.sh
. /selftest/lib.sh
export DEBIAN_FRONTEND=noninteractive
ctl=/packages/mailsimctl
configuration=/etc/mailsimd/mailsimd.ini

# All files but what apt, dpkg, logrotate, logind and the journal write down of their work, and those
# of this test.
list_files() {
	find / -xdev \( -path /run -o -path /tmp -o -path /var/tmp -o -path '/var/*/apt' \
		-o -path /var/log/dpkg.log -o -path /var/lib/logrotate -o -path /var/lib/systemd/linger \
		-o -path /var/log/journal \) -prune -o -print | sort
}

apt_get() { # action argument...: prints its status, and what it says when that is not 0
	quietly apt-get --yes --option Dpkg::Options::=--force-confold "$@"
}

unit() { # property unit
	systemctl show --property "$1" --value "$2"
}

is_enabled() { # unit
	systemctl is-enabled "$1" 2>/dev/null
}

quietly() { # command...: prints its status, and what it says when that is not 0
	local said status=0
	said=$("$@" 2>&1) || status=$?
	echo "$status$([ "$status" = 0 ] || printf ' %s' "$said")"
}

# Sends one message after the other while a file is there; a line for each goes to FILE.sent, and what
# is answered to those that were not accepted to FILE.refused.
send_while_there() { # file address
	local said
	while [ -e "$1" ]; do
		said=$("$ctl" -s "$2" send latency=20ms 2>&1) || echo "$2: $said" >>"$1.refused"
		echo >>"$1.sent"
	done
}

count() { # file: lines
	grep -c '' "$1" 2>/dev/null || true
}

# Some more than there were.
expect_messages() { # what file
	local enough=$(($(count "$2.sent") + 10))
	expect_soon "$1" yes eval "[ \$(count '$2.sent') -gt $enough ] && echo yes"
}

# All that is logged of a service, the oldest first.
logged() { # folder
	local file
	printf '%s\n' "$1"/events.log* | sort -r | while read -r file; do
		gzip -cdf "$file"
	done
}

# any Debian has other units enabled, too, but what is booted here has not
mkdir -p /etc/systemd/system/{multi-user,sockets}.target.wants
touch /etc/systemd/system/{multi-user,sockets}.target.wants/other
list_files >/tmp/before

### into an image: no systemd runs there, only the link that enables the socket is made
mkdir /tmp/image
mount --bind / /tmp/image
expect 'installed into an image' 0 "$(quietly chroot /tmp/image dpkg --install /packages/old.deb)"
expect 'its socket is enabled' enabled "$(is_enabled mailsimd.socket)"
expect 'nothing runs' inactive "$(unit ActiveState mailsimd.socket)"
expect 'purged from the image' 0 "$(quietly chroot /tmp/image dpkg --purge mailsimd)"
umount /tmp/image
list_files >/tmp/after
expect 'nothing is left in the image' '' "$(diff /tmp/before /tmp/after)"

### installed: the socket listens, the first client starts the service
expect 'installed' 0 "$(apt_get install /packages/old.deb)"
expect 'the socket is enabled' enabled "$(is_enabled mailsimd.socket)"
expect 'the socket listens' active "$(unit ActiveState mailsimd.socket)"
expect 'the service is not enabled' disabled "$(is_enabled mailsimd.service)"
expect 'nor is the socket of SMTP' disabled "$(is_enabled mailsimd-smtp.socket)"
expect 'the service waits for a client' inactive "$(unit ActiveState mailsimd.service)"
expect 'the first client is answered' '+OK queued=1 ids=first *' "$("$ctl" send first latency=10ms)"
expect 'it has started the service' active "$(unit ActiveState mailsimd.service)"
expect 'its message is delivered' '+OK n=1 delivered=1 *' "$("$ctl" wait first timeout=20s)"
expect 'its events are in the log' '*queued id=first *delivered id=first *' \
	"$(cat /var/log/mailsimd/events.log)"
journalctl --sync
expect 'the daemon is in the journal' '*ready line=*' "$(journalctl -u mailsimd.service -o cat)"
expect 'events are not' '' "$(journalctl -u mailsimd.service -o cat | grep id=first)"
expect 'the Unix socket is for a group' 'mailsimd 660' "$(stat -c '%G %a' /run/mailsimd.sock)"
expect 'an instance has its sockets' 0 "$(quietly systemctl start mailsimd@4026.socket)"
expect 'its client is answered' '+OK *' "$("$ctl" -s 127.0.0.1:4026 send second latency=10ms)"
expect_soon 'it has a log of its own' '*delivered id=second *' cat /var/log/mailsimd-4026/events.log

### the log is rotated as logrotate.service would do it one day, while messages come and go
mkdir -p /run/systemd/system/logrotate.service.d
cat >/run/systemd/system/logrotate.service.d/force.conf <<'UNIT'
[Service]
ExecStart=
ExecStart=/usr/sbin/logrotate --force /etc/logrotate.d/mailsimd
UNIT
systemctl daemon-reload
touch /tmp/rotation
send_while_there /tmp/rotation 127.0.0.1:4025 &
"$ctl" send 1..50000 latency=20ms rate=20000/s >/tmp/many &
for turn in 1 2 3; do
	expect "rotation $turn" 0 "$(quietly systemctl start logrotate.service)"
	expect_soon 'the daemons have made new logs' '*/mailsimd-4026/* */mailsimd/*' \
		eval 'ls /var/log/mailsimd{-4026,}/events.log | xargs'
	"$ctl" -s 127.0.0.1:4026 gather "instance-$turn" latency=10ms >/dev/null
	expect_messages 'messages go on' /tmp/rotation
done
rm /tmp/rotation
wait
expect_soon 'all is over' '* waiting=0 sending=0 deferred=0 *' "$ctl" stats
sent=$(($(count /tmp/rotation.sent) + 50001))
expect 'all were accepted and delivered' "+OK accepted=$sent * delivered=$sent *" "$("$ctl" stats)"
logged /var/log/mailsimd >/tmp/logged
for event in queued dispatched delivered; do
	expect "each has its line: $event" "$sent $sent" "$(grep -c " $event " /tmp/logged) $(
		grep " $event " /tmp/logged | grep -o ' seq=[0-9]*' | sort -u | wc -l)"
done
expect 'the lines are in their order' 0 "$(quietly sort -c -s -k 1,1 /tmp/logged)"
expect 'the instance has lost none' 4 "$(logged /var/log/mailsimd-4026 | grep -c ' delivered ')"
expect 'what is old is compressed' 'events.log events.log.1 events.log.2.gz events.log.3.gz' \
	"$(cd /var/log/mailsimd && echo *)"
expect 'and as private as before' '640 640 640 640' "$(stat -c %a /var/log/mailsimd/* | xargs)"
expect 'and not of root' '' "$(find /var/log/private/mailsimd* -user root)"

### upgraded: the service is another, its socket the same, clients wait, and what was changed stays
echo '; a change of mine' >>$configuration
run=$(unit InvocationID mailsimd.service)
instance_run=$(unit InvocationID mailsimd@4026.service)
socket=$(unit InvocationID mailsimd.socket)
touch /tmp/upgrade
send_while_there /tmp/upgrade 127.0.0.1:4025 &
send_while_there /tmp/upgrade unix:/run/mailsimd.sock &
expect 'upgraded' 0 "$(apt_get install --reinstall /packages/new.deb)"
expect 'the next version is there' '*+next' "$(dpkg-query --show --showformat '${Version}' mailsimd)"
expect_messages 'messages go on' /tmp/upgrade
rm /tmp/upgrade
wait
expect 'no message was refused' '' "$(cat /tmp/*.refused 2>/dev/null)"
expect 'the services run' 'active active' \
	"$(unit ActiveState mailsimd.service) $(unit ActiveState mailsimd@4026.service)"
expect 'the service is another' "!($run)" "$(unit InvocationID mailsimd.service)"
expect 'so is the instance' "!($instance_run)" "$(unit InvocationID mailsimd@4026.service)"
expect 'the socket has not been closed' "$socket" "$(unit InvocationID mailsimd.socket)"
expect 'the changed configuration is kept' '*; a change of mine' "$(cat $configuration)"
expect 'the new one lies beside it' '*; a comment of the next version' "$(cat $configuration.dpkg-dist)"

### what the administrator has stopped or disabled, an upgrade leaves so
systemctl stop mailsimd.service 2>/dev/null
expect 'upgraded with the service stopped' 0 "$(apt_get install --reinstall /packages/new.deb)"
expect 'it waits for a client as before' 'active inactive' \
	"$(unit ActiveState mailsimd.socket) $(unit ActiveState mailsimd.service)"
systemctl disable --now mailsimd.socket 2>/dev/null
expect 'upgraded with the socket disabled' 0 "$(apt_get install --reinstall /packages/new.deb)"
expect 'it is disabled and stopped as before' 'disabled inactive' \
	"$(is_enabled mailsimd.socket) $(unit ActiveState mailsimd.socket)"

### removed: nothing runs, but the configuration, the state and the log are there
systemctl stop mailsimd.service
systemctl enable --now mailsimd-smtp.socket mailsimd.service mailsimd@4026.service 2>/dev/null
expect 'the administrator has enabled all' 'active active' \
	"$(unit ActiveState mailsimd.service) $(unit ActiveState mailsimd@4026.service)"
expect 'and SMTP' active "$(unit ActiveState mailsimd-smtp.socket)"
expect 'removed' 0 "$(apt_get remove mailsimd)"
for name in mailsimd.socket mailsimd-smtp.socket mailsimd.service mailsimd@4026.socket mailsimd@4026.service; do
	expect "$name is gone" inactive "$(unit ActiveState $name)"
done
expect 'no daemon runs' '' "$(grep -l '^mailsimd$' /proc/[0-9]*/comm 2>/dev/null)"
expect 'the configuration is still there' '*; a change of mine' "$(cat $configuration)"
expect 'so is the log' '*delivered*' "$(logged /var/log/mailsimd)"
expect 'installed again' 0 "$(apt_get install --reinstall /packages/new.deb)"
expect 'with the configuration there was' '*; a change of mine' "$(cat $configuration)"
expect 'and the sockets' active "$(unit ActiveState mailsimd.socket)"

### purged: nothing is left
expect 'purged' 0 "$(apt_get purge mailsimd)"
list_files >/tmp/after
expect 'nothing is left' '' "$(diff /tmp/before /tmp/after)"
expect 'nothing has failed' '' "$(systemctl --failed --plain --no-legend)"
finish
