/*
 * Owns how faults are written and drawn. Keeps no state: what counts comes in with the place, so a
 * draw changes with nothing else.
 */
#include "front/smtp_fault.h"

#include <stdlib.h>

#include "base/decimal.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/draw.h"
#include "core/outcome.h"

#define REPLY_OCTETS_MAX \
	500 /* with its CRLF a reply line has 512 at most (RFC 5321 §4.5.3.1.5) \
	     */

const char *const smtp_stage_names[SMTP_STAGES] = {
	[SMTP_STAGE_CONNECT] = "connect",
	[SMTP_STAGE_EHLO] = "ehlo",
	[SMTP_STAGE_MAIL] = "mail",
	[SMTP_STAGE_RCPT] = "rcpt",
	[SMTP_STAGE_DATA] = "data",
	[SMTP_STAGE_EOM] = "eom",
	[SMTP_STAGE_QUIT] = "quit",
};

enum smtp_stage
smtp_stage_find(struct str name)
{
	int i;

	for (i = 0; i < SMTP_STAGES; i++)
		if (str_eq(name, str_of(smtp_stage_names[i])))
			break;
	return (enum smtp_stage)i;
}

const char *
smtp_stage_check(struct str name)
{
	return smtp_stage_find(name) == SMTP_STAGE_NONE
	    ? "is not one of connect ehlo mail rcpt data eom quit"
	    : NULL;
}

/* Takes a chance from the front of *s. */
static const char *
take_chance(struct str *s, struct smtp_chance *out)
{
	struct smtp_chance chance = { 0 };
	struct str word = str_next_word(s);
	const char *wrong;

	if (str_eq(word, STR("first")))
		wrong = text_parse_u63(str_next_word(s), &chance.first) == NULL
		    ? NULL
		    : "needs a whole number behind first";
	else
		wrong = decimal_parse_percent(word, &chance.share) == NULL
		    ? NULL
		    : "starts neither with a share such as 5% nor with a number such as first 3";
	if (!wrong)
		*out = chance;
	return wrong;
}

const char *
smtp_chance_parse(struct str s, struct smtp_chance *out)
{
	struct smtp_chance chance = { 0 };
	const char *wrong = NULL;

	s = str_trim(s);
	if (s.n > 0)
		wrong = take_chance(&s, &chance);
	if (!wrong && str_trim(s).n > 0)
		wrong = "has something behind it";
	if (!wrong)
		*out = chance;
	return wrong;
}

void
smtp_chance_format(struct buf *b, const struct smtp_chance *chance)
{
	if (chance->first > 0)
		buf_printf(b, "first %lu", chance->first);
	else if (chance->share > 0)
		decimal_format_percent(b, chance->share);
}

static bool
is_plain(struct str s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || (unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

/* "451 4.7.1 text" */
static const char *
check_reply(struct str reply)
{
	struct str rest = reply, code = str_next_word(&rest), dsn = str_next_word(&rest);

	if (code.n != 3 || (code.p[0] != '4' && code.p[0] != '5') || code.p[1] < '0' ||
	    code.p[1] > '5' || code.p[2] < '0' || code.p[2] > '9')
		return "needs an SMTP code such as 451 or 550 behind the chance";
	if (dsn.n == 0)
		return "needs a text behind the code";
	if (dsn.n > 1 && dsn.p[1] == '.' && outcome_check_dsn(dsn) != NULL)
		return "has an enhanced status code that is none";
	if (dsn.n > 1 && dsn.p[1] == '.' && dsn.p[0] != code.p[0])
		return "has an enhanced status code of another class than the code";
	if (!is_plain(reply))
		return "has something else than printable ASCII in its text";
	return reply.n > REPLY_OCTETS_MAX ? "is longer than 500 octets" : NULL;
}

const char *
smtp_fail_parse(struct str s, struct smtp_fail *out)
{
	struct smtp_chance chance = { 0 };
	const char *wrong = NULL;

	s = str_trim(s);
	if (s.n > 0) {
		wrong = take_chance(&s, &chance);
		s = str_trim(s);
		if (!wrong)
			wrong = check_reply(s);
	}
	if (wrong)
		return wrong;
	free(out->reply);
	out->chance = chance;
	out->reply = s.n > 0 ? mem_copy_str(s) : NULL;
	return NULL;
}

void
smtp_fail_format(struct buf *b, const struct smtp_fail *fail)
{
	if (!fail->reply)
		return;
	if (fail->chance.first == 0 && fail->chance.share == 0)
		buf_add_lit(b, "0%");
	smtp_chance_format(b, &fail->chance);
	buf_add_char(b, ' ');
	buf_add_str(b, str_of(fail->reply));
}

void
smtp_fail_fini(struct smtp_fail *fail)
{
	free(fail->reply);
	*fail = (struct smtp_fail){ 0 };
}

static bool
happens(const struct smtp_chance *chance, const struct smtp_fault_place *at, uint64_t key,
    enum draw_purpose purpose)
{
	if (chance->first > 0)
		return at->total <= chance->first;
	return chance->share > 0 &&
	    draw_unit(draw_bits(key, at->count, purpose)) * (double)DECIMAL_ONE <
	    (double)chance->share;
}

static uint64_t
key_of(const struct smtp_fault_place *at)
{
	return draw_key_nth(at->seed, str_of(smtp_stage_names[at->stage]), at->session);
}

static bool
is_never(const struct smtp_chance *chance)
{
	return chance->first == 0 && chance->share == 0;
}

/* Most stages have none, and what is drawn for nothing costs as much. */
static bool
is_none(const struct smtp_fault_conf *conf)
{
	return conf->delay.kind == LATENCY_FIXED && conf->delay.value[LATENCY_FIRST] == 0 &&
	    is_never(&conf->drop) && is_never(&conf->fail.chance);
}

void
smtp_fault_draw(
    const struct smtp_fault_conf *conf, const struct smtp_fault_place *at, struct smtp_fault *out)
{
	uint64_t key;

	*out = (struct smtp_fault){ 0 };
	if (is_none(conf))
		return;
	key = key_of(at);
	out->delay_ns = latency_draw(&conf->delay, draw_bits(key, at->count, DRAW_FAULT_DELAY));
	out->is_dropped = happens(&conf->drop, at, key, DRAW_FAULT_DROP);
	out->is_failed = conf->fail.reply && happens(&conf->fail.chance, at, key, DRAW_FAULT_FAIL);
}

bool
smtp_fault_drops_after(const struct smtp_fault_conf *conf, const struct smtp_fault_place *at)
{
	return !is_never(&conf->drop_after) &&
	    happens(&conf->drop_after, at, key_of(at), DRAW_FAULT_DROP_AFTER);
}
