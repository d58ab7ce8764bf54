# shellcheck shell=bash
# What tests of SMTP clients share: a daemon that offers STARTTLS and AUTH on a free port and LMTP on
# a Unix socket, with a clock that jumps, and what its log must say. Its address is $smtp (HOST:PORT),
# $port, $lmtp (a path); the certificate $dir/cert.pem is for localhost and 127.0.0.1.
dir=$(mktemp -d)
daemon='' port='' failed=0 passed=0
trap 'stop_daemon; rm -rf "$dir"' EXIT
# nothing of the machine's own settings
export HOME=$dir
# shellcheck disable=SC2034 # for those who read this in
lmtp=$dir/lmtp

# A test of programs that are not here says which.
needs() { # program...
	local program
	for program; do
		if ! PATH=$PATH:/usr/sbin command -v "$program" > /dev/null; then
			echo "SKIPPED: $program is not installed"
			exit 77
		fi
	done
	PATH=$PATH:/usr/sbin
}

make_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost,IP:127.0.0.1 2> "$dir/openssl" ||
		{ cat "$dir/openssl"; exit 1; }
}

# start_daemon OPTION...: anew, with an empty log; the port stays what it was once.
start_daemon() {
	local args=() option
	[ -f "$dir/cert.pem" ] || make_certificate
	for option; do
		args+=(-o "$option")
	done
	rm -f "$dir/log" "$dir/err"
	"$MAILSIMD" -o "listen.line=unix:$dir/sock" -o "listen.smtp=127.0.0.1:${port:-0}" \
		-o "listen.lmtp=unix:$lmtp" -o log.target="$dir/log" -o clock.scale=max \
		-o random.seed=1 -o smtp.hostname=mx.example.test -o smtp.tls=optional \
		-o smtp.tls_cert="$dir/cert.pem" -o smtp.tls_key="$dir/key.pem" -o smtp.auth=any \
		"${args[@]}" 2> "$dir/err" &
	daemon=$!
	until grep -q ' ready ' "$dir/err" 2> /dev/null; do
		kill -0 $daemon 2> /dev/null || { cat "$dir/err"; exit 1; }
	done
	port=$(sed -n 's/.* smtp=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")
	# shellcheck disable=SC2034
	smtp=127.0.0.1:$port
}

# For the end of a script: in order, with a ledger that adds up, or not at all.
stop_daemon() {
	[ -z "$daemon" ] || { kill -9 "$daemon"; wait "$daemon"; } 2> /dev/null
	daemon=''
}

ask() {
	"$MAILSIMCTL" -s "unix:$dir/sock" "$@"
}

ok() { # what
	echo "ok: $1"
	passed=$((passed + 1))
}

fail() { # what
	echo "FAILED: $1"
	failed=$((failed + 1))
	[ ! -s "$dir/out" ] || sed 's/^/said: /' "$dir/out" | tail -n 40
	[ ! -s "$dir/log" ] || sed 's/^/log: /' "$dir/log" | tail -n 10
	[ ! -s "$dir/err" ] || sed 's/^/diagnostics: /' "$dir/err" | tail -n 5
}

# run WHAT COMMAND...: it must succeed, in twenty seconds; what it says is in $dir/out
run() {
	local what=$1
	shift
	if timeout 20 "$@" > "$dir/out" 2>&1; then
		ok "$what"
	else
		fail "$what: it ended with $?"
	fi
}

# run_failing WHAT COMMAND...: it must not
run_failing() {
	local what=$1
	shift
	if timeout 20 "$@" > "$dir/out" 2>&1; then
		fail "$what: it succeeded"
	else
		ok "$what"
	fi
}

said() { # what pattern
	if grep -qE -- "$2" "$dir/out"; then
		ok "$1"
	else
		fail "$1: it does not say $2"
	fi
}

# logged N PATTERN: so many lines of the log match. What has been answered has been logged.
logged() {
	local n
	n=$(grep -cE -- "$2" "$dir/log")
	if [ "$n" = "$1" ]; then
		ok "the log has $1 times $2"
	else
		fail "the log has $n times, and not $1 times, $2"
	fi
}

# all_delivered N: so many since the start, and no other messages
all_delivered() {
	local got
	got=$(ask wait all delivered="$1" timeout=15s)
	case $got in
	+OK\ *) ;;
	*) fail "$1 should be delivered: $got" ;;
	esac
	logged "$1" ' queued '
	logged "$1" ' delivered '
}

# The daemon's own end, and the sum.
finish() {
	kill -TERM "$daemon"
	wait "$daemon" || fail "the daemon ended with $?"
	daemon=''
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
