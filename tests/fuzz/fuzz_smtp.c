/*
 * Every parser that reads what an SMTP peer sent, and the file of users. The first octet says
 * which; the rest is in memory of exactly its size, so that a sanitizer sees one octet too many.
 * What must hold whatever comes is checked: where data ends, and that nothing accepted is dangerous
 * in a log.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/text.h"
#include "front/smtp_auth.h"
#include "front/smtp_data.h"
#include "front/smtp_parse.h"
#include "front/smtp_users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
insist(bool holds)
{
	if (!holds)
		abort();
}

static void
check_inside(struct str s, struct str whole)
{
	insist(s.p >= whole.p && s.p + s.n <= whole.p + whole.n);
}

static void
check_path(const struct smtp_path *path, struct str line, bool has_smtputf8)
{
	struct str s = path->address;

	check_inside(s, line);
	insist(text_is_utf8(s) && s.n <= SMTP_LOCAL_MAX + 1 + SMTP_DOMAIN_MAX);
	for (size_t i = 0; i < s.n; i++)
		insist((unsigned char)s.p[i] >= ' ' && s.p[i] != 0x7f &&
		    ((unsigned char)s.p[i] < 0x80 || has_smtputf8));
	insist(path->domain.p ? path->domain.n > 0 && path->local.n > 0
			      : s.n == 0 || str_eq_nocase(s, STR("postmaster")));
}

static void
check_id(struct str s, size_t max)
{
	insist(!s.p || (s.n > 0 && s.n <= max && text_is_utf8(s)));
}

static void
mail(struct str s)
{
	char *scratch = malloc(s.n ? s.n : 1);
	struct smtp_mail m;

	if (!smtp_parse_mail(s, scratch, &m)) {
		check_path(&m.from, s, m.params.has_utf8);
		check_id(m.params.envid, SMTP_ENVID_MAX);
		check_id(m.params.auth, SMTP_AUTH_PARAM_MAX);
	}
	free(scratch);
}

static void
rcpt(struct str s)
{
	char *scratch = malloc(s.n ? s.n : 1);
	struct smtp_rcpt r;

	for (int has_smtputf8 = 0; has_smtputf8 < 2; has_smtputf8++)
		if (!smtp_parse_rcpt(s, has_smtputf8, scratch, &r)) {
			check_path(&r.to, s, has_smtputf8);
			insist(r.to.address.n > 0);
			check_id(r.params.orcpt, SMTP_ORCPT_MAX);
			check_id(r.params.orcpt_type, SMTP_ORCPT_MAX);
		}
	free(scratch);
}

static void
command(struct str s)
{
	struct smtp_auth_command auth;
	struct smtp_command c;
	struct str name;

	smtp_parse_is_http(s);
	smtp_parse_command(s, &c);
	smtp_parse_nothing(c.rest);
	if (!smtp_parse_helo(c.rest, &name))
		check_inside(name, s);
	if (!smtp_parse_auth(c.rest, &auth))
		check_inside(auth.mechanism, s);
}

static void
check_header(const struct smtp_header *h)
{
	static const size_t max[SMTP_FIELDS] = { SMTP_FIELD_ID_MAX, SMTP_FIELD_ID_MAX,
		SMTP_FIELD_ID_MAX, SMTP_FIELD_VALUE_MAX, SMTP_FIELD_VALUE_MAX };

	for (int i = 0; i < SMTP_FIELDS; i++) {
		struct str s = smtp_header_value(h, (enum smtp_field)i);

		check_id(s, max[i]);
		for (size_t j = 0; j < s.n; j++)
			insist((unsigned char)s.p[j] >= ' ' && s.p[j] != 0x7f);
	}
}

/* Fed in pieces of so many octets; gives how many were used. */
static size_t
feed(struct smtp_data *d, struct str s, size_t step)
{
	size_t used = 0;

	smtp_data_init(d, SMTP_BARE_REJECT, 1000);
	while (used < s.n && !d->is_over)
		used += smtp_data_feed(d, str_head(str_from(s, used), step));
	smtp_data_refusal(d);
	return used;
}

/* The second octet is the size of the pieces. */
static void
data_pieces(struct str s)
{
	size_t step = s.n > 0 && s.p[0] != '\0' ? (unsigned char)s.p[0] : 1;
	static struct smtp_data whole, pieces;
	struct str text = str_from(s, 1);
	const char *end = NULL;
	size_t used;

	if (s.n == 0)
		return;
	used = feed(&whole, text, text.n);
	insist(feed(&pieces, text, step) == used && pieces.is_over == whole.is_over);
	insist(pieces.size == whole.size && pieces.has_bare == whole.has_bare);
	if (text.n >= 3 && memcmp(text.p, ".\r\n", 3) == 0)
		end = text.p + 3;
	else if (text.n > 0 && (end = memmem(text.p, text.n, "\r\n.\r\n", 5)))
		end += 5;
	insist(whole.is_over == (end != NULL));
	insist(used == (end ? (size_t)(end - text.p) : text.n));
	if (!end)
		return;
	check_header(&whole.header);
	for (int i = 0; i < SMTP_FIELDS; i++)
		insist(str_eq(smtp_header_value(&whole.header, (enum smtp_field)i),
		    smtp_header_value(&pieces.header, (enum smtp_field)i)));
}

/* The AUTH command's arguments, then the client's lines. */
static void
exchange(struct str s)
{
	struct str line = str_head(s, str_find(s, '\n'));
	struct smtp_auth_command c;
	enum smtp_auth_status status;
	struct smtp_auth a;

	if (smtp_parse_auth(line, &c))
		return;
	status = smtp_auth_start(&a, &c);
	while (status == SMTP_AUTH_CONTINUE && s.n > line.n) {
		s = str_from(s, line.n + 1);
		line = str_head(s, str_find(s, '\n'));
		status = smtp_auth_step(&a, line);
	}
	insist((status == SMTP_AUTH_REFUSED) == (a.refusal != NULL));
	if (status == SMTP_AUTH_DONE) {
		check_id(a.user, SMTP_AUTH_TEXT_MAX);
		insist(a.password.n > 0 && !memchr(a.password.p, '\0', a.password.n));
	}
	smtp_auth_fini(&a);
}

static void
users(struct str s)
{
	struct conf_problems problems = { 0 };
	struct smtp_users *u = smtp_users_parse(s, "file", &problems);

	insist(!u == (problems.count > 0));
	if (u)
		insist(!smtp_users_has(u, STR(""), STR("x"), STR("")));
	smtp_users_free(u);
	conf_problems_fini(&problems);
}

static void
base64(struct str s)
{
	size_t room = s.n / 4 * 3, n;
	char *out = malloc(room ? room : 1);

	if (base64_decode(s, out, &n))
		insist(n <= room && n + 2 >= room);
	free(out);
}

static void (*const parsers[])(
    struct str s) = { mail, rcpt, command, data_pieces, exchange, users, base64 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy;

	if (size == 0)
		return 0;
	copy = malloc(size);
	memcpy(copy, data + 1, size - 1);
	parsers[data[0] % (sizeof parsers / sizeof parsers[0])]((struct str){ copy, size - 1 });
	free(copy);
	return 0;
}
