#!/bin/bash
# Programs that nobody here wrote, against one daemon: each must get every answer, however it ends
# its input. Programs that are not installed are skipped and named.
set -u
dir=$(mktemp -d)
"$MAILSIMD" -o "listen.line=localhost:0 unix:$dir/sock" -o delivery.latency=100ms \
	-o log.target="$dir/log" 2> "$dir/err" &
daemon=$!
trap 'kill -9 $daemon 2>/dev/null; rm -rf "$dir"' EXIT

until grep -q ' ready ' "$dir/err"; do
	kill -0 $daemon 2>/dev/null || { cat "$dir/err"; exit 1; }
done
port=$(sed -n 's/.* line=127\.0\.0\.1:\([0-9]*\).*/\1/p' "$dir/err")

expected='* 0 delivered code=250 dsn=2.0.0 attempts=1 delay=0.100s
* 1 delivered code=250 dsn=2.0.0 attempts=1 delay=0.100s
* 2 delivered code=250 dsn=2.0.0 attempts=1 delay=0.100s
+OK n=3 delivered=3 bounced=0 expired=0 dropped=0 cancelled=0 attempts=3'
failed=0 passed=0

# check NAME PROGRAM COMMAND...: the command is given `gather 0..2` and must print the answer
check() {
	local name=$1 program=$2 got
	shift 2
	if ! command -v "$program" > /dev/null; then
		echo "SKIPPED: $name: $program is not installed"
		return
	fi
	got=$(printf 'gather 0..2\n' | timeout 20 "$@" 2>&1 | sed 's/ elapsed=.*//')
	if [ "$got" = "$expected" ]; then
		echo "ok: $name"
		passed=$((passed + 1))
	else
		printf 'FAILED: %s: %s\n' "$name" "$got"
		failed=$((failed + 1))
	fi
}

# shellcheck disable=SC2016 # it is for another shell
by_shell='
exec 3<> "/dev/tcp/127.0.0.1/$0"
cat >&3
while read -r line <&3; do
	printf "%s\n" "$line"
	case $line in [+-]*) break ;; esac
done'

check "nc -N" nc nc -N 127.0.0.1 "$port"
check "nc -N, IPv6" nc nc -N ::1 "$port"
check "nc -N -U" nc nc -N -U "$dir/sock"
check "nc -N -w 5" nc nc -N -w 5 127.0.0.1 "$port"
check "ncat" ncat ncat 127.0.0.1 "$port"
check "ncat -U" ncat ncat -U "$dir/sock"
check "socat" socat socat -t 5 - "TCP:127.0.0.1:$port"
check "socat, Unix" socat socat -t 5 - "UNIX-CONNECT:$dir/sock"
check "bash /dev/tcp" bash bash -c "$by_shell" "$port"
check "mailsimctl < input" "$MAILSIMCTL" "$MAILSIMCTL" -s "localhost:$port"
check "mailsimctl with arguments" "$MAILSIMCTL" "$MAILSIMCTL" -s "unix:$dir/sock" gather 0..2
check "python" python3 python3 -c '
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
s.sendall(sys.stdin.buffer.read())
s.shutdown(socket.SHUT_WR)
sys.stdout.write(s.makefile().read())' "$port"

# a client that never half-closes (as nc without -N): quit makes the other side do so
exec 3<> "/dev/tcp/127.0.0.1/$port"
printf 'ping\nquit\n' >&3
got=$(timeout 20 cat <&3 | tr '\n' '|')
exec 3<&-
if [ "$got" = '+OK pong|+OK bye|' ]; then
	echo "ok: quit ends the connection"
	passed=$((passed + 1))
else
	echo "FAILED: quit: $got"
	failed=$((failed + 1))
fi

sent=$(grep -c ' queued ' "$dir/log") done=$(grep -c ' delivered ' "$dir/log")
if [ "$sent" != "$done" ] || [ "$sent" = 0 ]; then
	echo "FAILED: the log has $sent queued and $done delivered"
	failed=$((failed + 1))
fi
kill -TERM $daemon
wait $daemon || { echo "FAILED: the daemon ended with $?"; failed=$((failed + 1)); }
echo "$passed passed, $failed failed"
exit $failed
