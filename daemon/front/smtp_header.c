/*
 * Owns how the fields of a header are found and unfolded, and what is made of their values. A line
 * comes in pieces of any size; what is known between them is the state, the name as far as it came,
 * and whose value it is. Allocates nothing.
 */
#include "front/smtp_header.h"

#include "base/text.h"

enum {
	NOBODY = -1,
	RECEIVED = SMTP_FIELDS /* is counted, and has no value */
};

/* What is kept is more than what is given, for what is taken away at the end. */
_Static_assert(SMTP_FIELD_ID_MAX + 2 < SMTP_HEADER_TEXT_MAX, "no room for angle brackets");
_Static_assert(SMTP_FIELD_VALUE_MAX < SMTP_HEADER_TEXT_MAX, "no room to see that there is more");

static const struct {
	struct str name;
	size_t max; /* octets of the value */
	bool is_id; /* which is right or not there */
} fields[] = {
	[SMTP_FIELD_MESSAGE_ID] = { STR_INIT("Message-ID"), SMTP_FIELD_ID_MAX, true },
	[SMTP_FIELD_SUBJECT] = { STR_INIT("Subject"), SMTP_FIELD_ID_MAX },
	[SMTP_FIELD_ID] = { STR_INIT("X-Mailsim-Id"), SMTP_FIELD_ID_MAX, true },
	[SMTP_FIELD_OUTCOME] = { STR_INIT("X-Mailsim-Outcome"), SMTP_FIELD_VALUE_MAX },
	[SMTP_FIELD_LATENCY] = { STR_INIT("X-Mailsim-Latency"), SMTP_FIELD_VALUE_MAX },
	[RECEIVED] = { STR_INIT("Received"), 0 },
};

void
smtp_header_init(struct smtp_header *h)
{
	h->is_over = false;
	h->hops = 0;
	h->state = SMTP_HEADER_START;
	h->has_blank = false;
	h->current = NOBODY;
	h->name_n = 0;
	for (size_t i = 0; i < SMTP_FIELDS; i++) {
		h->values[i].is_there = h->values[i].is_cut = false;
		h->values[i].n = 0;
	}
}

/* Its name has come: whose value follows. */
static void
begin_value(struct smtp_header *h)
{
	struct str name = { h->name, h->name_n };
	int i = 0;

	while (i <= RECEIVED && !str_eq_nocase(name, fields[i].name))
		i++;
	h->current = NOBODY;
	if (i == RECEIVED) {
		h->hops++;
	} else if (i < RECEIVED && !h->values[i].is_there) {
		h->values[i].is_there = true;
		h->current = i;
	}
	h->state = h->current == NOBODY ? SMTP_HEADER_SKIP : SMTP_HEADER_VALUE;
}

/* Part of a name, up to the colon. Gives what is behind it. */
static struct str
add_name(struct smtp_header *h, struct str s)
{
	while (s.n > 0 && h->state == SMTP_HEADER_NAME) {
		char c = s.p[0];

		s = str_from(s, 1);
		if (c == ':')
			begin_value(h);
		else if (str_is_blank(c))
			h->has_blank = true;
		else if (h->has_blank || h->name_n == sizeof h->name)
			h->state = SMTP_HEADER_SKIP; /* no field, or none of ours */
		else
			h->name[h->name_n++] = c;
	}
	return s;
}

static void
add_value(struct smtp_header *h, struct str s)
{
	uint16_t *n = &h->values[h->current].n;
	char *text = h->values[h->current].text;
	size_t room;

	while (*n == 0 && s.n > 0 && str_is_blank(s.p[0]))
		s = str_from(s, 1);
	room = SMTP_HEADER_TEXT_MAX - *n;
	if (s.n > room)
		h->values[h->current].is_cut = true;
	s = str_head(s, room);
	if (s.n > 0)
		memcpy(text + *n, s.p, s.n);
	*n = (uint16_t)(*n + s.n);
}

/* Whether a field that is read may begin so: most lines are none, and are not looked at further. */
static bool
may_begin_field(char c)
{
	for (size_t i = 0; i <= RECEIVED; i++)
		if (str_small(c) == str_small(fields[i].name.p[0]))
			return true;
	return false;
}

/* The first octet of a line says whether it goes on with the last one. */
static void
begin_line(struct smtp_header *h, char c)
{
	if (str_is_blank(c)) {
		h->state = h->current == NOBODY ? SMTP_HEADER_SKIP : SMTP_HEADER_VALUE;
		return;
	}
	h->state = may_begin_field(c) ? SMTP_HEADER_NAME : SMTP_HEADER_SKIP;
	h->current = NOBODY;
	h->has_blank = false;
	h->name_n = 0;
}

void
smtp_header_add(struct smtp_header *h, struct str s)
{
	if (h->is_over || s.n == 0)
		return;
	if (h->state == SMTP_HEADER_START)
		begin_line(h, s.p[0]);
	if (h->state == SMTP_HEADER_NAME)
		s = add_name(h, s);
	if (h->state == SMTP_HEADER_VALUE)
		add_value(h, s);
}

void
smtp_header_end_line(struct smtp_header *h)
{
	if (h->state == SMTP_HEADER_START)
		h->is_over = true;
	h->state = SMTP_HEADER_START;
}

/* "<a@b> (comment)" is a@b. */
static struct str
inside_brackets(struct str s)
{
	if (s.n == 0 || s.p[0] != '<')
		return s;
	s = str_from(s, 1);
	return str_trim(str_head(s, str_find(s, '>')));
}

/* Cut where a character ends. */
static struct str
cut(struct str s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && ((unsigned char)s.p[max] & 0xc0) == 0x80)
		max--;
	return str_head(s, max);
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* UTF-8 with no control character of either set in it. */
static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is_control(s.p[i]) ||
		    ((unsigned char)s.p[i] == 0xc2 && i + 1 < s.n &&
			(unsigned char)s.p[i + 1] < 0xa0))
			return false;
	return text_is_utf8(s);
}

/* Of a text that is not clean: '?' for all that is not ASCII. */
static void
clean(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_control(text[i]) || (unsigned char)text[i] >= 0x80)
			text[i] = '?';
}

static void
finish_value(struct smtp_header *h, enum smtp_field field)
{
	char *text = h->values[field].text;
	struct str s = { text, h->values[field].n };

	if (s.n == 0)
		return;
	for (size_t i = 0; i < s.n; i++)
		if (text[i] == '\t')
			text[i] = ' ';
	s = str_trim(s);
	if (field == SMTP_FIELD_MESSAGE_ID)
		s = inside_brackets(s);
	if (s.n > fields[field].max)
		h->values[field].is_cut = true;
	s = cut(s, fields[field].max);
	if (s.n > 0)
		memmove(text, s.p, s.n);
	if (!is_clean((struct str){ text, s.n })) {
		if (fields[field].is_id)
			s.n = 0;
		else
			clean(text, s.n);
	}
	h->values[field].n = (uint16_t)s.n;
}

void
smtp_header_finish(struct smtp_header *h)
{
	h->is_over = true;
	for (int i = 0; i < SMTP_FIELDS; i++)
		finish_value(h, (enum smtp_field)i);
}

struct str
smtp_header_value(const struct smtp_header *h, enum smtp_field field)
{
	if (h->values[field].n == 0)
		return (struct str){ NULL, 0 };
	return (struct str){ h->values[field].text, h->values[field].n };
}

bool
smtp_header_is_cut(const struct smtp_header *h, enum smtp_field field)
{
	return h->values[field].is_cut;
}
