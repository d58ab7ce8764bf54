/*
 * Owns what must be true of replies, whatever was sent (RFC 5321 §4.2, §4.5.2; RFC 2033 §4.2; RFC
 * 3207 §4). Invariant: `at` is behind the last thing that was answered, so what is answered next
 * begins there.
 */
#include "smtp_peer.h"

#include <stdio.h>
#include <stdlib.h>

#define REPLY_MAX 512 /* octets with CRLF (RFC 5321 §4.5.3.1.5) */

void
insist_at(bool holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
	abort();
}

void
smtp_peer_fini(struct smtp_peer *p)
{
	buf_fini(&p->sent);
	buf_fini(&p->line);
	buf_fini(&p->replies);
}

static struct str
rest(const struct smtp_peer *p)
{
	return str_from(buf_str(&p->sent), p->at);
}

/* How many octets the data have with their end; 0 when that has not come. */
static size_t
data_octets(struct str s)
{
	const char *end;

	if (str_has_prefix(s, STR(".\r\n")))
		return 3;
	end = s.n > 0 ? memmem(s.p, s.n, "\r\n.\r\n", 5) : NULL;
	return end ? (size_t)(end - s.p) + 5 : 0;
}

/* What the server must find out about data without the line with the dot. */
static void
weigh(struct smtp_peer *p, struct str data)
{
	uint64_t size = data.n;
	bool is_at_start = true;
	size_t i;

	p->is_bare = false;
	for (i = 0; i < data.n; i++) {
		bool has_cr = i > 0 && data.p[i - 1] == '\r';

		if (is_at_start && data.p[i] == '.')
			size--;
		p->is_bare |= data.p[i] == '\n' ? !has_cr : has_cr;
		is_at_start = data.p[i] == '\n' && has_cr;
	}
	p->is_bare &= p->rules.is_bare_rejected;
	p->is_too_big = size > p->rules.size_max;
}

static void
end_data(struct smtp_peer *p)
{
	size_t n = data_octets(rest(p));

	insist(n > 0);
	weigh(p, str_head(rest(p), n - 3));
	p->at += n;
	p->n_due = p->rules.is_lmtp ? p->n_recipients : 1;
	p->state = SMTP_PEER_ANSWERS;
	insist(p->n_due > 0);
}

static void
take_promise(struct smtp_peer *p, struct str number)
{
	uint64_t value = 0;
	size_t i;

	insist(number.n > 0 && !p->is_bare && !p->is_too_big);
	for (i = 0; i < number.n; i++) {
		insist(number.p[i] >= '0' && number.p[i] <= '9');
		value = value * 10 + (uint64_t)(number.p[i] - '0');
	}
	p->promise_cb(p->ctx, value, p->rules.is_lmtp ? 1 : p->n_recipients);
}

/* One for the mail, or one of those for its recipients. */
static void
take_answer(struct smtp_peer *p, struct str reply)
{
	static const struct str queued = STR_INIT("250 2.0.0 Ok: queued as ");

	insist(reply.p[0] != '3');
	if (reply.p[0] == '2') {
		insist(str_has_prefix(reply, queued));
		take_promise(p, str_from(reply, queued.n));
	}
	insist(!str_has_prefix(reply, STR("552 5.3.4 Message size")) || p->is_too_big);
	insist(!str_has_prefix(reply, STR("550 5.5.2 A bare")) || p->is_bare);
	if (--p->n_due > 0)
		return;
	p->n_recipients = 0;
	p->state = SMTP_PEER_COMMANDS;
}

static struct str
without_cr(struct str line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

/* Whether a command that was done has ended the mail that was begun. */
static bool
forgets(struct str words)
{
	struct str verb = str_next_word(&words);

	return str_eq_nocase(verb, STR("RSET")) || str_eq_nocase(verb, STR("HELO")) ||
	    str_eq_nocase(verb, STR("EHLO")) || str_eq_nocase(verb, STR("LHLO"));
}

static void
answer_line(struct smtp_peer *p, struct str reply)
{
	struct str line = rest(p);
	size_t n = str_find(line, '\n');
	enum smtp_peer_state before = p->state;
	struct str words = str_trim(without_cr(str_head(line, n)));

	insist(n < line.n);
	insist(!str_has_prefix(reply, STR("250 2.0.0 Ok: ")));
	p->at += n + 1;
	p->state = SMTP_PEER_COMMANDS;
	if (str_has_prefix(reply, STR("334 "))) {
		p->state = SMTP_PEER_AUTH;
	} else if (reply.p[0] == '3') {
		insist(str_has_prefix(reply, STR("354 ")) && before == SMTP_PEER_COMMANDS);
		insist(str_eq_nocase(words, STR("DATA")) && p->n_recipients > 0);
		p->state = SMTP_PEER_DATA;
	} else if (str_has_prefix(reply, STR("220"))) {
		insist(str_eq_nocase(words, STR("STARTTLS")) && before == SMTP_PEER_COMMANDS);
		p->state = SMTP_PEER_TLS;
	} else if (str_has_prefix(reply, STR("221"))) {
		insist(str_eq_nocase(words, STR("QUIT")));
		p->state = SMTP_PEER_OVER;
	} else if (str_has_prefix(reply, STR("250 2.1.0 ")) ||
	    (reply.p[0] == '2' && forgets(words))) {
		p->n_recipients = 0;
	} else if (str_has_prefix(reply, STR("250 2.1.5 "))) {
		p->n_recipients++;
	}
}

static void
take_reply(struct smtp_peer *p, struct str reply)
{
	bool is_late = str_has_suffix(reply, STR(" Timeout"));

	insist(!is_late || p->is_behind || smtp_peer_is_settled(p));
	/* these come whenever it is time */
	if (is_late || str_has_suffix(reply, STR(" The daemon stops"))) {
		insist(str_has_prefix(reply, STR("421 ")));
		p->n_due = 0;
		p->state = SMTP_PEER_OVER;
		return;
	}
	if (p->state == SMTP_PEER_DATA)
		end_data(p);
	if (p->state == SMTP_PEER_NEW)
		p->state = SMTP_PEER_COMMANDS;
	else if (p->state == SMTP_PEER_ANSWERS)
		take_answer(p, reply);
	else
		answer_line(p, reply);
	if (str_has_prefix(reply, STR("421")) && p->n_due == 0)
		p->state = SMTP_PEER_OVER;
}

/* A line with its end. */
static void
take_line(struct smtp_peer *p, struct str s)
{
	size_t i;

	insist(p->state != SMTP_PEER_OVER);
	insist(s.n >= 6 && s.n <= REPLY_MAX && s.p[s.n - 2] == '\r');
	for (i = 0; i + 2 < s.n; i++)
		insist(s.p[i] >= ' ' && s.p[i] <= '~');
	insist(s.p[0] >= '2' && s.p[0] <= '5');
	insist(s.p[1] >= '0' && s.p[1] <= '9' && s.p[2] >= '0' && s.p[2] <= '9');
	insist(s.p[3] == ' ' || s.p[3] == '-');
	insist(!p->is_in_reply || memcmp(p->code, s.p, 3) == 0);
	memcpy(p->code, s.p, 3);
	p->is_in_reply = s.p[3] == '-';
	if (!p->is_in_reply)
		take_reply(p, str_head(s, s.n - 2));
}

/* Of records: an alert, or a part of a handshake; or "closed", which is nothing. */
static void
take_tls(struct smtp_peer *p, struct str octets)
{
	if (p->line.len < 2)
		buf_add_str(&p->line, octets);
	insist(p->line.data[0] >= 0x14 && p->line.data[0] <= 0x17);
	insist(p->line.len < 2 || p->line.data[1] == 0x03);
}

void
smtp_peer_take(struct smtp_peer *p, struct str octets)
{
	size_t n;

	while (octets.n > 0 && p->state != SMTP_PEER_TLS) {
		n = str_find(octets, '\n');
		if (n < octets.n)
			n++;
		buf_add_str(&p->replies, str_head(octets, n));
		buf_add_str(&p->line, str_head(octets, n));
		octets = str_from(octets, n);
		insist(p->line.len <= REPLY_MAX);
		if (p->line.data[p->line.len - 1] == '\n') {
			take_line(p, buf_str(&p->line));
			p->line.len = 0;
		}
	}
	if (octets.n > 0)
		take_tls(p, octets);
}

bool
smtp_peer_is_settled(const struct smtp_peer *p)
{
	switch (p->state) {
	case SMTP_PEER_COMMANDS:
	case SMTP_PEER_AUTH:
		return str_find(rest(p), '\n') == rest(p).n;
	case SMTP_PEER_DATA:
		return data_octets(rest(p)) == 0;
	case SMTP_PEER_TLS:
	case SMTP_PEER_OVER:
		return true;
	case SMTP_PEER_NEW:
	case SMTP_PEER_ANSWERS:
		break;
	}
	return false;
}

struct str
smtp_peer_unanswered(const struct smtp_peer *p)
{
	if (p->state != SMTP_PEER_COMMANDS && p->state != SMTP_PEER_AUTH)
		return STR("");
	return without_cr(str_head(rest(p), str_find(rest(p), '\n')));
}
