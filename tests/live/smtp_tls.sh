#!/bin/bash
# STARTTLS and AUTH, with openssl's client as the peer and a certificate that is made here.
set -u
command -v openssl > /dev/null || { echo 'SKIPPED: there is no openssl here'; exit 77; }
dir=$(mktemp -d)
daemon=''
trap '[ -z "$daemon" ] || kill -9 "$daemon" 2> /dev/null; rm -rf "$dir"' EXIT
failed=0

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
	-keyout "$dir/key.pem" -out "$dir/cert.pem" 2> /dev/null || exit 1
printf '# who may\njoe:se:cret \n' > "$dir/users"

stop() {
	[ -n "$daemon" ] || return
	kill "$daemon"
	wait "$daemon" || { echo "FAILED: the daemon ended with $?"; failed=$((failed + 1)); }
	daemon=''
}

# Runs the daemon with these options and sets $port; false where it was built without TLS.
start() { # option...
	local option options=()
	stop
	for option in smtp.tls_cert="$dir/cert.pem" smtp.tls_key="$dir/key.pem" listen.line=none \
		listen.smtp=127.0.0.1:0 log.target=none smtp.hostname=mx.test "$@"; do
		options+=(-o "$option")
	done
	: > "$dir/err"
	"$MAILSIMD" "${options[@]}" 2> "$dir/err" &
	daemon=$!
	until grep -q ' ready ' "$dir/err"; do
		kill -0 "$daemon" 2> /dev/null || { daemon=''; return 1; }
		sleep 0.02
	done
	port=$(sed -n 's/.* smtp=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")
}

expect() { # what wanted got
	if [ "$2" = "$3" ]; then
		echo "ok: $1"
	else
		printf 'FAILED: %s\n--- wanted\n%s\n--- came\n%s\n' "$1" "$2" "$3"
		failed=$((failed + 1))
	fi
}

# Says these lines once TLS is there, and gives the last lines of the replies.
secure() { # line...
	printf '%s\r\n' "$@" | timeout 20 openssl s_client -starttls smtp -quiet \
		-connect "127.0.0.1:$port" 2> /dev/null | tr -d '\r' | sed '/^250-/d; /^$/d'
}

# The same in clear: one reply for each line.
plain() { # line...
	local line reply
	exec 3<> "/dev/tcp/127.0.0.1/$port" || return
	read -r -t 20 reply <&3
	for line in "$@"; do
		printf '%s\r\n' "$line" >&3
		while read -r -t 20 reply <&3 && [[ $reply == ???-* ]]; do :; done
		printf '%s\n' "${reply%$'\r'}"
	done
	exec 3>&-
}

code_of() {
	cut -d ' ' -f 1,2 | tr '\n' ',' | sed 's/,$//'
}

if ! start smtp.tls=optional; then
	grep -q 'without' "$dir/err" && { echo 'SKIPPED: built without TLS'; exit 77; }
	cat "$dir/err"
	exit 1
fi
expect "a mail by TLS" "250 DSN,250 2.1.0,250 2.1.5,354 End,250 2.0.0,221 2.0.0" \
	"$(secure 'EHLO x' 'MAIL FROM:<a@example.com>' 'RCPT TO:<b@example.org>' DATA . QUIT | code_of)"
expect "what was said before is forgotten" "503 5.5.1,221 2.0.0" \
	"$(secure 'MAIL FROM:<a@example.com>' QUIT | code_of)"
expect "TLS is spoken once" "250 DSN,503 5.5.1,221 2.0.0" \
	"$(secure 'EHLO x' STARTTLS QUIT | code_of)"
expect "optional is optional" "250 DSN,250 2.1.0" \
	"$(plain 'EHLO x' 'MAIL FROM:<a@example.com>' | code_of)"

start smtp.tls=required || exit 1
expect "nothing before it" "530 5.7.0,250 DSN,530 5.7.0,530 5.7.0,250 2.0.0,221 2.0.0" \
	"$(plain 'HELO x' 'EHLO x' 'MAIL FROM:<a@example.com>' 'AUTH PLAIN' NOOP QUIT | code_of)"
expect "everything after it" "250 DSN,250 2.1.0,221 2.0.0" \
	"$(secure 'EHLO x' 'MAIL FROM:<a@example.com>' QUIT | code_of)"

# \0joe\0se:cret<blank>, and with another password
good=$(printf '\0joe\0se:cret ' | base64) bad=$(printf '\0joe\0other' | base64)
start smtp.auth="$dir/users" || exit 1
expect "PLAIN of a file" "250 DSN,530 5.7.0,535 5.7.8,235 2.7.0,503 5.5.1,250 2.1.0" \
	"$(plain 'EHLO x' 'MAIL FROM:<>' "AUTH PLAIN $bad" "AUTH PLAIN $good" "AUTH PLAIN $good" \
		'MAIL FROM:<>' | code_of)"
expect "LOGIN of a file" "250 DSN,334 VXNlcm5hbWU6,334 UGFzc3dvcmQ6,235 2.7.0" \
	"$(plain 'EHLO x' 'AUTH LOGIN' "$(printf joe | base64)" "$(printf 'se:cret ' | base64)" |
		code_of)"
expect "an exchange that is cancelled" "250 DSN,334,501 5.7.0,250 2.0.0" \
	"$(plain 'EHLO x' 'AUTH PLAIN' '*' NOOP | sed 's/^334 $/334/' | code_of)"

start smtp.auth=any || exit 1
expect "anybody" "250 DSN,250 2.1.0,250 2.0.0,235 2.7.0,504 5.5.4" \
	"$(plain 'EHLO x' 'MAIL FROM:<>' RSET "AUTH PLAIN $bad" 'NOOP' | head -4 | code_of),$(
		plain 'EHLO x' 'AUTH CRAM-MD5' | tail -1 | code_of)"
stop

wrong() { # what option...
	local options=() option what=$1
	shift
	for option in "$@"; do
		options+=(-o "$option")
	done
	"$MAILSIMD" --check "${options[@]}" 2> "$dir/err"
	expect "$what is an error" 78 $?
}
wrong "TLS without a certificate" smtp.tls=optional
wrong "a key that is another's" smtp.tls=required smtp.tls_cert="$dir/cert.pem" \
	smtp.tls_key="$dir/cert.pem"
wrong "a file of users that is not there" smtp.auth="$dir/nobody"
exit "$failed"
