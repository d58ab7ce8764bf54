#!/bin/bash
# Python's smtplib, which most applications of that language send with: see smtp_smtplib.py.
set -u
# shellcheck source=tests/clients/lib_smtp.sh
. "$(dirname "$0")/lib_smtp.sh"
needs python3 openssl
export PYTHONDONTWRITEBYTECODE=1
here=$(dirname "$0")

start_daemon
run 'all that it can do' python3 "$here/smtp_smtplib.py" queue "$port" "$lmtp" "$dir/cert.pem"
cat "$dir/out"
logged 1 ' queued id=one@client.example seq=1 batch=1 from=shop@example.com to=ann@example.org '
logged 3 ' queued id=order-2 .* batch=2 from=shop@example.com to=(ann|bob|carl)@example.org '
logged 1 ' queued id=order.3 .* from=shop@example.com to=dsn@example.org '
logged 1 ' queued .* from=jürgen@example.com to=пётр@example.org '
logged 1 ' queued .* to=tls@example.org '
logged 1 ' queued .* to=auth@example.org '
logged 2 ' queued .* to=lmtp[12]@example.org '
logged 1000 ' queued .* from=many@example.com to=user[0-9]+@example.org '
logged 0 'smuggled'
logged 1 ' queued .* to=big@example.org size=5071459'
all_delivered 1011
stop_daemon

start_daemon smtp.timeout=500ms
run 'a handshake that hangs' python3 "$here/smtp_smtplib.py" hang "$port" "$lmtp" "$dir/cert.pem"
cat "$dir/out"
logged 0 ' queued '
stop_daemon

start_daemon smtp.tls=required
run 'TLS is required' python3 "$here/smtp_smtplib.py" require "$port" "$lmtp" "$dir/cert.pem"
cat "$dir/out"
all_delivered 1
stop_daemon

# as a mock of the receiving server
start_daemon smtp.mode=inband delivery.latency=0s
run 'what is refused' python3 "$here/smtp_smtplib.py" inband "$port" "$lmtp" "$dir/cert.pem"
cat "$dir/out"
logged 1 ' rejected from=shop@example.com to=user_unknown@example.org '
finish
