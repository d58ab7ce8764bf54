/*
 * The reader of configuration files by itself: what it takes from each line, what it reports and
 * with which line number, and that nothing is cut or changed in silence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* b's octets, terminated, and valid until the next call. */
static const char *
terminated(const struct buf *b)
{
	static char text[4096];

	assert_true(b->len < sizeof text);
	snprintf(text, sizeof text, "%.*s", (int)b->len, b->data ? b->data : "");
	return text;
}

static const char *
scratch_path(void)
{
	static char path[64];

	snprintf(path, sizeof path, "/tmp/test_conf_file.%ld.ini", (long)getpid());
	return path;
}

static void
write_file(struct str text)
{
	FILE *f = fopen(scratch_path(), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	assert_int_equal(fclose(f), 0);
}

/* What conf_file_parse() says of a text that is called F: "5 section.key=<value>" lines. */
struct reading {
	struct buf seen;
	struct conf_problems problems;
};

static void
note_cb(void *ctx, const char *section, const char *name, struct str value, unsigned line)
{
	struct reading *r = ctx;

	if (name)
		buf_printf(&r->seen, "%u %s.%s=<%.*s>\n", line, section, name, STR_ARG(value));
	else
		buf_printf(&r->seen, "%u [%s]\n", line, section);
}

static void
expect_reading(struct str text, const char *seen, const char *problems)
{
	struct reading r = { 0 };

	conf_file_parse(text, "F", note_cb, &r, &r.problems);
	if (strcmp(terminated(&r.seen), seen) != 0)
		fail_msg("of \"%.*s\"\nread \"%s\"\ninstead of \"%s\"", STR_ARG(text),
		    terminated(&r.seen), seen);
	if (strcmp(terminated(&r.problems.lines), problems) != 0)
		fail_msg("of \"%.*s\"\nreported \"%s\"\ninstead of \"%s\"", STR_ARG(text),
		    terminated(&r.problems.lines), problems);
	buf_fini(&r.seen);
	conf_problems_fini(&r.problems);
}

static void
test_reads_lines(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "\n\n", "" },
		{ "; c\n# c\n ; c\n\t# c\n", "" },
		{ "[s]\nk=v\n", "1 [s]\n2 s.k=<v>\n" },
		{ "[s]\nk = v", "1 [s]\n2 s.k=<v>\n" },
		{ "[s]\r\nk = v\r\n", "1 [s]\n2 s.k=<v>\n" },
		{ "\xef\xbb\xbf[s]\nk = v\n", "1 [s]\n2 s.k=<v>\n" },
		{ "\xef\xbb\xbf; c\n[s]\n", "2 [s]\n" },
		{ "\n\n[s]\n\n\nk = v\n; c\nl = w\n", "3 [s]\n6 s.k=<v>\n8 s.l=<w>\n" },
		{ "[a]\nk = 1\n[b]\n[a]\nk = 2\n", "1 [a]\n2 a.k=<1>\n3 [b]\n4 [a]\n5 a.k=<2>\n" },
		{ "[s] ; c\n[t]\t# c\n[u ]\n", "1 [s]\n2 [t]\n3 [u ]\n" },
		{ "  [s]  \n\tk = v\n    l = w\n", "1 [s]\n2 s.k=<v>\n3 s.l=<w>\n" },
		{ "[s]\nk=\nk =\nk = \nk = ; c\nk = \"\"\n",
		    "1 [s]\n2 s.k=<>\n3 s.k=<>\n4 s.k=<>\n5 s.k=<>\n6 s.k=<>\n" },
		{ "[s]\nk = a;b#c\nk =;a\nk=#\n", "1 [s]\n2 s.k=<a;b#c>\n3 s.k=<;a>\n4 s.k=<#>\n" },
		{ "[s]\nk = a ; c\nk = a\t# c\nk = a #c ; d\n",
		    "1 [s]\n2 s.k=<a>\n3 s.k=<a>\n4 s.k=<a>\n" },
		{ "[s]\nk = \"a ; b # c\" ; d\nk = \" a \"\t# d\n",
		    "1 [s]\n2 s.k=<a ; b # c>\n3 s.k=< a >\n" },
		{ "[s]\nk = \"\\\\ \\\" ; \\\" \\t|\" # \"\n", "1 [s]\n2 s.k=<\\ \" ; \" \t|>\n" },
		{ "[s]\nk = say \"a\" b\nk = \\n\nk = it\"s\n",
		    "1 [s]\n2 s.k=<say \"a\" b>\n3 s.k=<\\n>\n4 s.k=<it\"s>\n" },
		{ "[s]\nk = a=b:c=d\nk = http://x:1/?a=[b]\n",
		    "1 [s]\n2 s.k=<a=b:c=d>\n3 s.k=<http://x:1/?a=[b]>\n" },
		{ "[s;t]\nk;l = v\n", "1 [s;t]\n2 s;t.k;l=<v>\n" },
		{ "[s]\n\xd0\xaf = \xd0\xaf\n", "1 [s]\n2 s.\xd0\xaf=<\xd0\xaf>\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect_reading(str_of(cases[i][0]), cases[i][1], "");
}

static void
test_reports_lines(void **state)
{
	static const char *const cases[][3] = {
		{ "k = v\n[s]\n", "2 [s]\n", "F:1: this key stands before any [section]\n" },
		{ "[s]\nword\nk : v\nk ; = v\nl = w\n", "1 [s]\n5 s.l=<w>\n",
		    "F:2: this line has no =\nF:3: this line has no =\nF:4: this line has no =\n" },
		{ "[s]\n = v\n=\n", "1 [s]\n",
		    "F:2: there is no key before the =\nF:3: there is no key before the =\n" },
		{ "[s]\na:b = v\n", "1 [s]\n", "F:2: there is a : in this key\n" },
		{ "[]\n[ ]\n[\n[s\n[s ;]\n", "",
		    "F:1: this section has no name\nF:2: this section has no name\n"
		    "F:3: this section has no ]\nF:4: this section has no ]\n"
		    "F:5: this section has no ]\n" },
		{ "[s] k = v\n[s];c\n[s]]\n", "",
		    "F:1: there is text behind the ] of this section\n"
		    "F:2: there is text behind the ] of this section\n"
		    "F:3: there is text behind the ] of this section\n" },
		/* nobody knows whose key k is; l is somebody's again */
		{ "[a]\n[b\nk = v\n?\n[c]\nl = w\n", "1 [a]\n5 [c]\n6 c.l=<w>\n",
		    "F:2: this section has no ]\nF:4: this line has no =\n" },
		{ "[a]\n[\x01]\nk = v\n", "1 [a]\n", "F:2: this line holds a control character\n" },
		{ "[s]\nk = \"a\nk = \"a\\\"\n", "1 [s]\n",
		    "F:2: s.k: has no closing quote\nF:3: s.k: has no closing quote\n" },
		{ "[s]\nk = \"a\" b\nk = \"a\"b\nk = \"a\"; c\n", "1 [s]\n",
		    "F:2: s.k: has text behind the closing quote\n"
		    "F:3: s.k: has text behind the closing quote\n"
		    "F:4: s.k: has text behind the closing quote\n" },
		{ "[s]\nk = \"a\\q\"\n", "1 [s]\n",
		    "F:2: s.k: has an unknown escape: there are \\\\ \\\" \\n \\t\n" },
		{ "[s]\nk = say \"a ; b\"\n", "1 [s]\n",
		    "F:2: s.k: has a comment sign within quotes: put all of the value in double "
		    "quotes\n" },
		{ "[s]\nk = \xff\n; \xff\nk = v\n", "1 [s]\n4 s.k=<v>\n",
		    "F:2: this line is not UTF-8\nF:3: this line is not UTF-8\n" },
		{ "[s]\nk = a\rb\nk = \x1b\nk = \x7f\n", "1 [s]\n",
		    "F:2: this line holds a control character\n"
		    "F:3: this line holds a control character\n"
		    "F:4: this line holds a control character\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect_reading(str_of(cases[i][0]), cases[i][1], cases[i][2]);
	expect_reading((struct str){ "[s]\nk = a\0b\nl = w", 17 }, "1 [s]\n3 s.l=<w>\n",
	    "F:2: this line holds a NUL octet\n");
}

/* "[s]", then a key of `name` octets with a value of `value` ones between before and after, then
 * a short line. */
static struct buf
long_lines(size_t name, const char *before, size_t value, const char *after)
{
	struct buf b = { 0 };

	buf_add_lit(&b, "[s]\n");
	for (size_t i = 0; i < name; i++)
		buf_add_char(&b, 'k');
	buf_add_str(&b, str_of(before));
	for (size_t i = 0; i < value; i++)
		buf_add_char(&b, 'v');
	buf_add_str(&b, str_of(after));
	buf_add_lit(&b, "\nl = w\n");
	return b;
}

static void
test_nothing_long_is_cut(void **state)
{
	static const struct {
		size_t name;
		const char *before;
		size_t value;
		const char *after, *problem;
	} cases[] = {
		{ 1, "=", 197, "", NULL },
		{ 1, "=", 198, "",
		    "F:2: this line is longer than 199 octets without its comment\n" },
		{ 1, "=", 200, "",
		    "F:2: this line is longer than 199 octets without its comment\n" },
		{ 1, "=", 5000, "",
		    "F:2: this line is longer than 199 octets without its comment\n" },
		{ 1, "            =            ", 197, "                    ", NULL },
		{ 1, "=", 197, " ; a comment of any length, which is not counted", NULL },
		{ 49, "=", 149, "", NULL },
		{ 50, "=", 1, "", "F:2: this key is longer than 49 octets\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct buf text =
		    long_lines(cases[i].name, cases[i].before, cases[i].value, cases[i].after);
		struct buf seen = { 0 };

		buf_add_lit(&seen, "1 [s]\n");
		if (!cases[i].problem) {
			buf_add_lit(&seen, "2 s.");
			for (size_t j = 0; j < cases[i].name; j++)
				buf_add_char(&seen, 'k');
			buf_add_lit(&seen, "=<");
			for (size_t j = 0; j < cases[i].value; j++)
				buf_add_char(&seen, 'v');
			buf_add_lit(&seen, ">\n");
		}
		buf_add_lit(&seen, "3 s.l=<w>\n");
		buf_add_char(&seen, '\0');
		expect_reading(buf_str(&text), seen.data, cases[i].problem ? cases[i].problem : "");
		buf_fini(&text);
		buf_fini(&seen);
	}
}

static void
test_long_section_names(void **state)
{
	char text[128], seen[128];

	(void)state;
	snprintf(text, sizeof text, "[%049d]\nk = v\n", 7);
	snprintf(seen, sizeof seen, "1 [%049d]\n2 %049d.k=<v>\n", 7, 7);
	expect_reading(str_of(text), seen, "");
	snprintf(text, sizeof text, "[%050d]\nk = v\n", 7);
	expect_reading(
	    str_of(text), "", "F:1: the name of this section is longer than 49 octets\n");
}

static void
expect_file_problem(const char *path, const char *what)
{
	struct reading r = { 0 };
	char expected[256];

	snprintf(expected, sizeof expected, "%s: %s\n", path, what);
	conf_file_read(path, note_cb, &r, &r.problems);
	assert_string_equal(terminated(&r.problems.lines), expected);
	assert_int_equal(r.problems.count, 1);
	assert_int_equal(r.seen.len, 0);
	conf_problems_fini(&r.problems);
}

static void
test_files_that_cannot_be_read(void **state)
{
	struct buf big = { 0 };

	(void)state;
	unlink(scratch_path());
	expect_file_problem(scratch_path(), "No such file or directory");
	expect_file_problem("/", "is a directory");
	expect_file_problem("/dev/zero", "is neither a file nor a pipe");
	assert_int_equal(mkfifo(scratch_path(), 0600), 0);
	expect_file_problem(scratch_path(), "is neither a file nor a pipe");
	unlink(scratch_path());
	for (int i = 0; i < 1 << 16; i++)
		buf_add_lit(&big, "; sixteen octet\n");
	write_file(buf_str(&big));
	expect_reading(buf_str(&big), "", "");
	buf_add_char(&big, '\n');
	write_file(buf_str(&big));
	expect_file_problem(scratch_path(), "is larger than 1M");
	unlink(scratch_path());
	buf_fini(&big);
}

static void
test_pipes_are_read(void **state)
{
	static const char text[] = "[s]\nk = v\n";
	struct reading r = { 0 };
	char path[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
	assert_int_equal(write(ends[1], text, sizeof text - 1), sizeof text - 1);
	close(ends[1]);
	conf_file_read(path, note_cb, &r, &r.problems);
	assert_string_equal(terminated(&r.problems.lines), "");
	assert_string_equal(terminated(&r.seen), "1 [s]\n2 s.k=<v>\n");
	/* as a reload would find it */
	expect_file_problem(path, "is a pipe with nothing in it");
	close(ends[0]);
	buf_fini(&r.seen);
	conf_file_read("/dev/null", note_cb, &r, &r.problems);
	assert_int_equal(r.problems.count, 0);
}

/* Any octets: every line is either read or reported, none twice, and numbers only rise. */
static void
test_any_octets(void **state)
{
	static const char alphabet[] = "[]]==\"\"\\;;##  \t\n\n\n\rabn:\xd0\xaf\0\x01\xff";
	unsigned short seed[3] = { 1, 2, 3 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct reading r = { 0 };
		char text[64];
		size_t n = (size_t)nrand48(seed) % sizeof text;
		unsigned lines = n > 0, last = 0, read = 0;

		for (size_t j = 0; j < n; j++) {
			text[j] = alphabet[nrand48(seed) % (long)(sizeof alphabet - 1)];
			lines += text[j] == '\n' && j + 1 < n;
		}
		conf_file_parse((struct str){ text, n }, "F", note_cb, &r, &r.problems);
		assert_true(text_is_utf8(buf_str(&r.seen)));
		for (struct str rest = buf_str(&r.problems.lines); rest.n > 0; read++) {
			unsigned line = (unsigned)strtoul(rest.p + 2, NULL, 10);

			assert_true(line > last && line <= lines);
			last = line;
			rest = str_from(rest, str_find(rest, '\n') + 1);
		}
		assert_int_equal(read, r.problems.count);
		buf_fini(&r.seen);
		conf_problems_fini(&r.problems);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_lines),
		cmocka_unit_test(test_reports_lines),
		cmocka_unit_test(test_nothing_long_is_cut),
		cmocka_unit_test(test_long_section_names),
		cmocka_unit_test(test_files_that_cannot_be_read),
		cmocka_unit_test(test_pipes_are_read),
		cmocka_unit_test(test_any_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
