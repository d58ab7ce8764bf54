/*
 * Owns what the settings of SMTP and LMTP have of their own: kinds of values, the certificate, the
 * users, the faults by stage.
 */
#include "settings_smtp.h"

#include "base/text.h"
#include "front/smtp_inband.h"
#include "front/smtp_users.h"
#include "io/tls.h"
#include "settings.h"

#define UNUSED __attribute__((unused))

#define HOSTNAME_OCTETS_MAX 255 /* RFC 5321 §4.5.3.1.2 */

/* The place of value among n names; n when it is none of them. */
static size_t
find_name(const char *const *names, size_t n, struct str value)
{
	size_t i;

	for (i = 0; i < n && !str_eq(value, str_of(names[i])); i++)
		;
	return i;
}

static const char *
parse_mode(UNUSED const struct conf_key *key, struct str value, void *field)
{
	size_t i = find_name(smtp_mode_names, SMTP_MODES, value);

	if (i == SMTP_MODES)
		return "is neither queue nor inband";
	*(enum smtp_mode *)field = (enum smtp_mode)i;
	return NULL;
}

static void
format_mode(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_str(b, str_of(smtp_mode_names[*(const enum smtp_mode *)field]));
}

static const char *
parse_hostname(const struct conf_key *key, struct str value, void *field)
{
	size_t i;

	if (value.n > HOSTNAME_OCTETS_MAX)
		return "is longer than 255 octets";
	for (i = 0; i < value.n; i++)
		if ((unsigned char)value.p[i] <= ' ' || (unsigned char)value.p[i] >= 0x7f)
			return "has something else in it than printable ASCII without blanks";
	return conf_type_text.parse(key, value, field);
}

static void
format_text(const struct conf_key *key, struct buf *b, const void *field)
{
	conf_type_text.format(key, b, field);
}

static void
fini_text(const struct conf_key *key, void *field)
{
	conf_type_text.fini(key, field);
}

static const char *
parse_bare_newline(UNUSED const struct conf_key *key, struct str value, void *field)
{
	size_t i = find_name(smtp_bare_newline_names, 2, value);

	if (i == 2)
		return "is neither normalize nor reject";
	*(enum smtp_bare_newline *)field = (enum smtp_bare_newline)i;
	return NULL;
}

static void
format_bare_newline(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_str(b, str_of(smtp_bare_newline_names[*(const enum smtp_bare_newline *)field]));
}

static const char *
parse_tls(UNUSED const struct conf_key *key, struct str value, void *field)
{
	size_t i = find_name(smtp_tls_names, SMTP_TLS_KINDS, value);

	if (i == SMTP_TLS_KINDS)
		return "is not one of off optional required";
	*(enum smtp_tls *)field = (enum smtp_tls)i;
	return NULL;
}

static void
format_tls(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_str(b, str_of(smtp_tls_names[*(const enum smtp_tls *)field]));
}

static const char *
parse_auth(const struct conf_key *key, struct str value, void *field)
{
	if (value.n == 0)
		return "is empty: there are off, any and a file's path";
	return conf_type_text.parse(key, value, field);
}

static const char *
parse_chance(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return smtp_chance_parse(value, field);
}

static void
format_chance(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	smtp_chance_format(b, field);
}

static const char *
parse_fail(UNUSED const struct conf_key *key, struct str value, void *field)
{
	return smtp_fail_parse(value, field);
}

static void
format_fail(UNUSED const struct conf_key *key, struct buf *b, const void *field)
{
	smtp_fail_format(b, field);
}

static void
fini_fail(UNUSED const struct conf_key *key, void *field)
{
	smtp_fail_fini(field);
}

const struct conf_type type_smtp_mode = { parse_mode, format_mode, NULL, NULL };
const struct conf_type type_smtp_hostname = { parse_hostname, format_text, fini_text, NULL };
const struct conf_type type_smtp_bare_newline = { parse_bare_newline, format_bare_newline, NULL,
	NULL };
const struct conf_type type_smtp_tls = { parse_tls, format_tls, NULL, NULL };
const struct conf_type type_smtp_auth = { parse_auth, format_text, fini_text, NULL };
const struct conf_type type_smtp_chance = { parse_chance, format_chance, NULL, NULL };
const struct conf_type type_smtp_fail = { parse_fail, format_fail, fini_fail, NULL };

bool
settings_smtp_check_stage(struct conf_instance *instance, UNUSED void *settings, struct buf *why)
{
	const struct smtp_stage_section *section = (struct smtp_stage_section *)(void *)instance;
	const struct smtp_chance *after = &section->faults.drop_after;

	if (smtp_stage_find(str_of(instance->name)) == SMTP_STAGE_EOM ||
	    (after->first == 0 && after->share == 0))
		return true;
	buf_add_lit(why, "drop_after is for [smtp eom] alone");
	return false;
}

static bool
read_certificate(struct smtp_section *smtp, struct conf_problems *problems)
{
	struct buf why = { 0 };

	if (smtp->conf.tls == SMTP_TLS_OFF)
		return true;
	if (smtp->tls_cert[0] == '\0' || smtp->tls_key[0] == '\0') {
		conf_problem(problems, "smtp.tls: %s needs smtp.tls_cert and smtp.tls_key",
		    smtp_tls_names[smtp->conf.tls]);
		return false;
	}
	smtp->conf.tls_server = tls_server_new(smtp->tls_cert, smtp->tls_key, &why);
	if (!smtp->conf.tls_server)
		conf_problem(problems, "smtp.tls: %.*s", STR_ARG(buf_str(&why)));
	buf_fini(&why);
	return smtp->conf.tls_server != NULL;
}

static bool
read_users(struct smtp_section *smtp, struct conf_problems *problems)
{
	smtp->conf.has_auth = strcmp(smtp->auth, "off") != 0;
	if (!smtp->conf.has_auth || strcmp(smtp->auth, "any") == 0)
		return true;
	smtp->users = smtp_users_load(smtp->auth, problems);
	smtp->conf.users = smtp->users;
	return smtp->users != NULL;
}

static bool
check_fate(struct settings *s, const struct fate *fate, const char *section, const char *name,
    struct conf_problems *problems)
{
	if (!fate || !fate_has(fate, settings_outcomes(s), smtp_inband_is_mistake))
		return true;
	conf_problem(problems,
	    "%s%s.outcome: with smtp.mode = inband an outcome is what a server answers, and none "
	    "answers those of stage dns, or suppressed",
	    section, name);
	return false;
}

/* Of stage dns there is no server that could say so. */
static bool
check_outcomes(struct settings *s, struct conf_problems *problems)
{
	bool is_good;
	size_t i;

	if (s->smtp.conf.mode != SMTP_INBAND)
		return true;
	is_good = check_fate(s, s->delivery.outcome.fate, "delivery", "", problems);
	for (i = 0; i < s->domain_sections.n; i++) {
		const struct domain_section *d =
		    (struct domain_section *)(void *)s->domain_sections.items[i];

		is_good &=
		    check_fate(s, d->delivery.outcome.fate, "domain ", d->head.name, problems);
	}
	return is_good;
}

bool
settings_smtp_finish(struct settings *s, struct conf_problems *problems)
{
	struct smtp_section *smtp = &s->smtp;
	bool is_good;
	size_t i;

	smtp->conf.hostname = smtp->hostname;
	smtp->conf.stall_timeout_ns = s->line.stall_timeout_ns;
	smtp->conf.pairs = s->simulator.history;
	for (i = 0; i < smtp->stages.n; i++) {
		const struct smtp_stage_section *section =
		    (struct smtp_stage_section *)(void *)smtp->stages.items[i];

		smtp->conf.faults[smtp_stage_find(str_of(section->head.name))] = section->faults;
	}
	/* all of them, so that every problem is said */
	is_good = read_certificate(smtp, problems);
	is_good &= read_users(smtp, problems);
	is_good &= check_outcomes(s, problems);
	return is_good;
}

void
settings_smtp_fini(struct settings *s)
{
	tls_server_free(s->smtp.conf.tls_server);
	smtp_users_free(s->smtp.users);
}
