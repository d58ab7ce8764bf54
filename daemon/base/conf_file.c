/*
 * Owns the syntax of configuration files. inih takes the lines apart, but by itself it cuts what is
 * long, takes indented lines for continuations and a ';' in quotes for a comment, and never says
 * which line it is at. So it gets its lines from a reader that counts them, takes comments away,
 * reports what inih would cut or misread, and hands on only what it will take as it is meant.
 */
#include "base/conf.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#define FILE_OCTETS_MAX (1U << 20)
#define NAME_OCTETS_MAX 49 /* of sections and keys: inih's MAX_SECTION and MAX_NAME, 50 */
#define LINE_OCTETS_MAX (INI_MAX_LINE - 1)

/* Stands for a ';' of a value on the way through inih, which would begin a comment there. No file
 * can hold this octet itself. */
#define SEMICOLON '\x01'

struct conf_file {
	const char *path;
	struct str rest; /* not read yet */
	unsigned line;   /* the number of the one read last */
	bool has_section;
	bool is_section_bad; /* its line was reported */
	char section[NAME_OCTETS_MAX + 1];
	conf_assign_cb *assign_cb;
	void *ctx;
	struct conf_problems *problems;
};

/* A line on its way to inih. */
struct entry {
	struct str name;
	struct str value; /* quotes included */
};

static bool
is_comment_sign(char c)
{
	return c == ';' || c == '#';
}

static bool
is_control(char c)
{
	return (unsigned char)c < ' ' || c == 0x7f;
}

/* Where in s a comment starts: a sign after white space; s.n when there is none. */
static size_t
find_comment(struct str s)
{
	for (size_t i = 1; i < s.n; i++)
		if (is_comment_sign(s.p[i]) && str_is_blank(s.p[i - 1]))
			return i;
	return s.n;
}

static struct str
next_line(struct conf_file *f)
{
	size_t n = str_find(f->rest, '\n');
	struct str s = str_head(f->rest, n);

	f->rest = str_from(f->rest, n + 1);
	f->line++;
	if (s.n > 0 && s.p[s.n - 1] == '\r')
		s.n--;
	if (f->line == 1 && str_has_prefix(s, STR("\xef\xbb\xbf")))
		s = str_from(s, 3);
	return s;
}

static const char *
check_octets(struct str s)
{
	if (s.n > 0 && memchr(s.p, '\0', s.n))
		return "this line holds a NUL octet";
	if (!text_is_utf8(s))
		return "this line is not UTF-8";
	for (size_t i = 0; i < s.n; i++)
		if (is_control(s.p[i]) && s.p[i] != '\t')
			return "this line holds a control character";
	return NULL;
}

/* "[name]" of a trimmed line. */
static const char *
parse_section(struct str s, struct str *name)
{
	size_t end;

	s = str_trim(str_head(s, find_comment(s)));
	end = str_find(s, ']');
	if (end == s.n)
		return "this section has no ]";
	if (end + 1 < s.n)
		return "there is text behind the ] of this section";
	*name = (struct str){ s.p + 1, end - 1 };
	if (str_trim(*name).n == 0)
		return "this section has no name";
	if (name->n > NAME_OCTETS_MAX)
		return "the name of this section is longer than 49 octets";
	return NULL;
}

/* The value in s, which starts with a quote: up to the closing one. */
static const char *
parse_quoted_value(struct str s, struct str *value)
{
	char *scratch = mem_alloc(s.n);
	size_t n, used = 0;
	const char *wrong = text_parse_quoted(s, scratch, &n, &used);
	struct str rest = str_from(s, used);

	free(scratch);
	if (wrong)
		return wrong;
	if (str_trim(str_head(rest, find_comment(rest))).n > 0)
		return "has text behind the closing quote";
	*value = str_head(s, used);
	return NULL;
}

/* The value in s, what follows the '=': quotes stay, comments and white space around it go. */
static const char *
parse_value(struct str s, struct str *value)
{
	size_t end = find_comment(s), quotes = 0;

	*value = str_trim(str_head(s, end));
	if (value->n > 0 && value->p[0] == '"')
		return parse_quoted_value(str_trim(s), value);
	for (size_t i = 0; i < value->n; i++)
		quotes += value->p[i] == '"';
	if (end < s.n && quotes % 2 != 0)
		return "has a comment sign within quotes: put all of the value in double quotes";
	return NULL;
}

/* "key = value" of a trimmed line. What is wrong with the value goes to *wrong_value. */
static const char *
parse_entry(struct str s, struct entry *e, const char **wrong_value)
{
	size_t sign = str_find(str_head(s, find_comment(s)), '=');

	if (sign == s.n || s.p[sign] != '=')
		return "this line has no =";
	e->name = str_trim(str_head(s, sign));
	if (e->name.n == 0)
		return "there is no key before the =";
	if (e->name.n > NAME_OCTETS_MAX)
		return "this key is longer than 49 octets";
	if (str_find(e->name, ':') < e->name.n)
		return "there is a : in this key"; /* inih would take it for the = */
	*wrong_value = parse_value(str_from(s, sign + 1), &e->value);
	return NULL;
}

static bool
report(const struct conf_file *f, const char *what)
{
	conf_problem(f->problems, "%s:%u: %s", f->path, f->line, what);
	return false;
}

/* Nobody knows whose keys follow: they are looked at, but given to nobody. */
static bool
give_bad_section(struct conf_file *f, const char *wrong)
{
	f->has_section = f->is_section_bad = true;
	f->section[0] = '\0';
	return report(f, wrong);
}

static bool
give_section(struct conf_file *f, struct str s, struct buf *out)
{
	struct str name;
	const char *wrong = parse_section(s, &name);

	if (wrong)
		return give_bad_section(f, wrong);
	f->has_section = true;
	f->is_section_bad = false;
	memcpy(f->section, name.p, name.n);
	f->section[name.n] = '\0';
	buf_add_char(out, '[');
	buf_add_str(out, name);
	buf_add_char(out, ']');
	f->assign_cb(f->ctx, f->section, NULL, (struct str){ NULL, 0 }, f->line);
	return true;
}

static bool
give_entry(struct conf_file *f, struct str s, struct buf *out)
{
	struct entry e = { 0 };
	const char *wrong_value = NULL, *wrong = parse_entry(s, &e, &wrong_value);

	if (wrong)
		return report(f, wrong);
	if (wrong_value) {
		conf_problem(f->problems, "%s:%u: %s%s%.*s: %s", f->path, f->line, f->section,
		    f->section[0] != '\0' ? "." : "", STR_ARG(e.name), wrong_value);
		return false;
	}
	if (!f->has_section)
		return report(f, "this key stands before any [section]");
	if (f->is_section_bad)
		return false;
	buf_add_str(out, e.name);
	buf_add_char(out, '=');
	for (size_t i = 0; i < e.value.n; i++)
		buf_add_char(out, e.value.p[i] == ';' ? SEMICOLON : e.value.p[i]);
	return true;
}

/* What inih shall see of a line; false when that is nothing. */
static bool
give_line(struct conf_file *f, struct str s, struct buf *out)
{
	const char *wrong = check_octets(s);

	s = str_trim(s);
	if (wrong) {
		if (s.n > 0 && s.p[0] == '[')
			return give_bad_section(f, wrong);
		return report(f, wrong);
	}
	if (s.n == 0 || is_comment_sign(s.p[0]))
		return false;
	return s.p[0] == '[' ? give_section(f, s, out) : give_entry(f, s, out);
}

/* Called by inih as it would call fgets(). */
static char *
read_line_cb(char *out, int room, void *stream)
{
	struct conf_file *f = stream;
	struct buf line = { 0 };
	bool is_given = false;

	while (!is_given && f->rest.n > 0) {
		line.len = 0;
		if (!give_line(f, next_line(f), &line))
			continue;
		is_given = line.len <= LINE_OCTETS_MAX && line.len < (size_t)room;
		if (!is_given)
			conf_problem(f->problems,
			    "%s:%u: this line is longer than %d octets without its comment",
			    f->path, f->line, LINE_OCTETS_MAX);
	}
	if (is_given) {
		memcpy(out, line.data, line.len);
		out[line.len] = '\0';
	}
	buf_fini(&line);
	return is_given ? out : NULL;
}

/* Called by inih for what read_line_cb() gave last. */
static int
handle_cb(void *user, const char *section, const char *name, const char *value)
{
	struct conf_file *f = user;
	char *copy = mem_copy_str(str_of(value));
	struct str s = str_of(copy);
	size_t used;

	for (size_t i = 0; i < s.n; i++)
		if (copy[i] == SEMICOLON)
			copy[i] = ';';
	/* the reader has let only whole quotes through, which shrink in place */
	if (s.n > 0 && s.p[0] == '"' && text_parse_quoted(s, copy, &s.n, &used) != NULL)
		abort();
	f->assign_cb(f->ctx, section, name, s, f->line);
	free(copy);
	return 1;
}

void
conf_file_parse(struct str text, const char *path, conf_assign_cb *assign_cb, void *ctx,
    struct conf_problems *problems)
{
	struct conf_file f = {
		.path = path,
		.rest = text,
		.assign_cb = assign_cb,
		.ctx = ctx,
		.problems = problems,
	};
	int status = ini_parse_stream(read_line_cb, &f, handle_cb, &f);

	if (status != 0)
		conf_problem(problems, "%s: inih refused it (%d)", path, status);
}

void
conf_file_read(
    const char *path, conf_assign_cb *assign_cb, void *ctx, struct conf_problems *problems)
{
	static const char *const wrong[FILE_RESULTS] = {
		[FILE_IS_DIRECTORY] = "is a directory",
		[FILE_IS_SPECIAL] = "is neither a file nor a pipe",
		/* at a reload nothing must not pass for an empty file */
		[FILE_IS_SILENT] = "is a pipe with nothing in it",
		[FILE_IS_LARGE] = "is larger than 1M",
	};
	struct buf text = { 0 };
	enum file_result result = file_read(path, FILE_OCTETS_MAX, true, &text);

	if (result == FILE_READ)
		conf_file_parse(buf_str(&text), path, assign_cb, ctx, problems);
	else
		conf_problem(problems, "%s: %s", path,
		    result == FILE_FAILED ? strerror(errno) : wrong[result]);
	buf_fini(&text);
}

/* Whether a value that stands without quotes would read back as another one. */
static bool
needs_quotes(struct str s)
{
	if (s.n == 0)
		return false;
	if (s.p[0] == '"' || is_comment_sign(s.p[0]) || str_trim(s).n < s.n)
		return true;
	for (size_t i = 0; i < s.n; i++)
		if (is_control(s.p[i]))
			return true;
	return find_comment(s) < s.n;
}

static void
add_value(struct buf *b, struct str value)
{
	if (needs_quotes(value))
		text_add_quoted(b, value);
	else
		buf_add_str(b, value);
}

const char *
conf_file_check(const char *name, struct str value)
{
	struct buf line = { 0 };
	size_t n;

	if (!text_is_utf8(value))
		return "is not UTF-8 without NUL octets";
	for (size_t i = 0; i < value.n; i++)
		if (is_control(value.p[i]) && value.p[i] != '\n' && value.p[i] != '\t')
			return "holds a control character";
	add_value(&line, value);
	n = strlen(name) + 1 + line.len;
	buf_fini(&line);
	return n > LINE_OCTETS_MAX ? "is too long for a line of a configuration file" : NULL;
}

const char *
conf_file_check_section(struct str section)
{
	if (!text_is_utf8(section))
		return "is not UTF-8 without NUL octets";
	for (size_t i = 0; i < section.n; i++)
		if (is_control(section.p[i]))
			return "holds a control character";
	if (section.n > NAME_OCTETS_MAX)
		return "is longer than 49 octets";
	if (str_find(section, ']') < section.n)
		return "holds a ]";
	if (find_comment(section) < section.n)
		return "holds a comment sign after a blank";
	return NULL;
}

void
conf_file_add(struct buf *b, const char *name, struct str value)
{
	buf_add_str(b, str_of(name));
	buf_add_lit(b, " =");
	if (value.n > 0)
		buf_add_char(b, ' ');
	add_value(b, value);
}
