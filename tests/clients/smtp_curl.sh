#!/bin/bash
# curl: one command line is a session; several messages on one connection, TLS required, AUTH.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs curl openssl
curl --version | grep -q '^Protocols:.* smtp ' || { echo 'SKIPPED: curl here knows no smtp'; exit 77; }
start_daemon

printf 'Message-ID: <curl-1@client.example>\r\nSubject: one\r\n\r\n.\r\n..\r\ntext\r\n' > "$dir/mail"
send() { # what option...
	local what=$1
	shift
	run "$what" curl --silent --show-error --verbose --mail-from shop@example.com \
		--upload-file "$dir/mail" "$@"
}

send 'plain' "smtp://$smtp/client.example" --mail-rcpt ann@example.org
logged 1 ' queued id=curl-1@client.example seq=1 batch=1 from=shop@example.com to=ann@example.org '
size=$(sed -n 's/.* queued .* size=\([0-9]*\)$/\1/p' "$dir/log")
if [ "$size" = "$(wc -c < "$dir/mail")" ]; then
	ok 'the size is that of the file: dots were doubled on the way only'
else
	fail "the size is $size instead of $(wc -c < "$dir/mail")"
fi
send 'two recipients' "smtp://$smtp/client.example" --mail-rcpt bob@example.org \
	--mail-rcpt carl@example.org
logged 2 ' batch=2 from=shop@example.com to=(bob|carl)@example.org .* dup_of=1$'
send 'TLS required' "smtp://localhost:$port/client.example" --ssl-reqd --cacert "$dir/cert.pem" \
	--mail-rcpt tls@example.org
said 'it was encrypted' 'SSL connection using TLSv1\.3'
send 'TLS required, and AUTH PLAIN' "smtp://localhost:$port/client.example" --ssl-reqd \
	--cacert "$dir/cert.pem" --user joe:secret --login-options AUTH=PLAIN \
	--mail-rcpt plain@example.org
said 'it was let in' '^< 235 2\.7\.0'
send 'AUTH LOGIN' "smtp://$smtp/client.example" --user joe:secret --login-options AUTH=LOGIN \
	--mail-rcpt login@example.org
said 'it was let in' '^< 235 2\.7\.0'
run 'three messages on one connection' curl --silent --show-error --verbose \
	--mail-from a@example.com --mail-rcpt one@example.org -T "$dir/mail" "smtp://$smtp" \
	--next --silent --show-error \
	--mail-from a@example.com --mail-rcpt two@example.org -T "$dir/mail" "smtp://$smtp" \
	--next --silent --show-error \
	--mail-from a@example.com --mail-rcpt three@example.org -T "$dir/mail" "smtp://$smtp"
logged 3 ' queued .* from=a@example.com to=(one|two|three)@example.org '
run 'an address beyond ASCII' env LC_ALL=C.UTF-8 curl --silent --show-error \
	--mail-from shop@example.com --mail-rcpt 'jürgen@example.org' -T "$dir/mail" \
	"smtp://$smtp/client.example"
logged 1 ' queued .* to=jürgen@example.org '
head -c 40000000 /dev/zero | tr '\0' 'x' | fold -w 76 > "$dir/big"
run_failing 'too big' curl --silent --show-error --verbose --mail-from shop@example.com \
	--mail-rcpt ann@example.org -T "$dir/big" "smtp://$smtp/client.example"
said 'it was told so before it sent it' '^< 552 5\.3\.4'
ask rule to=refused@example.org outcome=user_unknown > "$dir/out"
send 'in queue mode nobody is refused' "smtp://$smtp/client.example" \
	--mail-rcpt refused@example.org
ask wait to=refused@example.org bounced=1 timeout=15s > "$dir/out" || fail 'it has not bounced'
logged 1 ' bounced .* outcome=user_unknown stage=rcpt code=550 '
logged 10 ' delivered '
finish
