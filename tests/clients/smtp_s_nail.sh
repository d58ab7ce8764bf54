#!/bin/bash
# s-nail, mail(1) of Debian and others, straight to a server: plain, with STARTTLS and AUTH.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs s-nail openssl
start_daemon

send() { # what option...
	local what=$1
	shift
	run "$what" sh -c 'printf "text\n.\nmore\n" | s-nail "$@"' s-nail -:/ -Sv15-compat -Ssendwait \
		-Snosave -Sfrom=shop@example.com -Shostname=client.example "$@"
}

send 'plain' -Smta="smtp://$smtp" -Ssmtp-auth=none -s hello ann@example.org
logged 1 ' queued id=[^ ]+ seq=1 batch=1 from=shop@example.com to=ann@example.org size=[0-9]+$'
send 'two recipients and a copy' -Smta="smtp://$smtp" -Ssmtp-auth=none -s hello \
	-c carl@example.org ann@example.org bob@example.org
logged 3 ' queued .* batch=2 from=shop@example.com to=(ann|bob|carl)@example.org '
send 'STARTTLS' -Smta="smtp://localhost:$port" -Ssmtp-auth=none -Ssmtp-use-starttls \
	-Stls-ca-file="$dir/cert.pem" -Stls-verify=strict -s hello tls@example.org
logged 1 ' queued .* to=tls@example.org '
for mechanism in plain login; do
	send "STARTTLS and AUTH $mechanism" -Smta="smtp://joe:secret@localhost:$port" \
		-Ssmtp-auth="$mechanism" -Ssmtp-use-starttls \
		-Stls-ca-file="$dir/cert.pem" \
		-Stls-verify=strict -s hello "$mechanism@example.org"
	logged 1 " queued .* to=$mechanism@example.org "
done
all_delivered 7
finish
