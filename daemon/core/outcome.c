/*
 * Owns the table of outcomes: one row each.
 */
#include "core/outcome.h"

static const struct outcome outcomes[OUTCOME_COUNT] = {
	[OUTCOME_DELIVERED] = { "delivered", 250, "2.0.0", NULL, "OK", true },
	[OUTCOME_CANCELLED] = { "cancelled", 0, NULL, NULL, NULL, false },
};

const struct outcome *
outcome_get(enum outcome_id id)
{
	return &outcomes[id];
}

static char
folded(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Without case, and as if there were no '-' and '_'. */
static bool
is_same_name(struct str a, const char *b)
{
	size_t i = 0;

	for (;;) {
		while (i < a.n && (a.p[i] == '-' || a.p[i] == '_'))
			i++;
		while (*b == '-' || *b == '_')
			b++;
		if (i == a.n || *b == '\0')
			return i == a.n && *b == '\0';
		if (folded(a.p[i++]) != folded(*b++))
			return false;
	}
}

enum outcome_id
outcome_find(struct str name)
{
	enum outcome_id id;

	for (id = 0; id < OUTCOME_COUNT; id++)
		if (outcomes[id].is_choosable && is_same_name(name, outcomes[id].name))
			break;
	return id;
}
