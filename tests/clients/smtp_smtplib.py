"""What smtp_smtplib.sh runs: smtp_smtplib.py queue|inband PORT LMTP-SOCKET CERTIFICATE"""
import smtplib
import socket
import ssl
import sys
from email.message import EmailMessage

mode, port, lmtp, certificate = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]


def message(to, **headers):
    m = EmailMessage()
    m["From"], m["To"], m["Subject"] = "shop@example.com", to, "hello"
    for name, value in headers.items():
        m[name.replace("_", "-")] = value
    m.set_content("text\n.\n..\nmore\n")
    return m


def session():
    return smtplib.SMTP("localhost", port, local_hostname="client.example", timeout=10)


def context():
    return ssl.create_default_context(cafile=certificate)


def check(what, condition):
    print("ok:" if condition else "FAILED:", what)
    if not condition:
        sys.exit(1)


def send_all():
    with session() as s:
        check("send_message", s.send_message(message(
            "ann@example.org", Message_ID="<one@client.example>")) == {})
        check("three recipients", s.send_message(message(
            "ann@example.org, bob@example.org, carl@example.org", X_Mailsim_Id="order-2")) == {})
        check("extensions", all(s.has_extn(name) for name in (
            "pipelining", "size", "8bitmime", "enhancedstatuscodes", "smtputf8", "dsn",
            "starttls", "auth")))
        check("DSN", s.sendmail("shop@example.com", ["dsn@example.org"], "Subject: x\n\ny\n",
                                ["ENVID=order.3", "RET=HDRS"], ["NOTIFY=SUCCESS,DELAY"]) == {})
        check("SMTPUTF8", s.sendmail("jürgen@example.com", ["пётр@example.org"],
                                     "Subject: x\n\ny\n", ["SMTPUTF8"]) == {})
        check("verify", s.verify("ann@example.org")[0] == 252)
        check("help", s.docmd("HELP")[0] == 214)
        check("noop, rset", s.noop()[0] == 250 and s.rset()[0] == 250)
    with session() as s:
        check("starttls", s.starttls(context=context())[0] == 220)
        s.ehlo()
        check("no second STARTTLS", not s.has_extn("starttls"))
        check("encrypted", s.send_message(message("tls@example.org")) == {})
        check("five megabytes of it", s.sendmail("shop@example.com", ["big@example.org"],
                                                 "x" * 69 + "\n" + ("y" * 69 + "\n") * 71428) == {})
    with session() as s:
        s.starttls(context=context())
        check("login", s.login("joe", "secret")[0] == 235)
        check("let in", s.send_message(message("auth@example.org")) == {})
    with smtplib.LMTP(lmtp) as s:
        check("LMTP", s.sendmail("shop@example.com", ["lmtp1@example.org"], "Subject: x\n\ny\n")
              == {})
        check("LMTP again", s.sendmail("shop@example.com", ["lmtp2@example.org"], "y\n") == {})
    with session() as s:
        for i in range(1000):
            s.sendmail("many@example.com", [f"user{i}@example.org"], "Subject: x\n\ny\n")
        check("a thousand on one connection", True)
    inject()


def inject():
    """What came before STARTTLS, in the same packet, is never executed, nor is it answered."""
    for tail in (b"NOOP\r\n", b"MAIL FROM:<smuggled@example.com>\r\nRCPT TO:<b@example.org>\r\n"
                 b"DATA\r\nsmuggled\r\n.\r\n", b"EHLO smuggled", b"MAIL FROM:<smuggled@"):
        with socket.create_connection(("localhost", port), timeout=10) as raw:
            replies = raw.makefile("rb")
            replies.readline()
            raw.sendall(b"EHLO client.example\r\n")
            while replies.readline()[3:4] == b"-":
                pass
            raw.sendall(b"STARTTLS\r\n" + tail)
            line = replies.readline()
            if not line.startswith(b"220"):
                check(f"commands behind STARTTLS are refused: {line!r}", line[:1] in (b"", b"5"))
                continue
            try:
                with context().wrap_socket(raw, server_hostname="localhost") as s:
                    # no other command has this answer
                    replies = s.makefile("rb")
                    s.sendall(b"HELP QUIT\r\nQUIT\r\n")
                    got = [line[:3] for line in replies]
                    check(f"only what is encrypted is answered: {got}",
                          got == [b"214", b"214", b"221"])
            except (ssl.SSLError, ConnectionError) as e:
                # the rest was taken for a handshake, which it is not
                check(f"there is no session: {e}", True)


def meet_refusals():
    with session() as s:
        try:
            s.sendmail("shop@example.com", ["user_unknown@example.org"], "x\n")
            check("SMTPRecipientsRefused", False)
        except smtplib.SMTPRecipientsRefused as e:
            check("SMTPRecipientsRefused",
                  e.recipients["user_unknown@example.org"][0] == 550)
        refused = s.sendmail("shop@example.com", ["ann@example.org", "mailbox_full@example.org"],
                             "x\n")
        check("one of two", refused["mailbox_full@example.org"][0] == 452)
        try:
            s.sendmail("shop@example.com", ["spam_blocked@example.org"], "x\n")
            check("SMTPDataError", False)
        except smtplib.SMTPDataError as e:
            check("SMTPDataError", e.smtp_code == 550)
        try:
            s.sendmail("shop@example.com", ["connection_lost@example.org"], "x\n")
            check("SMTPServerDisconnected", False)
        except smtplib.SMTPServerDisconnected:
            check("SMTPServerDisconnected", True)


def hang():
    """A handshake that never ends costs smtp.timeout, as everything else does."""
    with session() as s:
        s.ehlo()
        check("STARTTLS", s.docmd("STARTTLS")[0] == 220)
        check("it is closed", s.sock.recv(1) == b"")
    with session() as s:
        s.ehlo()
        s.docmd("STARTTLS")
        s.sock.sendall(b"\x16\x03\x01\x02\x00\x01")
        check("in the middle of it, too", s.sock.recv(1) == b"")


def require():
    """smtp.tls = required: nothing but STARTTLS before it."""
    with session() as s:
        s.ehlo()
        check("MAIL", s.docmd("MAIL FROM:<a@example.com>")[0] == 530)
        check("VRFY", s.docmd("VRFY a@example.com")[0] == 530)
        check("NOOP", s.noop()[0] == 250)
        s.starttls(context=context())
        check("encrypted", s.send_message(message("required@example.org")) == {})
    with smtplib.LMTP(lmtp) as s:
        s.ehlo()
        check("LMTP, too", s.docmd("MAIL FROM:<a@example.com>")[0] == 530)


{"queue": send_all, "hang": hang, "require": require, "inband": meet_refusals}[mode]()
