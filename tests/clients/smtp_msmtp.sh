#!/bin/bash
# msmtp, the sendmail of many a container: plain, with STARTTLS and AUTH, by LMTP, with DSN.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs msmtp openssl
start_daemon "listen.lmtp=127.0.0.1:0"
lmtp_port=$(sed -n 's/.* lmtp=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")

printf 'From: shop@example.com\nTo: ann@example.org\nSubject: hello\n\n.\ntext\n' > "$dir/mail"
send() { # what option...
	local what=$1
	shift
	run "$what" sh -c 'msmtp "$@" < "$0"' "$dir/mail" --file=/dev/null --host=localhost \
		--port="$port" --from=shop@example.com "$@"
}

send 'plain' ann@example.org
logged 1 ' queued id=[^ ]+ seq=1 batch=1 from=shop@example.com to=ann@example.org '
send 'three recipients' bob@example.org carl@example.org dora@example.org
logged 3 ' queued .* batch=2 from=shop@example.com to=(bob|carl|dora)@example.org '
send 'STARTTLS' --tls=on --tls-starttls=on --tls-trust-file="$dir/cert.pem" tls@example.org
logged 1 ' queued .* to=tls@example.org '
for mechanism in plain login; do
	send "STARTTLS and AUTH $mechanism" --tls=on --tls-starttls=on \
		--tls-trust-file="$dir/cert.pem" --auth=$mechanism --user=joe \
		--passwordeval='echo secret' "$mechanism@example.org"
	logged 1 " queued .* to=$mechanism@example.org "
done
send 'DSN' --dsn-notify=success,failure --dsn-return=headers dsn@example.org
logged 1 ' queued .* to=dsn@example.org '
send 'recipients of the header' --read-recipients
logged 2 ' queued .* to=ann@example.org '
send 'LMTP' --protocol=lmtp --port="$lmtp_port" one@example.org two@example.org
logged 2 ' queued .* from=shop@example.com to=(one|two)@example.org '
run 'it sees what is offered' msmtp --file=/dev/null --host=localhost --port="$port" --serverinfo
said 'SIZE' 'SIZE 33554432'
said 'PIPELINING' 'PIPELINING'
said 'STARTTLS' 'STARTTLS'
said 'AUTH' 'PLAIN LOGIN'
all_delivered 11
finish
