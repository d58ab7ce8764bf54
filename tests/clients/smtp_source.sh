#!/bin/bash
# Postfix's load generator smtp-source: sessions in parallel, one message each or all on one
# connection, by SMTP and LMTP.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs smtp-source openssl
start_daemon

# it looks for main.cf, and takes it empty
mkdir "$dir/conf"
: > "$dir/conf/main.cf"
export MAIL_CONFIG=$dir/conf

run 'a connection for each of 1000' smtp-source -s 10 -m 1000 -l 500 -f one@example.com \
	-t ann@example.org "$smtp"
logged 1000 ' queued .* from=one@example.com to=ann@example.org '
run '2000 on ten connections' smtp-source -d -s 10 -m 2000 -l 500 -f two@example.com \
	-t ann@example.org "$smtp"
logged 2000 ' queued .* from=two@example.com to=ann@example.org '
run 'five recipients each' smtp-source -s 3 -m 30 -r 5 -f three@example.com -t ann@example.org \
	"$smtp"
logged 150 ' queued .* from=three@example.com to=[0-9]*ann@example.org '
run 'by LMTP' smtp-source -L -d -s 5 -m 500 -l 10000 -f four@example.com -t ann@example.org \
	"unix:$lmtp"
logged 500 ' queued .* from=four@example.com to=ann@example.org '
all_delivered 3650
finish
