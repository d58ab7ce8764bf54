/*
 * The configuration engine with a table of its own: which source beats which, what is reported and
 * where, and that what is printed reads back.
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

struct sample {
	uint64_t number;
	int64_t duration;
	uint64_t size;
	char *text;
	char *name;
	unsigned mode;
};

static const struct conf_key keys[] = {
	{ "base", "number", &conf_type_number, offsetof(struct sample, number), "5", 1, 100, true,
	    "A number." },
	{ "base", "duration", &conf_type_duration, offsetof(struct sample, duration), "1s", 0, 0,
	    false, "A duration." },
	{ "base", "size", &conf_type_size, offsetof(struct sample, size), "4096", 64, 1 << 20,
	    false, "A size." },
	{ "text", "text", &conf_type_text, offsetof(struct sample, text), "", 0, 0, false,
	    "A text." },
	{ "text.more words", "name", &conf_type_text, offsetof(struct sample, name), "n", 0, 0,
	    true,
	    "A text that is fixed, with a help that is so long that it has to be broken "
	    "right behind column 96." },
	{ "text.more words", "mode", &conf_type_mode, offsetof(struct sample, mode), "0660", 0, 0,
	    false, "A mode." },
};

static const struct conf_table table = { keys, COUNT(keys), sizeof(struct sample) };

static void
expect_load(const struct conf_sources *from, struct sample *s, const char *problems)
{
	struct conf_problems p = { 0 };
	bool is_good = conf_load(&table, from, s, &p);

	assert_string_equal(conf_scratch_str(&p.lines), problems);
	assert_int_equal(is_good, p.count == 0);
	conf_problems_fini(&p);
}

static void
test_defaults(void **state)
{
	struct conf_sources none = { 0 };
	struct sample s = { 0 };

	(void)state;
	expect_load(&none, &s, "");
	assert_int_equal(s.number, 5);
	assert_int_equal(s.duration, TEXT_NS_PER_S);
	assert_int_equal(s.size, 4096);
	assert_string_equal(s.text, "");
	assert_string_equal(s.name, "n");
	assert_int_equal(s.mode, 0660);
	conf_free(&table, &s);
	assert_null(s.text);
}

static void
test_which_source_beats_which(void **state)
{
	static const char *const presets[] = { "base.number=10", "base.size=100",
		"text.text=preset", "base.duration=10s", "text.more words.name=preset", NULL };
	static const char *const environ[] = { "BASE_NUMBER=99", "T_BASE_SIZE=300",
		"T_TEXT_TEXT=environ", "T_BASE_DURATION=30s", "T_TEXT_MORE_WORDS_MODE=0600", NULL };
	static const char *const options[] = { "text.text=first", "text.text=a=b.c",
		"base.duration=40s", "text.more words.mode=0644", NULL };
	struct conf_sources from = { presets, conf_scratch_path(), options, environ, "T_" };
	struct sample s = { 0 };

	(void)state;
	conf_scratch_write(STR("[base]\nsize = 200\nduration = 20s\n[text]\ntext = file\n"));
	expect_load(&from, &s, "");
	assert_int_equal(s.number, 10);
	assert_int_equal(s.size, 300);
	assert_int_equal(s.duration, 40 * TEXT_NS_PER_S);
	assert_string_equal(s.text, "a=b.c");
	assert_string_equal(s.name, "preset");
	assert_int_equal(s.mode, 0644);
	conf_free(&table, &s);
	unlink(conf_scratch_path());
}

static void
test_problems_of_a_file(void **state)
{
	static const char *const cases[][2] = {
		{ "[base]\nnumber = x\nsize = 1\nduration = 5\n\n\nnumbr = 3\n[bse]\nk = v\n?\n",
		    "F:2: base.number: is not a whole number\n"
		    "F:3: base.size: is out of range: 64 to 1M\n"
		    "F:4: base.duration: needs a unit: us ms s m h d\n"
		    "F:7: base.numbr: unknown key; did you mean base.number?\n"
		    "F:8: unknown section [bse]; did you mean [base]?\nF:10: this line has no "
		    "=\n" },
		{ "[base]\nnumber = 1\n[text]\n[base]\nnumber = 2\nnumber = 101\n",
		    "F:5: base.number: given twice, first in line 2\n"
		    "F:6: base.number: given twice, first in line 2\n"
		    "F:6: base.number: is out of range: 1 to 100\n" },
		{ "[text]\nsize = 100\n",
		    "F:2: text.size: unknown key; did you mean base.size?\n" },
		{ "[quite other]\nwhatever = 100\n", "F:1: unknown section [quite other]\n" },
		{ "[base]\nwhatever = 100\n", "F:2: base.whatever: unknown key\n" },
		{ "[Base]\n[base]\nNumber = 100\n",
		    "F:1: unknown section [Base]; did you mean [base]?\n"
		    "F:3: base.Number: unknown key; did you mean base.number?\n" },
		{ "[text.more words]\nmode = 0999\n",
		    "F:2: text.more words.mode: is not a file mode such as 0660\n" },
		{ "[text.more words]\nmode = 01000\n",
		    "F:2: text.more words.mode: is more than 0777\n" },
		{ "[text.more words]\nmode =\n",
		    "F:2: text.more words.mode: is not a file mode such as 0660\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct conf_sources from = { .file = conf_scratch_path() };
		struct buf expected = conf_scratch_expand(cases[i][1]);
		struct sample s = { 0 };

		conf_scratch_write(str_of(cases[i][0]));
		expect_load(&from, &s, expected.data);
		conf_free(&table, &s);
		buf_fini(&expected);
	}
	unlink(conf_scratch_path());
}

/* A bad value counts even where a stronger source overrides it, and leaves what was there. */
static void
test_problems_of_options_and_variables(void **state)
{
	static const char *const environ[] = { "T_BASE_NUMBER=0", "T_BASE_SIZE=\xff",
		"T_UNKNOWN=only a warning", NULL };
	static const char *const options[] = { "base.number=7", "base.number=x", "number=3", "=",
		"base.=3", ".number=3", "base.number", "", "base.nmuber=3", "number.base=3",
		"x.y.z=1", "a\nb", "text.text=\x1b", NULL };
	struct conf_sources from = { NULL, NULL, options, environ, "T_" };
	struct sample s = { 0 };

	(void)state;
	expect_load(&from, &s,
	    "T_BASE_NUMBER: base.number: is out of range: 1 to 100\n"
	    "T_BASE_SIZE: base.size: is not UTF-8 without NUL octets\n"
	    "-o: base.number: is not a whole number\n"
	    "-o: \"number=3\" is not SECTION.KEY=VALUE\n"
	    "-o: \"=\" is not SECTION.KEY=VALUE\n"
	    "-o: \"base.=3\" is not SECTION.KEY=VALUE\n"
	    "-o: \".number=3\" is not SECTION.KEY=VALUE\n"
	    "-o: \"base.number\" is not SECTION.KEY=VALUE\n"
	    "-o: \"\" is not SECTION.KEY=VALUE\n"
	    "-o: base.nmuber: unknown key; did you mean base.number?\n"
	    "-o: number.base: unknown key; did you mean base.number?\n"
	    "-o: x.y.z: unknown key\n"
	    "-o: \"a\\nb\" is not SECTION.KEY=VALUE\n"
	    "-o: text.text: holds a control character\n");
	assert_int_equal(s.number, 7);
	assert_int_equal(s.size, 4096);
	conf_free(&table, &s);
}

static void
test_prints(void **state)
{
	static const char *const options[] = { "text.text= ; \"x\"", NULL };
	struct conf_sources from = { .options = options };
	struct sample s = { 0 };
	struct buf b = { 0 };

	(void)state;
	expect_load(&from, &s, "");
	conf_print(&table, &s, false, &b);
	assert_string_equal(conf_scratch_str(&b),
	    "[base]\nnumber = 5\nduration = 1s\nsize = 4096\n\n[text]\n"
	    "text = \" ; \\\"x\\\"\"\n\n[text.more words]\nname = n\nmode = 0660\n");
	b.len = 0;
	conf_print(&table, &s, true, &b);
	assert_string_equal(conf_scratch_str(&b),
	    "[base]\n; A number.\nnumber = 5\n\n; A duration.\nduration = 1s\n\n; A size.\n"
	    "size = 4096\n\n[text]\n; A text.\ntext = \" ; \\\"x\\\"\"\n\n[text.more words]\n"
	    "; A text that is fixed, with a help that is so long that it has to be broken "
	    "right behind column\n; 96.\nname = n\n\n; A mode.\nmode = 0660\n");
	buf_fini(&b);
	conf_free(&table, &s);
}

/* Any text that is accepted is printed so that it reads back as itself. */
static void
test_what_is_printed_reads_back(void **state)
{
	static const char alphabet[] = "abcdefghi=[]:;#\"\\ \t\n{}";
	unsigned short seed[3] = { 4, 5, 6 };
	unsigned accepted = 0, i;

	(void)state;
	for (i = 0; i < 5000; i++) {
		char option[256] = "text.text=";
		const char *const options[] = { option, NULL };
		struct conf_sources from = { .options = options },
				    file = { .file = conf_scratch_path() };
		struct conf_problems p = { 0 };
		struct sample s = { 0 }, back = { 0 };
		struct buf b = { 0 };
		size_t at = strlen(option), n = (size_t)nrand48(seed) % (i % 2 ? 12 : 240);

		for (; n > 0; n--)
			option[at++] = alphabet[nrand48(seed) % (long)(sizeof alphabet - 1)];
		if (conf_load(&table, &from, &s, &p)) {
			conf_print(&table, &s, i % 4 < 2, &b);
			conf_scratch_write(buf_str(&b));
			expect_load(&file, &back, "");
			assert_string_equal(back.text, s.text);
			assert_string_equal(s.text, option + strlen("text.text="));
			conf_free(&table, &back);
			buf_fini(&b);
			accepted++;
		}
		conf_problems_fini(&p);
		conf_free(&table, &s);
	}
	assert_true(accepted > 500 && accepted < i);
	unlink(conf_scratch_path());
}

static void
test_what_no_file_can_hold(void **state)
{
	char option[256] = "text.text=";
	const char *const options[] = { option, NULL };
	struct conf_sources from = { .options = options };
	size_t at = strlen(option), most = 199 - strlen("text=");
	struct sample s = { 0 };

	(void)state;
	memset(option + at, 'x', most);
	expect_load(&from, &s, "");
	conf_free(&table, &s);
	option[at + most] = 'x';
	expect_load(&from, &s, "-o: text.text: is too long for a line of a configuration file\n");
	conf_free(&table, &s);
}

static void
test_what_a_reload_cannot_change(void **state)
{
	static const char *const some[] = { "base.number=6", "base.size=100", NULL };
	static const char *const more[] = { "base.number=6", "text.more words.name=a b", NULL };
	struct conf_sources none = { 0 }, from_some = { .options = some },
			    from_more = { .options = more };
	struct sample a = { 0 }, b = { 0 }, c = { 0 };
	struct conf_problems p = { 0 };

	(void)state;
	expect_load(&none, &a, "");
	expect_load(&from_some, &b, "");
	expect_load(&from_more, &c, "");
	assert_true(conf_check_fixed(&table, &a, &a, &p));
	assert_false(conf_check_fixed(&table, &b, &c, &p));
	assert_false(conf_check_fixed(&table, &a, &b, &p));
	assert_string_equal(conf_scratch_str(&p.lines),
	    "text.more words.name: only a restart can change this, from n to a b\n"
	    "base.number: only a restart can change this, from 5 to 6\n");
	conf_problems_fini(&p);
	conf_free(&table, &a);
	conf_free(&table, &b);
	conf_free(&table, &c);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_which_source_beats_which),
		cmocka_unit_test(test_problems_of_a_file),
		cmocka_unit_test(test_problems_of_options_and_variables),
		cmocka_unit_test(test_prints),
		cmocka_unit_test(test_what_is_printed_reads_back),
		cmocka_unit_test(test_what_no_file_can_hold),
		cmocka_unit_test(test_what_a_reload_cannot_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
