/*
 * Families of sections, with a table of their own: how instances come to be, what they are given
 * and what they inherit, what is reported and where, how they are resolved, and that what is
 * printed reads back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/text.h"
#include "conf_scratch.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define UNUSED __attribute__((unused))

struct gadget {
	struct conf_instance head;
	uint64_t code;
};

struct place {
	struct conf_instance head;
	uint64_t number;
	int64_t duration;
	char *ref;
	char *note;
	char *local;
};

struct sample {
	uint64_t number;
	int64_t duration;
	char *ref;
	char *note;
	struct conf_instances gadgets;
	struct conf_instances places;
};

/* What finish() and resolve() were called for, in order. */
static struct buf calls;

/* A reference to a gadget, or "none". */
static bool
resolve_ref(UNUSED const struct conf_key *key, void *settings, void *field, struct buf *why)
{
	const struct sample *s = settings;
	const char *ref = *(char **)field;

	buf_printf(&calls, "%s.ref=%s ", key->section, ref);
	for (size_t i = 0; i < s->gadgets.n; i++)
		if (strcmp(s->gadgets.items[i]->name, ref) == 0)
			return true;
	if (strcmp(ref, "none") == 0)
		return true;
	buf_printf(why, "there is no gadget %s", ref);
	return false;
}

static const char *
parse_text(const struct conf_key *key, struct str value, void *field)
{
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

static const struct conf_type type_ref = { parse_text, format_text, fini_text, resolve_ref };

static bool
finish_gadget(struct conf_instance *instance, void *settings, struct buf *why)
{
	const struct gadget *g = (const void *)instance;

	assert_true(((const struct sample *)settings)->gadgets.n > 0);
	buf_printf(&calls, "%s:%d ", instance->name, (int)g->code);
	if (instance->given != 0)
		return true;
	buf_add_lit(why, "needs a code");
	return false;
}

static const char *
check_place(struct str name)
{
	return str_find(name, ' ') < name.n ? "is no place" : NULL;
}

static const struct conf_key keys[] = {
	{ "base", "number", &conf_type_number, offsetof(struct sample, number), "5", 1, 100, false,
	    "A number." },
	{ "base", "duration", &conf_type_duration, offsetof(struct sample, duration), "1s", 0, 0,
	    true, "A duration." },
	{ "base", "ref", &type_ref, offsetof(struct sample, ref), "none", 0, 0, false,
	    "A reference." },
	{ "base", "note", &conf_type_text, offsetof(struct sample, note), "n", 0, 0, false,
	    "A note." },
};

static const struct conf_key gadget_keys[] = {
	{ "gadget", "code", &conf_type_number, offsetof(struct gadget, code), NULL, 1, 999, false,
	    "Help of the code." },
};

static const struct conf_key place_keys[] = {
	{ "place", "number", &conf_type_number, offsetof(struct place, number), NULL, 1, 50, false,
	    "Help of the number." },
	{ "place", "duration", &conf_type_duration, offsetof(struct place, duration), NULL, 0, 0,
	    false, "Help of the duration." },
	{ "place", "ref", &type_ref, offsetof(struct place, ref), NULL, 0, 0, false,
	    "Help of the reference." },
	{ "place", "note", &conf_type_text, offsetof(struct place, note), NULL, 0, 0, false,
	    "Help of the note.", true },
	{ "place", "local", &conf_type_text, offsetof(struct place, local), NULL, 0, 0, false,
	    "Help of what has no other." },
};

static const struct conf_family families[] = {
	{ .section = "gadget",
	    .keys = gadget_keys,
	    .n = COUNT(gadget_keys),
	    .size = sizeof(struct gadget),
	    .offset = offsetof(struct sample, gadgets),
	    .finish = finish_gadget,
	    .help = "Help of gadgets." },
	{ .section = "place",
	    .keys = place_keys,
	    .n = COUNT(place_keys),
	    .size = sizeof(struct place),
	    .offset = offsetof(struct sample, places),
	    .ignores_case = true,
	    .check_name = check_place,
	    .base = "base",
	    .help = "Help of places." },
};

static const struct conf_table table = { keys, COUNT(keys), sizeof(struct sample), families,
	COUNT(families) };

/* All instances, and what they have; in brackets what they were not given. */
static const char *
describe(const struct sample *s)
{
	struct buf b = { 0 };
	const char *text;

	for (size_t f = 0; f < COUNT(families); f++) {
		const struct conf_instances *all = f == 0 ? &s->gadgets : &s->places;

		for (size_t i = 0; i < all->n; i++) {
			const char *base = (const void *)all->items[i];

			buf_printf(&b, "%s:", all->items[i]->name);
			for (size_t k = 0; k < families[f].n; k++) {
				const struct conf_key *key = &families[f].keys[k];
				bool is_given = all->items[i]->given >> k & 1;

				buf_add_str(&b, is_given ? STR(" ") : STR(" ("));
				key->type->format(key, &b, base + key->offset);
				buf_add_str(&b, is_given ? STR("") : STR(")"));
			}
			buf_add_char(&b, '\n');
		}
	}
	text = conf_scratch_str(&b);
	buf_fini(&b);
	return text;
}

/* Loads, with file as the text of a file if it is not NULL; F in problems stands for its path. */
static void
expect_load(const char *file, const char *const *options, const char *const *variables,
    struct sample *s, const char *problems)
{
	struct conf_sources from = { NULL, file ? conf_scratch_path() : NULL, options, variables,
		"T_" };
	struct buf expected = conf_scratch_expand(problems);
	struct conf_problems p = { 0 };
	bool is_good;

	if (file)
		conf_scratch_write(str_of(file));
	calls.len = 0;
	is_good = conf_load(&table, &from, s, &p);
	assert_string_equal(conf_scratch_str(&p.lines), expected.data);
	assert_int_equal(is_good, p.count == 0);
	buf_fini(&expected);
	conf_problems_fini(&p);
	unlink(conf_scratch_path());
}

static void
test_where_instances_come_from(void **state)
{
	static const struct {
		const char *file;
		const char *options[4], *variables[4];
		const char *described;
	} cases[] = {
		{ "", { NULL }, { NULL }, "" },
		/* a section line alone makes one; a second one goes on with the first */
		{ "[place b.test]\n[place a]\n", { NULL }, { NULL },
		    "b.test: (5) (1s) (none) () ()\na: (5) (1s) (none) () ()\n" },
		{ "[place a]\nnumber=2\n[gadget g]\ncode=1\n[place   A\t]\nlocal=l\n", { NULL },
		    { NULL }, "g: 1\na: 2 (1s) (none) () l\n" },
		{ "[gadget g]\ncode=1\n[gadget G h]\ncode=2\n", { NULL }, { NULL },
		    "g: 1\nG h: 2\n" },
		/* variables know what the file has, options know everything */
		{ "[place slow.test]\nnumber=2\nduration=2s\nnote=x\n",
		    { "place slow.test.number=4", "place  slow.test .local=a.b=c",
			"place new.test.number=9", NULL },
		    { "T_PLACE_SLOW_TEST_NUMBER=3", "T_PLACE_SLOW_TEST_DURATION=3s",
			"T_PLACE_NEW_TEST_NOTE=ignored", NULL },
		    "slow.test: 4 3s (none) x a.b=c\nnew.test: 9 (1s) (none) () ()\n" },
		/* what the base section has in the end is inherited */
		{ "[place a]\nlocal=l\n[base]\nnumber=7\nduration=7s\nnote=x\n",
		    { "base.duration=8s", NULL }, { "T_BASE_REF=none", NULL },
		    "a: (7) (8s) (none) () l\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sample s = { 0 };

		expect_load(cases[i].file, cases[i].options, cases[i].variables, &s, "");
		assert_string_equal(describe(&s), cases[i].described);
		conf_free(&table, &s);
		assert_null(s.places.items);
		assert_int_equal(s.places.n, 0);
		assert_int_equal(s.gadgets.n, 0);
	}
}

static void
test_problems_of_a_file(void **state)
{
	static const char long_name[] =
	    "[place 3456789.123456789.123456789.123456789.123456789]\nnumber=x\n";
	static const char *const cases[][2] = {
		{ "[place slow.test]\nnumber=x\nnumber=51\n[place  "
		  "slow.test]\n\nlocal=l\nlocal=l\n",
		    "F:2: place slow.test.number: is not a whole number\n"
		    "F:3: place slow.test.number: given twice, first in line 2\n"
		    "F:3: place slow.test.number: is out of range: 1 to 50\n"
		    "F:7: place slow.test.local: given twice, first in line 6\n" },
		{ "[place  a]\nnumbr=1\nwhatever=1\ncode=1\n[base]\nlocal=1\n[place b]\nbase=1\n",
		    "F:2: place  a.numbr: unknown key; did you mean place a.number?\n"
		    "F:3: place  a.whatever: unknown key\n"
		    "F:4: place  a.code: unknown key; did you mean gadget NAME.code?\n"
		    "F:6: base.local: unknown key; did you mean place NAME.local?\n"
		    "F:8: place b.base: unknown key\n" },
		/* the keys of a section that is none are not worth a line each */
		{ "[place]\nnumber=x\n[place ]\nnumber=x\n",
		    "F:1: [place] needs a name: [place NAME]\n"
		    "F:3: [place] needs a name: [place NAME]\n" },
		{ "[place a b]\nnumber=x\n", "F:1: [place a b]: is no place\n" },
		{ "[place a\tb]\nnumber=x\n", "F:1: [place a?b]: holds a control character\n" },
		{ "[palce a]\nnumber=x\n",
		    "F:1: unknown section [palce a]; did you mean [place NAME]?\n" },
		{ "[gadgt]\n[place.x]\n[gadgets:x]\n[bas]\n[other x]\n[ place x]\n[places]\n",
		    "F:1: unknown section [gadgt]; did you mean [gadget NAME]?\n"
		    "F:2: unknown section [place.x]; did you mean [place NAME]?\n"
		    "F:3: unknown section [gadgets:x]; did you mean [gadget NAME]?\n"
		    "F:4: unknown section [bas]; did you mean [base]?\n"
		    "F:5: unknown section [other x]\n"
		    "F:6: unknown section [ place x]\n"
		    "F:7: unknown section [places]; did you mean [place NAME]?\n" },
		{ long_name, "F:1: the name of this section is longer than 49 octets\n" },
		/* what is inherited has to keep to the instance's range */
		{ "[base]\nnumber=51\n[place a]\n[place b]\nnumber=1\n",
		    "F:2: place a.number: is out of range: 1 to 50\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sample s = { 0 };

		expect_load(cases[i][0], NULL, NULL, &s, cases[i][1]);
		assert_int_equal(calls.len, 0);
		conf_free(&table, &s);
	}
}

static void
test_problems_of_options_and_variables(void **state)
{
	static const char *const options[] = { "place.number=1", "place .number=1",
		"place a.nmber=1", "place a.number=0", "palce x.number=1", "place.x.number=1",
		"place a]b.number=1", "gadget a\nb.code=1", "gadget \xff.code=1",
		"gadget a ;b.code=1", "gadget #.code=1",
		"gadget 23456789.123456789.123456789.123456789.123.code=1",
		"gadget 23456789.123456789.123456789.123456789.1234.code=1", "place a b.number=1",
		"other x.y=1", NULL };
	static const char *const variables[] = { "T_PLACE_A_B_NUMBER=1", "T_PLACE_C_NUMBER=x",
		"T_PLACE=1", "T_PLACE_NUMBER=1", NULL };
	struct sample s = { 0 };

	(void)state;
	expect_load("[place a.b]\n[place a-b]\n[place c]\n", options, variables, &s,
	    "T_PLACE_A_B_NUMBER: may mean place a.b.number or place a-b.number\n"
	    "T_PLACE_C_NUMBER: place c.number: is not a whole number\n"
	    "-o: [place] needs a name: [place NAME]\n"
	    "-o: [place] needs a name: [place NAME]\n"
	    "-o: place a.nmber: unknown key; did you mean place a.number?\n"
	    "-o: place a.number: is out of range: 1 to 50\n"
	    "-o: palce x.number: unknown key; did you mean place x.number?\n"
	    "-o: place.x.number: unknown key; did you mean place x.number?\n"
	    "-o: [place a]b]: holds a ]\n"
	    "-o: [gadget a?b]: holds a control character\n"
	    "-o: [gadget \xff]: is not UTF-8 without NUL octets\n"
	    "-o: [gadget a ;b]: holds a comment sign after a blank\n"
	    "-o: [gadget #]: holds a comment sign after a blank\n"
	    "-o: [gadget 23456789.123456789.123456789.123456789.1234]: is longer than 49 octets\n"
	    "-o: [place a b]: is no place\n"
	    "-o: other x.y: unknown key\n");
	conf_free(&table, &s);
}

static void
test_how_many_there_may_be(void **state)
{
	struct buf text = { 0 };
	struct sample s = { 0 };
	const char *const options[] = { "place p1002.number=1", "place p7.number=7",
		"gadget g.code=1", NULL };

	(void)state;
	for (unsigned i = 1; i <= 1000; i++)
		buf_printf(&text, "[place p%u]\n", i);
	buf_add_char(&text, '\0');
	expect_load(text.data, options + 1, NULL, &s, "");
	assert_int_equal(s.places.n, 1000);
	assert_string_equal(s.places.items[999]->name, "p1000");
	assert_int_equal(((struct place *)(void *)s.places.items[6])->number, 7);
	conf_free(&table, &s);
	text.len--;
	buf_add_lit(&text, "[place p1001]\nnumber=x\n[place p1]\nnumber=1\n[place p1001]\n");
	buf_add_char(&text, '\0');
	expect_load(text.data, options, NULL, &s,
	    "F:1001: [place p1001]: there are 1000 such sections before it, the most there may "
	    "be\n");
	conf_free(&table, &s);
	buf_fini(&text);
}

/* Who is called, in which order, and with which origin a problem is told. */
static void
test_resolving(void **state)
{
	static const struct {
		const char *file;
		const char *options[3], *variables[3];
		const char *called, *problems;
	} cases[] = {
		{ "[place a]\nref=g\n[place b]\n[gadget h]\ncode=2\n[gadget g]\ncode=1\n"
		  "[base]\nref=h\n",
		    { NULL }, { NULL }, "h:2 g:1 place.ref=g base.ref=h place.ref=h ", "" },
		{ "[place a]\nref=g\n", { "gadget g.code=1", NULL }, { NULL },
		    "g:1 place.ref=g base.ref=none ", "" },
		/* of an instance */
		{ "[place a.b]\nref=x\n", { NULL }, { NULL }, "place.ref=x base.ref=none ",
		    "F:2: place a.b.ref: there is no gadget x\n" },
		{ "[place a]\nref=none\n", { "place a.ref=y", NULL }, { "T_PLACE_A_REF=x", NULL },
		    "place.ref=y base.ref=none ", "-o: place a.ref: there is no gadget y\n" },
		{ "[place a]\nref=none\n", { NULL }, { "T_PLACE_A_REF=x", NULL },
		    "place.ref=x base.ref=none ",
		    "T_PLACE_A_REF: place a.ref: there is no gadget x\n" },
		/* of the base section: told once, not for all who have it from there */
		{ "[base]\nref=x\n[place a]\n[place b]\nref=y\n", { NULL }, { NULL },
		    "place.ref=y base.ref=x ",
		    "F:5: place b.ref: there is no gadget y\n"
		    "F:2: base.ref: there is no gadget x\n" },
		{ "[base]\nref=x\n", { NULL }, { "T_BASE_REF=y", NULL }, "base.ref=y ",
		    "T_BASE_REF: base.ref: there is no gadget y\n" },
		/* a gadget that cannot be finished ends it, when all gadgets were looked at */
		{ "[gadget h]\ncode=1\n[gadget g]\n[place a]\nref=x\n[gadget g]\n",
		    { "gadget i.code=1", NULL }, { NULL }, "h:1 g:0 i:1 ",
		    "F:3: [gadget g]: needs a code\n" },
		/* nothing is resolved after another problem */
		{ "[gadget g]\n[place a]\nref=x\nnumber=x\n", { NULL }, { NULL }, "",
		    "F:4: place a.number: is not a whole number\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct sample s = { 0 };

		expect_load(
		    cases[i].file, cases[i].options, cases[i].variables, &s, cases[i].problems);
		assert_string_equal(conf_scratch_str(&calls), cases[i].called);
		conf_free(&table, &s);
	}
}

/* What an instance alone makes of an inherited value is told with the origin of that. */
static bool
resolve_odd(const struct conf_key *key, UNUSED void *settings, void *field, struct buf *why)
{
	bool is_good = *(uint64_t *)field % 2 == 1 || strcmp(key->section, "base") == 0;

	if (!is_good)
		buf_add_lit(why, "is even");
	return is_good;
}

static void
test_resolving_what_is_inherited(void **state)
{
	struct conf_type type = conf_type_number;
	struct conf_key odd_keys[COUNT(keys)], odd_place_keys[COUNT(place_keys)];
	struct conf_family family = families[1];
	struct conf_table odd = { odd_keys, COUNT(keys), sizeof(struct sample), &family, 1 };
	static const char *const presets[] = { "base.number=4", NULL };
	struct conf_sources from = { .presets = presets, .file = conf_scratch_path() };
	struct sample s = { 0 };
	struct conf_problems p = { 0 };
	struct buf expected;

	(void)state;
	memcpy(odd_keys, keys, sizeof keys);
	memcpy(odd_place_keys, place_keys, sizeof place_keys);
	type.resolve = resolve_odd;
	odd_keys[0].type = odd_place_keys[0].type = &type;
	family.keys = odd_place_keys;

	conf_scratch_write(STR("[place a]\n[base]\nnumber=2\n[place b]\nnumber=3\n[place c]\n"));
	assert_false(conf_load(&odd, &from, &s, &p));
	conf_free(&odd, &s);
	/* without an origin when nobody set it */
	conf_scratch_write(STR("[place a]\n"));
	assert_false(conf_load(&odd, &from, &s, &p));
	conf_free(&odd, &s);
	/* and so is a default */
	odd_keys[2].preset = "x";
	conf_scratch_write(STR("[base]\nnumber=1\n"));
	assert_false(conf_load(&odd, &from, &s, &p));
	conf_free(&odd, &s);

	expected =
	    conf_scratch_expand("F:3: place a.number: is even\nF:3: place c.number: is even\n"
				"place a.number: is even\nbase.ref: there is no gadget x\n");
	assert_string_equal(conf_scratch_str(&p.lines), expected.data);
	buf_fini(&expected);
	conf_problems_fini(&p);
	unlink(conf_scratch_path());
}

static void
test_prints(void **state)
{
	static const char file[] =
	    "[place a.b]\nnote = \" x\"\nnumber=3\n[gadget  G;h]\ncode=1\n[place C]\n[place c]\n";
	static const char plain[] = "[base]\nnumber = 5\nduration = 1s\nref = none\nnote = n\n";
	static const char instances[] =
	    "\n[gadget G;h]\ncode = 1\n\n[place a.b]\nnumber = 3\nnote = \" x\"\n\n[place C]\n";
	static const char help[] =
	    "\n; [gadget NAME]\n; Help of gadgets.\n;\n; Help of the code.\n; code =\n"
	    "\n; [place NAME]\n; Help of places.\n;\n; Help of the number.\n; number =\n;\n"
	    "; Help of the duration.\n; duration =\n;\n; Help of the reference.\n; ref =\n;\n"
	    "; Help of the note.\n; note =\n;\n; Help of what has no other.\n; local =\n";
	struct sample s = { 0 }, back = { 0 };
	struct buf b = { 0 }, expected = { 0 };

	(void)state;
	expect_load(file, NULL, NULL, &s, "");
	conf_print(&table, &s, false, &b);
	buf_printf(&expected, "%s%s", plain, instances);
	buf_add_char(&expected, '\0');
	assert_string_equal(conf_scratch_str(&b), expected.data);
	b.len = expected.len = 0;
	conf_print(&table, &s, true, &b);
	buf_printf(&expected,
	    "[base]\n; A number.\nnumber = 5\n\n; A duration.\nduration = 1s\n\n; A reference.\n"
	    "ref = none\n\n; A note.\nnote = n\n%s%s",
	    instances, help);
	buf_add_char(&expected, '\0');
	assert_string_equal(conf_scratch_str(&b), expected.data);
	buf_fini(&expected);

	buf_add_char(&b, '\0');
	expect_load(b.data, NULL, NULL, &back, "");
	expected = (struct buf){ 0 };
	buf_add_str(&expected, str_of(describe(&s)));
	buf_add_char(&expected, '\0');
	assert_string_equal(describe(&back), expected.data);
	buf_fini(&expected);
	buf_fini(&b);
	conf_free(&table, &s);
	conf_free(&table, &back);
}

/* Any name that is accepted is printed so that it reads back as itself. */
static void
test_names_read_back(void **state)
{
	static const char alphabet[] = "aB[]:;#\"\\ \t\n{}'\xc3\xbc/";
	unsigned short seed[3] = { 7, 8, 9 };
	unsigned accepted = 0, i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		char option[256] = "gadget ";
		const char *const options[] = { option, NULL };
		struct conf_sources from = { .options = options };
		struct conf_problems p = { 0 };
		struct sample s = { 0 }, back = { 0 };
		struct buf b = { 0 };
		size_t at = strlen(option), n = 1 + (size_t)nrand48(seed) % (i % 2 ? 4 : 46);

		for (; n > 0; n--)
			option[at++] = alphabet[nrand48(seed) % (long)(sizeof alphabet - 1)];
		memcpy(option + at, ".code=1", sizeof ".code=1");
		if (conf_load(&table, &from, &s, &p)) {
			conf_print(&table, &s, i % 4 < 2, &b);
			buf_add_char(&b, '\0');
			expect_load(b.data, NULL, NULL, &back, "");
			assert_int_equal(back.gadgets.n, 1);
			assert_string_equal(back.gadgets.items[0]->name, s.gadgets.items[0]->name);
			conf_free(&table, &back);
			buf_fini(&b);
			accepted++;
		}
		conf_problems_fini(&p);
		conf_free(&table, &s);
	}
	assert_true(accepted > 500 && accepted < i);
}

static void
test_a_reload_may_change_all(void **state)
{
	static const char *const some[] = { "place a.duration=2s", NULL };
	struct sample a = { 0 }, b = { 0 };
	struct conf_problems p = { 0 };

	(void)state;
	expect_load(NULL, NULL, NULL, &a, "");
	expect_load(NULL, some, NULL, &b, "");
	assert_true(conf_check_fixed(&table, &a, &b, &p));
	conf_free(&table, &a);
	conf_free(&table, &b);
}

static int
fini_calls(void **state)
{
	(void)state;
	buf_fini(&calls);
	return 0;
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_where_instances_come_from),
		cmocka_unit_test(test_problems_of_a_file),
		cmocka_unit_test(test_problems_of_options_and_variables),
		cmocka_unit_test(test_how_many_there_may_be),
		cmocka_unit_test(test_resolving),
		cmocka_unit_test(test_resolving_what_is_inherited),
		cmocka_unit_test(test_prints),
		cmocka_unit_test(test_names_read_back),
		cmocka_unit_test(test_a_reload_may_change_all),
	};

	return cmocka_run_group_tests(tests, NULL, fini_calls);
}
