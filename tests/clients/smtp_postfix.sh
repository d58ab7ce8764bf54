#!/bin/bash
# A real Postfix as relay, with a configuration and a queue of its own on loopback: what is given to
# it drains into mailsimd, meets 421 and 451 there, waits in its queue, and drains again.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs postfix smtp-source openssl
[ "$(id -u)" = 0 ] || { echo 'SKIPPED: only root can start a Postfix'; exit 77; }
programs=$(postconf -dh daemon_directory)
relay=''
trap 'stop_relay; stop_daemon; rm -rf "$dir"' EXIT

# Its processes end with it, since it leads their group, but a little later.
stop_relay() {
	[ -n "$relay" ] || return 0
	{ kill -TERM "$relay"; wait "$relay"; } 2> /dev/null
	for _ in $(seq 100); do
		kill -0 -- "-$relay" 2> /dev/null || break
		sleep 0.05
	done
	relay=''
}

free_port() {
	local candidate
	while :; do
		candidate=$((20000 + RANDOM % 10000))
		(exec 3<> "/dev/tcp/127.0.0.1/$candidate") 2> /dev/null || break
	done
	echo $candidate
}

# With these settings, too. Its processes are another user's.
start_relay() { # KEY = VALUE...
	chmod 755 "$dir"
	mkdir -p "$dir/conf" "$dir/queue" "$dir/data"
	chown postfix "$dir/data"
	relay_port=$(free_port)
	cat > "$dir/conf/main.cf" <<-EOF
		compatibility_level = 3.6
		queue_directory = $dir/queue
		data_directory = $dir/data
		maillog_file = $dir/maillog
		maillog_file_prefixes = $dir
		inet_interfaces = 127.0.0.1
		inet_protocols = ipv4
		myhostname = relay.example
		mydestination =
		mynetworks = 127.0.0.0/8
		local_recipient_maps =
		alias_maps =
		alias_database =
		relayhost = [127.0.0.1]:$port
		smtp_tls_security_level = may
		smtp_tls_loglevel = 1
		smtp_dns_support_level = disabled
		default_destination_concurrency_limit = 5
		smtp_destination_concurrency_failed_cohort_limit = 0
		minimal_backoff_time = 1s
		maximal_backoff_time = 1s
		queue_run_delay = 1s
		transport_retry_time = 1s
		smtp_connection_cache_on_demand = no
	EOF
	# A key that is there twice would be warned of by each of its processes, and the one that logs
	# waits for itself when there are many warnings.
	[ $# = 0 ] || postconf -c "$dir/conf" -e "$@"
	cat > "$dir/conf/master.cf" <<-EOF
		127.0.0.1:$relay_port inet n - n - - smtpd
		pickup    unix  n       -       n       60      1       pickup
		cleanup   unix  n       -       n       -       0       cleanup
		qmgr      unix  n       -       n       300     1       qmgr
		tlsmgr    unix  -       -       n       1000?   1       tlsmgr
		rewrite   unix  -       -       n       -       -       trivial-rewrite
		bounce    unix  -       -       n       -       0       bounce
		defer     unix  -       -       n       -       0       bounce
		trace     unix  -       -       n       -       0       bounce
		flush     unix  n       -       n       1000?   0       flush
		proxymap  unix  -       -       n       -       -       proxymap
		smtp      unix  -       -       n       -       -       smtp
		relay     unix  -       -       n       -       -       smtp
		showq     unix  n       -       n       -       -       showq
		error     unix  -       -       n       -       -       error
		retry     unix  -       -       n       -       -       error
		discard   unix  -       -       n       -       -       discard
		anvil     unix  -       -       n       -       1       anvil
		scache    unix  -       -       n       -       1       scache
		postlog   unix-dgram n  -       n       -       1       postlogd
	EOF
	postfix -c "$dir/conf" check > "$dir/out" 2>&1 || fail 'its own check'
	setsid "$programs/master" -c "$dir/conf" -d > "$dir/master" 2>&1 &
	relay=$!
	until (exec 3<> "/dev/tcp/127.0.0.1/$relay_port") 2> /dev/null; do
		kill -0 $relay 2> /dev/null || { cat "$dir/master" "$dir/maillog"; exit 1; }
	done
}

# give N SENDER: to the relay
give() {
	run "the relay takes $1 messages" env MAIL_CONFIG="$dir/conf" smtp-source -s 4 -m "$1" -l 1000 \
		-f "$2" -t ann@example.org "127.0.0.1:$relay_port"
}

# drained N: so many have come, and the relay has nothing left. What its queue manager sees while it
# is still being deferred is put off for a minute, unless it is asked to try all of it.
drained() {
	local got left
	for _ in $(seq 30); do
		got=$(ask wait all delivered="$1" timeout=1s) && break
		postqueue -c "$dir/conf" -f
	done
	[[ $got == +OK* ]] || { tail -n 5 "$dir/maillog"; fail "$1 should have come: $got"; }
	for _ in $(seq 200); do
		left=$(find "$dir/queue/"{incoming,active,deferred,maildrop} -type f | wc -l)
		[ "$left" = 0 ] && break
		sleep 0.05
	done
	if [ "$left" = 0 ]; then
		ok 'its queue is empty'
	else
		fail "its queue has $left messages"
	fi
}

start_daemon
start_relay
give 50 plain@example.com
drained 50
logged 50 ' queued id=[^ ]+ .* from=plain@example.com to=ann@example.org '
if grep -q 'TLS connection established to 127.0.0.1' "$dir/maillog"; then
	ok 'it came by STARTTLS'
else
	fail 'there was no TLS'
fi

# nobody there: it keeps them; then errors at three stages, and all of them come nevertheless, once
stop_daemon
give 50 later@example.com
until [ "$(grep -c 'status=deferred.*Connection refused' "$dir/maillog")" -ge 50 ]; do
	sleep 0.05
done
start_daemon 'smtp mail.fail=20% 421 4.3.2 too busy' 'smtp rcpt.fail=20% 451 4.7.1 come again later' \
	'smtp eom.fail=10% 451 4.3.0 not now'
drained 50
logged 50 ' queued .* from=later@example.com '
logged 50 ' delivered '
for code in '421 4\.3\.2 too busy' '451 4\.7\.1 come again later' '451 4\.3\.0 not now'; do
	n=$(grep -c "status=deferred.*$code" "$dir/maillog")
	if [ "$n" -gt 0 ]; then
		ok "it was deferred $n times with $code"
	else
		fail "it was never told $code"
	fi
done
stop_daemon

# as a receiving server that greylists
start_daemon smtp.mode=inband delivery.latency=0s delivery.outcome=greylisted:2
give 20 grey@example.com
drained 20
logged 40 ' rejected from=grey@example.com to=ann@example.org .* outcome=greylisted stage=rcpt code=451 '
stop_relay
stop_daemon

# as a server that wants TLS, with a certificate that is checked, and a name and password
if ! compgen -G '/usr/lib/*/sasl2/libplain.so' > /dev/null; then
	echo 'SKIPPED: this Postfix has no SASL plugins to authenticate with (libsasl2-modules)'
	[ "$failed" = 0 ] || exit 1
	exit 77
fi
login='relay@example.com:a: b c'
echo "$login" > "$dir/users"
printf '%s\n' "wrong@example.com $login, wrong" "[localhost]:$port $login" > "$dir/passwords"
for mechanism in plain login; do
	stop_daemon
	start_daemon smtp.tls=required smtp.auth="$dir/users"
	rm -f "$dir/maillog"
	start_relay "relayhost = [localhost]:$port" 'smtp_tls_security_level = secure' \
		"smtp_tls_CAfile = $dir/cert.pem" 'smtp_tls_secure_cert_match = hostname' \
		'smtp_sasl_auth_enable = yes' "smtp_sasl_password_maps = texthash:$dir/passwords" \
		'smtp_sender_dependent_authentication = yes' 'smtp_sasl_security_options = noanonymous' \
		"smtp_sasl_mechanism_filter = $mechanism"
	give 20 "$mechanism@example.com"
	drained 20
	logged 20 " queued .* from=$mechanism@example.com "
	if grep -q 'Verified TLS connection established to localhost' "$dir/maillog"; then
		ok 'the certificate was found to be right'
	else
		fail 'the certificate was not checked'
	fi
	give 1 wrong@example.com
	until grep -q 'SASL authentication failed.* 535 5\.7\.8 ' "$dir/maillog"; do
		! grep -q from=wrong@example.com "$dir/log" || break
		sleep 0.05
	done
	logged 0 from=wrong@example.com
	stop_relay
	postsuper -c "$dir/conf" -d ALL 2> /dev/null
done
finish
