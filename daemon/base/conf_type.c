/*
 * Owns the kinds of configuration values that know nothing of mail: how each is read, written and
 * freed.
 */
#include "base/conf.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/text.h"

const char conf_out_of_range[] = "is out of range";

static const char *
check_range(const struct conf_key *key, int64_t v)
{
	bool is_bounded = key->min != 0 || key->max != 0;

	return is_bounded && (v < key->min || v > key->max) ? conf_out_of_range : NULL;
}

static const char *
parse_number(const struct conf_key *key, struct str value, void *field)
{
	uint64_t v = 0;
	const char *wrong = text_parse_u63(value, &v);

	if (!wrong)
		wrong = check_range(key, (int64_t)v);
	if (!wrong)
		*(uint64_t *)field = v;
	return wrong;
}

static void
format_number(__attribute__((unused)) const struct conf_key *key, struct buf *b, const void *field)
{
	buf_add_u64(b, *(const uint64_t *)field);
}

static const char *
parse_duration(const struct conf_key *key, struct str value, void *field)
{
	int64_t ns = 0;
	const char *wrong = text_parse_duration(value, &ns);

	if (!wrong)
		wrong = check_range(key, ns);
	if (!wrong)
		*(int64_t *)field = ns;
	return wrong;
}

static void
format_duration(
    __attribute__((unused)) const struct conf_key *key, struct buf *b, const void *field)
{
	text_format_duration(b, *(const int64_t *)field);
}

static const char *
parse_size(const struct conf_key *key, struct str value, void *field)
{
	uint64_t octets = 0;
	const char *wrong = text_parse_size(value, &octets);

	if (!wrong)
		wrong = check_range(key, (int64_t)octets);
	if (!wrong)
		*(uint64_t *)field = octets;
	return wrong;
}

static void
format_size(__attribute__((unused)) const struct conf_key *key, struct buf *b, const void *field)
{
	text_format_size(b, *(const uint64_t *)field);
}

static const char *
parse_text(__attribute__((unused)) const struct conf_key *key, struct str value, void *field)
{
	char **text = field;

	free(*text);
	*text = mem_copy_str(value);
	return NULL;
}

static void
format_text(__attribute__((unused)) const struct conf_key *key, struct buf *b, const void *field)
{
	const char *text = *(char *const *)field;

	buf_add_str(b, str_of(text ? text : ""));
}

static void
fini_text(__attribute__((unused)) const struct conf_key *key, void *field)
{
	char **text = field;

	free(*text);
	*text = NULL;
}

static const char *
parse_mode(__attribute__((unused)) const struct conf_key *key, struct str value, void *field)
{
	unsigned mode = 0;

	for (size_t i = 0; i < value.n; i++) {
		if (value.p[i] < '0' || value.p[i] > '7')
			return "is not a file mode such as 0660";
		mode = mode * 8 + (unsigned)(value.p[i] - '0');
		if (mode > 0777)
			return "is more than 0777";
	}
	if (value.n == 0)
		return "is not a file mode such as 0660";
	*(unsigned *)field = mode;
	return NULL;
}

static void
format_mode(__attribute__((unused)) const struct conf_key *key, struct buf *b, const void *field)
{
	buf_printf(b, "%04o", *(const unsigned *)field);
}

const struct conf_type conf_type_number = { parse_number, format_number, NULL };
const struct conf_type conf_type_duration = { parse_duration, format_duration, NULL };
const struct conf_type conf_type_size = { parse_size, format_size, NULL };
const struct conf_type conf_type_text = { parse_text, format_text, fini_text };
const struct conf_type conf_type_mode = { parse_mode, format_mode, NULL };
