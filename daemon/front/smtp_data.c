/*
 * Owns where data ends and how much it is. A state says what the last octets were:
 *
 *     START   a line begins: nothing came yet, or CRLF
 *     DOT     the line is "." so far; the dot is not counted
 *     DOT_CR  the line is ".\r" so far
 *     CR      a CR that is not counted yet
 *     TEXT    anything else
 *
 * DOT is reached from START alone and the end from DOT_CR by LF alone, and START only by CR and LF
 * that follow each other: so nothing but <CRLF>.<CRLF> ends data. All of the octets in TEXT up to a
 * CR are taken at once, and that with an LF right behind it, too, which is the step to CR and the
 * one from there in one: it is not taken where the piece ends between the two, or the CR is one of
 * ".\r", which comes in another state.
 */
#include "front/smtp_data.h"

static const struct smtp_refusal refusal_size = { 552, "5.3.4", "Message size exceeds the limit" };
static const struct smtp_refusal refusal_bare = { 550, "5.5.2", "A bare newline was received" };

void
smtp_data_init(struct smtp_data *d, enum smtp_bare_newline bare_newline, uint64_t size_max)
{
	d->is_over = d->has_bare = false;
	d->size = 0;
	d->bare_newline = bare_newline;
	d->size_max = size_max;
	d->state = SMTP_DATA_START;
	smtp_header_init(&d->header);
}

/* Octets without a CR, in which each LF is a bare one. */
static void
add_text(struct smtp_data *d, struct str s)
{
	size_t n;

	d->size += s.n;
	if (d->bare_newline == SMTP_BARE_REJECT && !d->has_bare)
		d->has_bare = str_find(s, '\n') < s.n;
	while (!d->header.is_over && s.n > 0) {
		n = str_find(s, '\n');
		smtp_header_add(&d->header, str_head(s, n));
		if (n < s.n)
			smtp_header_end_line(&d->header);
		s = str_from(s, n + 1);
	}
}

static void
add_bare_cr(struct smtp_data *d)
{
	d->size++;
	d->has_bare |= d->bare_newline == SMTP_BARE_REJECT;
	if (!d->header.is_over)
		smtp_header_add(&d->header, STR("\r"));
}

static void
end_line(struct smtp_data *d)
{
	d->size += 2;
	d->state = SMTP_DATA_START;
	if (!d->header.is_over)
		smtp_header_end_line(&d->header);
}

/* What became of an octet that may end a line, or the data; false when it is text. */
static bool
take_octet(struct smtp_data *d, char c)
{
	switch (d->state) {
	case SMTP_DATA_START:
		if (c != '.')
			break;
		d->state = SMTP_DATA_DOT;
		return true;
	case SMTP_DATA_DOT:
		if (c != '\r')
			break;
		d->state = SMTP_DATA_DOT_CR;
		return true;
	case SMTP_DATA_DOT_CR:
	case SMTP_DATA_CR:
		if (c == '\n' && d->state == SMTP_DATA_CR) {
			end_line(d);
			return true;
		}
		if (c == '\n') {
			d->is_over = true;
			smtp_header_finish(&d->header);
			return true;
		}
		add_bare_cr(d);
		break;
	case SMTP_DATA_TEXT:
		break;
	}
	d->state = c == '\r' ? SMTP_DATA_CR : SMTP_DATA_TEXT;
	return c == '\r';
}

size_t
smtp_data_feed(struct smtp_data *d, struct str piece)
{
	const char *p = piece.p, *end = piece.p + piece.n, *cr;

	while (p < end && !d->is_over) {
		if (take_octet(d, *p)) {
			p++;
			continue;
		}
		cr = memchr(p, '\r', (size_t)(end - p));
		add_text(d, (struct str){ p, (size_t)((cr ? cr : end) - p) });
		p = cr ? cr : end;
		/* most lines end like this, and it costs less to say so here */
		if (end - p > 1 && p[1] == '\n') {
			end_line(d);
			p += 2;
		}
	}
	return (size_t)(p - piece.p);
}

const struct smtp_refusal *
smtp_data_refusal(const struct smtp_data *d)
{
	if (d->size_max > 0 && d->size > d->size_max)
		return &refusal_size;
	return d->has_bare ? &refusal_bare : NULL;
}
