/*
 * Owns what an address can say of its outcome.
 */
#include "core/magic.h"

#include "core/address.h"

#define TEXT(literal) \
	{ \
		literal, sizeof(literal) - 1 \
	}

/* Names that the simulator addresses of Amazon SES, Postmark and Resend have made common. */
static const struct {
	struct str local;
	struct str outcome;
} aliases[] = {
	{ TEXT("success"), TEXT("delivered") },
	{ TEXT("bounce"), TEXT("user_unknown") },
	{ TEXT("bounced"), TEXT("user_unknown") },
	{ TEXT("hardbounce"), TEXT("user_unknown") },
	{ TEXT("softbounce"), TEXT("mailbox_full") },
	{ TEXT("complaint"), TEXT("delivered") },
	{ TEXT("complained"), TEXT("delivered") },
	{ TEXT("spamcomplaint"), TEXT("delivered") },
	{ TEXT("ooto"), TEXT("delivered") },
	{ TEXT("blackhole"), TEXT("delivered") },
	{ TEXT("suppressionlist"), TEXT("suppressed") },
};

/* The last tag: "greylisted", "greylisted=3". One that names no outcome says nothing. */
static enum magic_status
read_tag(const struct outcome_set *set, struct str tag, struct fate_step *out, struct buf *why)
{
	size_t sign = str_find(tag, '=');
	struct str until = sign < tag.n ? str_from(tag, sign + 1) : (struct str){ NULL, 0 };
	struct buf ignored = { 0 };
	enum fate_status status =
	    fate_parse_step(set, str_head(tag, sign), until, out, why ? why : &ignored);

	buf_fini(&ignored);
	return status == FATE_OK ? MAGIC_CHOSEN : MAGIC_MALFORMED;
}

static uint16_t
find_code(const struct outcome_set *set, struct str local)
{
	unsigned code = 0;
	size_t i;

	if (local.n < 4 || local.p[3] != '-')
		return OUTCOME_NONE;
	for (i = 0; i < 3; i++) {
		if (local.p[i] < '0' || local.p[i] > '9')
			return OUTCOME_NONE;
		code = code * 10 + (unsigned)(local.p[i] - '0');
	}
	return outcome_find_code(set, code);
}

static uint16_t
find_local(const struct outcome_set *set, struct str local)
{
	uint16_t id = outcome_find(set, local);
	size_t i;

	for (i = 0; id == OUTCOME_NONE && i < sizeof aliases / sizeof aliases[0]; i++)
		if (str_eq_nocase(local, aliases[i].local))
			id = outcome_find(set, aliases[i].outcome);
	return id != OUTCOME_NONE ? id : find_code(set, local);
}

enum magic_status
magic_read(
    const struct outcome_set *set, struct str address, struct fate_step *out, struct buf *why)
{
	struct str local = address_local(address), tag, name;
	const char *plus = local.n > 0 ? memrchr(local.p, '+', local.n) : NULL;

	if (plus) {
		tag = str_from(local, (size_t)(plus - local.p) + 1);
		name = str_head(tag, str_find(tag, '='));
		if (name.n > 0 && outcome_find(set, name) != OUTCOME_NONE)
			return read_tag(set, tag, out, why);
		local = str_head(local, str_find(local, '+'));
	}
	out->outcome = local.n > 0 ? find_local(set, local) : OUTCOME_NONE;
	if (out->outcome == OUTCOME_NONE)
		return MAGIC_NONE;
	out->until = outcome_get(set, out->outcome)->until;
	return MAGIC_CHOSEN;
}
