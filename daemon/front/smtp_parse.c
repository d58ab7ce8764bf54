/*
 * Owns the grammar of command lines: verbs and what stands behind them, but for paths and
 * parameters. Takes lengths, trusts no terminator, allocates nothing.
 */
#include "front/smtp_parse.h"

#include "base/http.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MECHANISM_MAX 20 /* octets (RFC 4422 §3.1) */
#define HELO_MAX 255     /* octets: a domain's (RFC 5321 §4.5.3.1.2) */

static const struct smtp_refusal refusal_mail = { 501, "5.5.4", "Syntax: MAIL FROM:<address>" };
static const struct smtp_refusal refusal_rcpt = { 501, "5.5.4", "Syntax: RCPT TO:<address>" };
static const struct smtp_refusal refusal_utf8 = { 553, "5.6.7",
	"An address with UTF-8 needs SMTPUTF8" };
static const struct smtp_refusal refusal_helo = { 501, "5.5.4", "Needs a host name" };
static const struct smtp_refusal refusal_auth = { 501, "5.5.4",
	"Syntax: AUTH mechanism [initial-response]" };
static const struct smtp_refusal refusal_argument = { 501, "5.5.4", "Takes no argument" };

void
smtp_parse_command(struct str line, struct smtp_command *command)
{
	command->verb = str_next_word(&line);
	command->rest = str_trim(line);
}

bool
smtp_parse_is_http(struct str line)
{
	static const struct str methods[] = {
		STR_INIT("GET"),
		STR_INIT("POST"),
		STR_INIT("HEAD"),
		STR_INIT("PUT"),
		STR_INIT("DELETE"),
		STR_INIT("OPTIONS"),
		STR_INIT("PATCH"),
		STR_INIT("TRACE"),
		STR_INIT("CONNECT"),
	};
	struct str rest = line, word = str_next_word(&rest);

	for (size_t i = 0; i < COUNT(methods); i++)
		if (str_eq_nocase(word, methods[i]))
			return true;
	return str_find(word, ':') < word.n || http_is_request(line);
}

/* Takes "FROM:" and the path from the front of *s. */
static const struct smtp_refusal *
take_path(struct str *s, struct str keyword, enum smtp_side side,
    const struct smtp_refusal *refusal_syntax, struct smtp_path *path)
{
	const struct smtp_refusal *refusal;
	size_t used;

	if (!str_eq_nocase(str_head(*s, keyword.n), keyword))
		return refusal_syntax;
	*s = str_trim(str_from(*s, keyword.n));
	if (s->n == 0)
		return refusal_syntax;
	refusal = smtp_path_parse(*s, side, path, &used);
	if (!refusal)
		*s = str_from(*s, used);
	return refusal;
}

const struct smtp_refusal *
smtp_parse_mail(struct str rest, char *scratch, struct smtp_mail *mail)
{
	const struct smtp_refusal *refusal =
	    take_path(&rest, STR("FROM:"), SMTP_SENDER, &refusal_mail, &mail->from);

	if (!refusal)
		refusal = smtp_param_parse_mail(rest, scratch, &mail->params);
	if (!refusal && mail->from.has_utf8 && !mail->params.has_utf8)
		refusal = &refusal_utf8;
	return refusal;
}

const struct smtp_refusal *
smtp_parse_rcpt(struct str rest, bool has_smtputf8, char *scratch, struct smtp_rcpt *rcpt)
{
	const struct smtp_refusal *refusal =
	    take_path(&rest, STR("TO:"), SMTP_RECIPIENT, &refusal_rcpt, &rcpt->to);

	if (!refusal)
		refusal = smtp_param_parse_rcpt(rest, scratch, &rcpt->params);
	if (!refusal && rcpt->to.has_utf8 && !has_smtputf8)
		refusal = &refusal_utf8;
	return refusal;
}

const struct smtp_refusal *
smtp_parse_helo(struct str rest, struct str *name)
{
	*name = str_trim(rest);
	for (size_t i = 0; i < name->n; i++)
		if ((unsigned char)name->p[i] < ' ' || name->p[i] == 0x7f)
			return &refusal_helo;
	return name->n > 0 && name->n <= HELO_MAX ? NULL : &refusal_helo;
}

static bool
is_mechanism(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = str_small(s.p[i]);

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
	}
	return s.n > 0 && s.n <= MECHANISM_MAX;
}

const struct smtp_refusal *
smtp_parse_auth(struct str rest, struct smtp_auth_command *command)
{
	*command = (struct smtp_auth_command){ .mechanism = str_next_word(&rest) };
	if (!is_mechanism(command->mechanism))
		return &refusal_auth;
	rest = str_trim(rest);
	if (rest.n == 0)
		return NULL;
	command->initial = str_next_word(&rest);
	if (rest.n > 0)
		return &refusal_auth;
	if (str_eq(command->initial, STR("=")))
		command->initial = str_from(command->initial, 1);
	return NULL;
}

const struct smtp_refusal *
smtp_parse_nothing(struct str rest)
{
	return str_trim(rest).n == 0 ? NULL : &refusal_argument;
}
