/*
 * Owns the table of mechanisms and the steps of an exchange. What it decodes it keeps until
 * smtp_auth_fini(), in room that all a peer may send fits in; it compares nothing.
 */
#include "front/smtp_auth.h"

#include <stddef.h>

#include "base/base64.h"
#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct smtp_refusal refusal_mechanism = { 504, "5.5.4",
	"Unrecognized authentication mechanism" };
static const struct smtp_refusal refusal_base64 = { 501, "5.5.2", "The response is no base64" };
static const struct smtp_refusal refusal_response = { 501, "5.5.2", "Malformed response" };
static const struct smtp_refusal refusal_long = { 500, "5.5.6", "The response is too long" };
static const struct smtp_refusal refusal_cancelled = { 501, "5.7.0", "Authentication cancelled" };

const struct smtp_refusal smtp_auth_refusal_wrong = { 535, "5.7.8",
	"Authentication credentials invalid" };

/* take() gets what the client answered to challenges[step]: NULL, or the refusal. */
struct smtp_auth_mechanism {
	struct str name;
	unsigned steps;
	struct str challenges[2]; /* base64 */
	const struct smtp_refusal *(*take)(struct smtp_auth *a, struct str response);
};

static bool
is_user(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return s.n <= SMTP_AUTH_TEXT_MAX && text_is_utf8(s);
}

static bool
is_password(struct str s)
{
	return s.n > 0 && s.n <= SMTP_AUTH_TEXT_MAX && !memchr(s.p, '\0', s.n);
}

/* [authzid] NUL authcid NUL passwd */
static const struct smtp_refusal *
take_plain(struct smtp_auth *a, struct str response)
{
	size_t first = str_find(response, '\0'), second;
	struct str rest = str_from(response, first + 1);

	second = str_find(rest, '\0');
	if (first == response.n || second == rest.n)
		return &refusal_response;
	a->authzid = str_head(response, first);
	a->user = str_head(rest, second);
	a->password = str_from(rest, second + 1);
	return is_user(a->authzid) && a->user.n > 0 && is_user(a->user) && is_password(a->password)
	    ? NULL
	    : &refusal_response;
}

static const struct smtp_refusal *
take_login(struct smtp_auth *a, struct str response)
{
	if (a->step == 0) {
		a->authzid = str_head(response, 0);
		a->user = response;
		return response.n > 0 && is_user(response) ? NULL : &refusal_response;
	}
	a->password = response;
	return is_password(response) ? NULL : &refusal_response;
}

static const struct smtp_auth_mechanism mechanisms[] = {
	{ STR_INIT("PLAIN"), 1, { STR_INIT("") }, take_plain },
	/* "Username:" and "Password:", as programs expect it (draft-murchison-sasl-login) */
	{ STR_INIT("LOGIN"), 2, { STR_INIT("VXNlcm5hbWU6"), STR_INIT("UGFzc3dvcmQ6") },
	    take_login },
};

static enum smtp_auth_status
refuse(struct smtp_auth *a, const struct smtp_refusal *refusal)
{
	smtp_auth_fini(a);
	a->refusal = refusal;
	return SMTP_AUTH_REFUSED;
}

static enum smtp_auth_status
ask(struct smtp_auth *a)
{
	if (a->step == a->mechanism->steps)
		return SMTP_AUTH_DONE;
	a->challenge = a->mechanism->challenges[a->step];
	return SMTP_AUTH_CONTINUE;
}

/* Decodes and takes one response. */
static enum smtp_auth_status
take_response(struct smtp_auth *a, struct str response)
{
	struct str text = { a->text + a->used, 0 };
	const struct smtp_refusal *refusal;

	if (response.n / 4 * 3 > sizeof a->text - a->used)
		return refuse(a, &refusal_long);
	if (!base64_decode(response, a->text + a->used, &text.n))
		return refuse(a, &refusal_base64);
	a->used += text.n;
	refusal = a->mechanism->take(a, text);
	if (refusal)
		return refuse(a, refusal);
	a->step++;
	return ask(a);
}

enum smtp_auth_status
smtp_auth_start(struct smtp_auth *a, const struct smtp_auth_command *command)
{
	size_t i = 0;

	*a = (struct smtp_auth){ 0 };
	while (i < COUNT(mechanisms) && !str_eq_nocase(command->mechanism, mechanisms[i].name))
		i++;
	if (i == COUNT(mechanisms))
		return refuse(a, &refusal_mechanism);
	a->mechanism = &mechanisms[i];
	return command->initial.p ? take_response(a, command->initial) : ask(a);
}

enum smtp_auth_status
smtp_auth_step(struct smtp_auth *a, struct str line)
{
	if (str_eq(line, STR("*")))
		return refuse(a, &refusal_cancelled);
	return take_response(a, line);
}

void
smtp_auth_fini(struct smtp_auth *a)
{
	explicit_bzero(a, sizeof *a);
}
