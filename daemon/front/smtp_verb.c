/*
 * Owns the verbs: one row each says in which dialect and phase there is one, at which stage its
 * faults are drawn, and what runs it. Those of a mail transaction are in smtp_mail.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/http.h"
#include "base/mem.h"
#include "front/smtp_session.h"
#include "front/smtp_users.h"

struct smtp_verb {
	struct str name;
	const char *usage; /* behind the verb */
	const char *help;
	void (*run)(struct smtp_session *s, struct str argument);
	enum smtp_dialect_bit dialects;
	unsigned phases; /* mask of enum smtp_phase; in others: 503 5.5.1 */
	enum smtp_stage stage;
	bool is_for_all; /* without TLS where that is required, and for who was refused at first */
};

static bool
is_tls_offered(const struct smtp_session *s)
{
	return s->front->conf.tls_server && !conn_is_secure(s->conn);
}

/* One line of several: the last has a blank behind its code. */
static void
add_line(struct buf *b, const char *text, bool is_last)
{
	buf_printf(b, "250%c%s\r\n", is_last ? ' ' : '-', text);
}

/* RFC 2920, 1870, 6152, 2034, 6531, 3207, 4954, 3461 */
static void
offer(struct smtp_session *s)
{
	const struct smtp_conf *conf = &s->front->conf;
	struct buf *b = &s->front->reply;
	char size[32];

	snprintf(size, sizeof size, "SIZE %lu", conf->max_size);
	b->len = 0;
	add_line(b, s->front->hostname, false);
	add_line(b, "PIPELINING", false);
	add_line(b, size, false);
	add_line(b, "8BITMIME", false);
	add_line(b, "ENHANCEDSTATUSCODES", false);
	add_line(b, "SMTPUTF8", false);
	if (is_tls_offered(s))
		add_line(b, "STARTTLS", false);
	if (conf->has_auth && (conf->tls != SMTP_TLS_REQUIRED || conn_is_secure(s->conn)))
		add_line(b, "AUTH " SMTP_AUTH_NAMES, false);
	add_line(b, "DSN", true);
	conn_write_early(s->conn, b->data, b->len);
}

static void
say_hello(struct smtp_session *s, struct str argument, bool is_extended)
{
	struct str name;
	const struct smtp_refusal *refusal = smtp_parse_helo(argument, &name);

	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	smtp_mail_drop(s);
	if (!smtp_verdict_passes(s, SMTP_STAGE_EHLO))
		return;
	s->phase = SMTP_PHASE_READY;
	if (is_extended)
		offer(s);
	else
		smtp_reply(s, "250 %s", s->front->hostname);
}

static void
run_helo(struct smtp_session *s, struct str argument)
{
	say_hello(s, argument, false);
}

static void
run_ehlo(struct smtp_session *s, struct str argument)
{
	say_hello(s, argument, true);
}

static bool
has_no_argument(struct smtp_session *s, struct str argument)
{
	const struct smtp_refusal *refusal = smtp_parse_nothing(argument);

	if (refusal)
		smtp_reply_refusal(s, refusal);
	return !refusal;
}

static void
run_rset(struct smtp_session *s, struct str argument)
{
	if (!has_no_argument(s, argument))
		return;
	smtp_mail_drop(s);
	smtp_say(s, STR("250 2.0.0 Ok"));
}

static void
run_noop(struct smtp_session *s, struct str argument)
{
	(void)argument;
	smtp_say(s, STR("250 2.0.0 Ok"));
}

/* RFC 5321 §3.5.3: who does not say whether an address is there answers 252. */
static void
run_vrfy(struct smtp_session *s, struct str argument)
{
	if (argument.n == 0)
		smtp_reply(s, "501 5.5.4 VRFY needs an address");
	else
		smtp_reply(s, "252 2.0.0 Send some mail, and see what becomes of it");
}

static void
run_expn(struct smtp_session *s, struct str argument)
{
	(void)argument;
	smtp_reply(s, "502 5.5.1 There are no lists");
}

static void
run_quit(struct smtp_session *s, struct str argument)
{
	if (!has_no_argument(s, argument))
		return;
	smtp_reply(s, "221 2.0.0 Bye");
	smtp_session_quit(s);
}

static void
run_starttls(struct smtp_session *s, struct str argument)
{
	if (!has_no_argument(s, argument))
		return;
	if (!s->front->conf.tls_server) {
		smtp_reply(s, "502 5.5.1 There is no TLS here");
		return;
	}
	if (conn_is_secure(s->conn)) {
		smtp_reply(s, "503 5.5.1 TLS is spoken already");
		return;
	}
	smtp_reply(s, "220 2.0.0 Ready to start TLS");
	conn_start_tls(s->conn, s->front->conf.tls_server);
}

static void
end_auth(struct smtp_session *s)
{
	smtp_auth_fini(s->auth);
	free(s->auth);
	s->auth = NULL;
	s->input = SMTP_INPUT_COMMANDS;
}

static void
go_on_with_auth(struct smtp_session *s, enum smtp_auth_status status)
{
	const struct smtp_users *users = s->front->conf.users;
	const struct smtp_auth *a = s->auth;

	switch (status) {
	case SMTP_AUTH_CONTINUE:
		smtp_reply(s, "334 %.*s", STR_ARG(a->challenge));
		s->input = SMTP_INPUT_AUTH;
		return;
	case SMTP_AUTH_REFUSED:
		smtp_reply_refusal(s, a->refusal);
		break;
	case SMTP_AUTH_DONE:
		s->is_authenticated =
		    !users || smtp_users_has(users, a->authzid, a->user, a->password);
		if (s->is_authenticated)
			smtp_reply(s, "235 2.7.0 Authentication successful");
		else
			smtp_reply_refusal(s, &smtp_auth_refusal_wrong);
		break;
	}
	end_auth(s);
}

void
smtp_auth_line(struct smtp_session *s, struct str line)
{
	go_on_with_auth(s, smtp_auth_step(s->auth, line));
}

static void
run_auth(struct smtp_session *s, struct str argument)
{
	struct smtp_auth_command auth;
	const struct smtp_refusal *refusal;

	if (!s->front->conf.has_auth) {
		smtp_reply(s, "502 5.5.1 There is no authentication here");
		return;
	}
	if (s->is_authenticated) {
		smtp_reply(s, "503 5.5.1 Authenticated already");
		return;
	}
	refusal = smtp_parse_auth(argument, &auth);
	if (refusal) {
		smtp_reply_refusal(s, refusal);
		return;
	}
	s->auth = mem_alloc(sizeof *s->auth);
	go_on_with_auth(s, smtp_auth_start(s->auth, &auth));
}

static void run_help(struct smtp_session *s, struct str argument);

#define IN_MAIL (SMTP_PHASE_SENDER | SMTP_PHASE_RECIPIENTS)
#define GREETED (SMTP_PHASE_READY | IN_MAIL)

static const struct smtp_verb verbs[] = {
	{ STR_INIT("HELO"), "NAME", "says who you are", run_helo, SMTP_IN_SMTP, SMTP_PHASE_ANY,
	    SMTP_STAGE_EHLO, false },
	{ STR_INIT("EHLO"), "NAME", "says who you are, and lists the extensions", run_ehlo,
	    SMTP_IN_SMTP, SMTP_PHASE_ANY, SMTP_STAGE_EHLO, true },
	{ STR_INIT("LHLO"), "NAME", "says who you are, and lists the extensions", run_ehlo,
	    SMTP_IN_LMTP, SMTP_PHASE_ANY, SMTP_STAGE_EHLO, true },
	{ STR_INIT("MAIL"), "FROM:<address> [SIZE=n] [BODY=...] [SMTPUTF8] [RET=...] [ENVID=...]",
	    "begins a mail", smtp_mail_from, SMTP_IN_BOTH, SMTP_PHASE_READY, SMTP_STAGE_MAIL,
	    false },
	{ STR_INIT("RCPT"), "TO:<address> [NOTIFY=...] [ORCPT=...]", "adds a recipient",
	    smtp_mail_to, SMTP_IN_BOTH, IN_MAIL, SMTP_STAGE_RCPT, false },
	{ STR_INIT("DATA"), "", "the mail itself follows, up to a line with a dot alone",
	    smtp_mail_data, SMTP_IN_BOTH, SMTP_PHASE_RECIPIENTS, SMTP_STAGE_DATA, false },
	{ STR_INIT("RSET"), "", "forgets the mail that was begun", run_rset, SMTP_IN_BOTH,
	    SMTP_PHASE_ANY, SMTP_STAGE_NONE, false },
	{ STR_INIT("NOOP"), "", "does nothing", run_noop, SMTP_IN_BOTH, SMTP_PHASE_ANY,
	    SMTP_STAGE_NONE, true },
	{ STR_INIT("VRFY"), "ADDRESS", "says nothing about an address", run_vrfy, SMTP_IN_BOTH,
	    SMTP_PHASE_ANY, SMTP_STAGE_NONE, false },
	{ STR_INIT("EXPN"), "LIST", "is not there", run_expn, SMTP_IN_BOTH, SMTP_PHASE_ANY,
	    SMTP_STAGE_NONE, false },
	{ STR_INIT("STARTTLS"), "", "goes on by TLS", run_starttls, SMTP_IN_BOTH, SMTP_PHASE_READY,
	    SMTP_STAGE_NONE, true },
	{ STR_INIT("AUTH"), SMTP_AUTH_NAMES, "says who you are, with a password", run_auth,
	    SMTP_IN_BOTH, SMTP_PHASE_READY, SMTP_STAGE_NONE, false },
	{ STR_INIT("HELP"), "[VERB]", "lists the verbs, or explains one", run_help, SMTP_IN_BOTH,
	    SMTP_PHASE_ANY, SMTP_STAGE_NONE, false },
	{ STR_INIT("QUIT"), "", "ends the session", run_quit, SMTP_IN_BOTH, SMTP_PHASE_ANY,
	    SMTP_STAGE_QUIT, true },
};

#define N_VERBS (sizeof verbs / sizeof *verbs)

static const struct smtp_verb *
find_verb(const struct smtp_session *s, struct str name)
{
	/* four letters, as capitals, tell most of them apart */
	uint64_t begin = str_word(str_head(name, 4)) & 0xdfdfdfdf;
	size_t i;

	for (i = 0; i < N_VERBS; i++)
		if (begin == str_word(str_head(verbs[i].name, 4)) &&
		    verbs[i].dialects & s->dialect->bit && str_eq_nocase(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static void
run_help(struct smtp_session *s, struct str argument)
{
	const struct smtp_verb *verb = find_verb(s, argument);
	struct buf *b = &s->front->reply;
	size_t i;

	if (verb) {
		smtp_reply(
		    s, "214-2.0.0 %s%s%s", verb->name.p, verb->usage[0] ? " " : "", verb->usage);
		smtp_reply(s, "214 2.0.0 %s", verb->help);
		return;
	}
	if (argument.n > 0) {
		smtp_reply(s, "504 5.5.1 There is no such verb");
		return;
	}
	b->len = 0;
	for (i = 0; i < N_VERBS; i++)
		if (verbs[i].dialects & s->dialect->bit) {
			buf_add_char(b, ' ');
			buf_add_str(b, verbs[i].name);
		}
	smtp_reply(s, "214 2.0.0%.*s", STR_ARG(buf_str(b)));
}

/* Why it may not be run now; NULL when it may. */
static const char *
objection(const struct smtp_session *s, const struct smtp_verb *verb)
{
	if (!verb)
		return "500 5.5.2 There is no such verb: try HELP";
	if (s->is_unwelcome && verb->run != run_quit)
		return "503 5.5.1 You were turned away: QUIT";
	if (s->front->conf.tls == SMTP_TLS_REQUIRED && !conn_is_secure(s->conn) &&
	    !verb->is_for_all)
		return "530 5.7.0 Must issue a STARTTLS command first";
	if (verb->phases & s->phase)
		return verb->run == smtp_mail_from && s->front->conf.users && !s->is_authenticated
		    ? "530 5.7.0 Must authenticate first"
		    : NULL;
	if (s->phase == SMTP_PHASE_NEW)
		return s->dialect->bit == SMTP_IN_LMTP ? "503 5.5.1 Say LHLO first"
						       : "503 5.5.1 Say EHLO or HELO first";
	if (verb->phases == SMTP_PHASE_READY)
		return "503 5.5.1 A mail is under way: finish it, or RSET";
	return s->phase == SMTP_PHASE_SENDER ? "503 5.5.1 There is no recipient yet: RCPT first"
					     : "503 5.5.1 There is no sender yet: MAIL first";
}

/* The verb's stage has begun, and its delay is over. */
static void
verb_step(struct smtp_session *s)
{
	const struct smtp_verb *verb = s->verb;

	if (verb->stage == SMTP_STAGE_NONE || smtp_stage_passes(s, verb->stage, 1))
		verb->run(s, s->argument);
}

void
smtp_execute(struct smtp_session *s, struct str line)
{
	struct smtp_command command;
	const char *why;

	smtp_parse_command(line, &command);
	s->verb = find_verb(s, command.verb);
	if (s->verb ? http_is_request(line) : smtp_parse_is_http(line)) {
		smtp_session_drop(s);
		return;
	}
	why = objection(s, s->verb);
	s->argument = command.rest;
	if (why)
		smtp_reply(s, "%s", why);
	else if (s->verb->stage == SMTP_STAGE_NONE)
		verb_step(s);
	else
		smtp_stage_begin(s, s->verb->stage, verb_step);
	s->argument = s->held ? s->argument : (struct str){ NULL, 0 };
}
