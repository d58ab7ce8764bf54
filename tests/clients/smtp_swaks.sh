#!/bin/bash
# swaks, the usual tool to try a server with: plain, pipelined, with STARTTLS and AUTH, by LMTP.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs swaks openssl
start_daemon

send() { # what option...
	local what=$1
	shift
	run "$what" swaks --server 127.0.0.1 --port "$port" --helo client.example \
		--from shop@example.com "$@"
}

send 'plain' --to ann@example.org --header 'X-Mailsim-Id: one'
logged 1 ' queued id=one seq=1 batch=1 from=shop@example.com to=ann@example.org size=[0-9]+$'
send 'three recipients' --to bob@example.org,carl@example.org,dora@example.org \
	--header 'X-Mailsim-Id: two'
logged 3 ' queued id=two seq=[234] batch=2 from=shop@example.com to=(bob|carl|dora)@example.org '
send 'pipelined' --to ann@example.org --pipeline --header 'X-Mailsim-Id: three'
logged 1 ' queued id=three '
send 'its own Message-ID' --to ann@example.org --header 'Message-Id: <four@client.example>'
logged 1 ' queued id=four@client.example '
if perl -MNet::SSLeay -e 1 2> /dev/null; then
	send 'STARTTLS' --tls --tls-ca-path "$dir/cert.pem" --to ann@example.org \
		--header 'X-Mailsim-Id: five'
	said 'it was encrypted' 'TLS started with cipher TLSv1\.3'
	logged 1 ' queued id=five '
	send 'STARTTLS and AUTH PLAIN' --tls --auth PLAIN --auth-user u --auth-password secret \
		--to ann@example.org --header 'X-Mailsim-Id: six'
	said 'it was let in' '^<~  235 2\.7\.0'
	logged 1 ' queued id=six '
else
	echo 'SKIPPED: STARTTLS: the Perl module Net::SSLeay is not installed'
	for id in five six; do
		send 'plain' --to ann@example.org --header "X-Mailsim-Id: $id"
	done
fi
send 'AUTH LOGIN' --auth LOGIN --auth-user u --auth-password secret --to ann@example.org
said 'it was let in' '235 2\.7\.0'
send 'the null reverse-path' --from '<>' --to ann@example.org --header 'X-Mailsim-Id: bounce'
logged 1 ' queued id=bounce .* (from="" )?to=ann@example.org '
send 'eight bits' --to ann@example.org --body $'gr\xc3\xbc\xdfe' --header 'X-Mailsim-Id: bits'
logged 1 ' queued id=bits '
run 'LMTP' swaks --protocol LMTP --socket "$lmtp" --from shop@example.com \
	--to ann@example.org,bob@example.org --header 'X-Mailsim-Id: lmtp'
logged 2 ' queued id=lmtp '
run_failing 'a recipient that is none' swaks --server 127.0.0.1 --port "$port" \
	--from shop@example.com --to 'a b@example.org'
said 'it was told so' '501 5\.1\.3'
all_delivered 13
finish
