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

static void
add_entry(struct buf *b, const struct conf_key *key, const void *base)
{
	struct buf value = { 0 };

	key->type->format(key, &value, (const char *)base + key->offset);
	conf_file_add(b, key->name, buf_str(&value));
	buf_add_char(b, '\n');
	buf_fini(&value);
}

static void
add_instance(struct buf *b, const struct conf_family *family, const struct conf_instance *instance)
{
	buf_printf(b, "\n[%s %s]\n", family->section, instance->name);
	for (size_t k = 0; k < family->n; k++)
		if (instance->given >> k & 1)
			add_entry(b, &family->keys[k], instance);
}

static void
add_family_help(struct buf *b, const struct conf_family *family)
{
	buf_printf(b, "\n; [%s NAME]\n", family->section);
	add_help(b, str_of(family->help));
	for (size_t k = 0; k < family->n; k++) {
		buf_add_lit(b, ";\n");
		add_help(b, str_of(family->keys[k].help));
		buf_printf(b, "; %s =\n", family->keys[k].name);
	}
}

void
conf_print(const struct conf_table *table, const void *settings, bool with_help, struct buf *b)
{
	const char *section = NULL;

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
		add_entry(b, key, settings);
	}
	for (size_t f = 0; f < table->n_families; f++) {
		const struct conf_family *family = &table->families[f];
		const struct conf_instances *all =
		    (const void *)((const char *)settings + family->offset);

		for (size_t i = 0; i < all->n; i++)
			add_instance(b, family, all->items[i]);
	}
	for (size_t f = 0; with_help && f < table->n_families; f++)
		add_family_help(b, &table->families[f]);
}
