/*
 * Owns how a configuration is written as a file: sections, keys, and help as comments.
 */
#include "base/conf.h"

#define HELP_COLUMNS 96

/* The help as comment lines, broken at spaces. */
static void
add_help(struct buf *b, struct str help)
{
	size_t column = 0;

	while (help.n > 0) {
		struct str word = str_head(help, str_find(help, ' '));

		if (column > 0 && column + 1 + word.n > HELP_COLUMNS) {
			buf_add_char(b, '\n');
			column = 0;
		}
		if (column == 0)
			buf_add_char(b, ';');
		buf_add_char(b, ' ');
		buf_add_str(b, word);
		column += word.n + (column == 0 ? 2 : 1);
		help = str_from(help, word.n + 1);
	}
	buf_add_char(b, '\n');
}

void
conf_print(const struct conf_table *table, const void *settings, bool with_help, struct buf *b)
{
	const char *section = NULL;
	struct buf value = { 0 };

	for (size_t i = 0; i < table->n; i++) {
		const struct conf_key *key = &table->keys[i];
		bool is_new = !section || strcmp(section, key->section) != 0;

		if (i > 0 && (is_new || with_help))
			buf_add_char(b, '\n');
		if (is_new)
			buf_printf(b, "[%s]\n", key->section);
		section = key->section;
		if (with_help)
			add_help(b, str_of(key->help));
		value.len = 0;
		key->type->format(key, &value, (const char *)settings + key->offset);
		conf_file_add(b, key->name, buf_str(&value));
		buf_add_char(b, '\n');
	}
	buf_fini(&value);
}
