/*
 * Who may: exchanges by PLAIN and LOGIN, what ends them, and the file of users with all that can be
 * wrong in it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "front/smtp_auth.h"
#include "front/smtp_users.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A dialogue in one line: the AUTH command's arguments and the client's lines, with " | " between
 * them; what comes of it: challenges as "334 x", then the credentials or the refusal. */
struct row {
	const char *said;
	const char *shape;
};

static const struct row rows[] = {
	{ "PLAIN AHVzZXIAcGFzcw==", "()(user)(pass)" },
	{ "plain AHVzZXIAcGFzcw==", "()(user)(pass)" },
	{ "PLAIN dXNlcgB1c2VyAHBhc3M=", "(user)(user)(pass)" },
	{ "PLAIN | AHVzZXIAcGFzcw==", "334 ;()(user)(pass)" },
	{ "PLAIN AHVzZXIAcOT/", "()(user)(p\xe4\xff)" }, /* a password is what it is */
	{ "LOGIN | dXNlcg== | cGFzcw==", "334 VXNlcm5hbWU6;334 UGFzc3dvcmQ6;()(user)(pass)" },
	{ "login dXNlcg== | cGFzcw==", "334 UGFzc3dvcmQ6;()(user)(pass)" },
	{ "PLAIN | *", "334 ;501 5.7.0" },
	{ "LOGIN | *", "334 VXNlcm5hbWU6;501 5.7.0" },
	{ "LOGIN dXNlcg== | *", "334 UGFzc3dvcmQ6;501 5.7.0" },
	{ "CRAM-MD5", "504 5.5.4" },
	{ "PLAINER", "504 5.5.4" },
	{ "PLAIN =", "501 5.5.2" },
	{ "PLAIN | ", "334 ;501 5.5.2" },
	{ "PLAIN AHVzZXIAcGFzcw=", "501 5.5.2" },
	{ "PLAIN !", "501 5.5.2" },
	{ "PLAIN dXNlcg==", "501 5.5.2" },         /* no NUL */
	{ "PLAIN AHVzZXI=", "501 5.5.2" },         /* one */
	{ "PLAIN AHVzZXIAcABz", "501 5.5.2" },     /* three */
	{ "PLAIN AABwYXNz", "501 5.5.2" },         /* no user */
	{ "PLAIN AHVzZXIA", "501 5.5.2" },         /* no password */
	{ "PLAIN AHX/AHBhc3M=", "501 5.5.2" },     /* a user that is no UTF-8 */
	{ "PLAIN AHUKAHBhc3M=", "501 5.5.2" },     /* with a control character */
	{ "PLAIN CgB1c2VyAHBhc3M=", "501 5.5.2" }, /* for another with one */
	{ "LOGIN =", "501 5.5.2" },
	{ "LOGIN dXNlcg== | ", "334 UGFzc3dvcmQ6;501 5.5.2" },
	{ "LOGIN dXMAcg==", "501 5.5.2" },
	{ "LOGIN dXNlcg== | cGEAcw==", "334 UGFzc3dvcmQ6;501 5.5.2" },
};

static enum smtp_auth_status
say_status(char *shape, const struct smtp_auth *a, enum smtp_auth_status status)
{
	char *end = shape + strlen(shape);

	if (status == SMTP_AUTH_CONTINUE)
		sprintf(end, "334 %.*s;", STR_ARG(a->challenge));
	else if (status == SMTP_AUTH_REFUSED)
		sprintf(end, "%u %s", a->refusal->code, a->refusal->dsn);
	else
		sprintf(end, "(%.*s)(%.*s)(%.*s)", STR_ARG(a->authzid), STR_ARG(a->user),
		    STR_ARG(a->password));
	return status;
}

/* Takes what one side says next; in memory of its own. */
static char *
next_line(struct str *said, size_t *n)
{
	const char *bar = said->n > 0 ? memmem(said->p, said->n, " | ", 3) : NULL;
	char *line;

	*n = bar ? (size_t)(bar - said->p) : said->n;
	line = malloc(*n ? *n : 1);
	memcpy(line, said->p, *n);
	*said = str_from(*said, *n + 3);
	return line;
}

static void
run(struct str said, char *shape)
{
	struct smtp_auth_command command;
	enum smtp_auth_status status;
	struct smtp_auth a;
	size_t n;
	char *line = next_line(&said, &n);

	shape[0] = '\0';
	assert_null(smtp_parse_auth((struct str){ line, n }, &command));
	status = say_status(shape, &a, smtp_auth_start(&a, &command));
	free(line);
	while (status == SMTP_AUTH_CONTINUE) {
		line = next_line(&said, &n);
		status = say_status(shape, &a, smtp_auth_step(&a, (struct str){ line, n }));
		free(line);
	}
	smtp_auth_fini(&a);
}

static void
test_exchanges(void **state)
{
	char shape[1000];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		run(str_of(rows[i].said), shape);
		if (strcmp(shape, rows[i].shape) != 0)
			fail_msg(
			    "\"%s\" gave \"%s\", not \"%s\"", rows[i].said, shape, rows[i].shape);
	}
}

/* 255 octets of each are accepted, 256 are not, and what is far too long is not even decoded. */
static void
test_lengths(void **state)
{
	char said[3000] = "LOGIN ", shape[1000];
	size_t n;

	(void)state;
	for (n = 6; n < 6 + 340; n += 4)
		memcpy(said + n, "YWFh", 5);
	strcat(said, " | cGFzcw==");
	run(str_of(said), shape);
	assert_non_null(strstr(shape, "a)(pass)"));
	memcpy(said + n, "YQ==", 5);
	run(str_of(said), shape);
	assert_string_equal(shape, "501 5.5.2");
	for (n = 6; n < 2600; n += 4)
		memcpy(said + n, "YWFh", 5);
	run(str_of(said), shape);
	assert_string_equal(shape, "500 5.5.6");
}

static void
test_secrets_are_overwritten(void **state)
{
	struct smtp_auth_command command;
	struct smtp_auth a;

	(void)state;
	smtp_parse_auth(STR("PLAIN AHVzZXIAcGFzcw=="), &command);
	assert_int_equal(smtp_auth_start(&a, &command), SMTP_AUTH_DONE);
	assert_non_null(memmem(&a, sizeof a, "pass", 4));
	smtp_auth_fini(&a);
	assert_null(memmem(&a, sizeof a, "pass", 4));
}

static void
test_users(void **state)
{
	struct conf_problems problems = { 0 };
	struct str none = STR("");
	struct smtp_users *users = smtp_users_parse(
	    STR("# who\n\njoe:pass\r\nann:a:b #c \n\xd0\x96:x\nlast:line"), "users", &problems);

	(void)state;
	assert_non_null(users);
	assert_true(smtp_users_has(users, none, STR("joe"), STR("pass")));
	assert_true(smtp_users_has(users, STR("joe"), STR("joe"), STR("pass")));
	assert_true(smtp_users_has(users, none, STR("ann"), STR("a:b #c ")));
	assert_true(smtp_users_has(users, none, STR("\xd0\x96"), STR("x")));
	assert_true(smtp_users_has(users, none, STR("last"), STR("line")));
	assert_false(smtp_users_has(users, STR("ann"), STR("joe"), STR("pass")));
	assert_false(smtp_users_has(users, none, STR("joe"), STR("pasS")));
	assert_false(smtp_users_has(users, none, STR("joe"), STR("pas")));
	assert_false(smtp_users_has(users, none, STR("joe"), STR("pass\0")));
	assert_false(smtp_users_has(users, none, STR("joe"), STR("passs")));
	assert_false(smtp_users_has(users, none, STR("joe"), none));
	assert_false(smtp_users_has(users, none, STR("Joe"), STR("pass")));
	assert_false(smtp_users_has(users, none, STR("nobody"), STR("pass")));
	assert_false(smtp_users_has(users, none, STR("nobody"), none));
	assert_false(smtp_users_has(users, none, STR("# who"), none));
	smtp_users_free(users);
	conf_problems_fini(&problems);
}

static void
test_many_users(void **state)
{
	struct conf_problems problems = { 0 };
	struct smtp_users *users;
	struct buf text = { 0 };

	(void)state;
	for (int i = 0; i < SMTP_USERS_MAX; i++)
		buf_printf(&text, "u%d:p%d\n", i, i);
	users = smtp_users_parse(buf_str(&text), "users", &problems);
	assert_non_null(users);
	assert_true(smtp_users_has(users, STR(""), STR("u999"), STR("p999")));
	assert_false(smtp_users_has(users, STR(""), STR("u999"), STR("p998")));
	smtp_users_free(users);
	buf_add_lit(&text, "one:more\n");
	assert_null(smtp_users_parse(buf_str(&text), "users", &problems));
	assert_true(str_eq(buf_str(&problems.lines),
	    STR("users:1001: the line is one of more than 1000 users\n")));
	buf_fini(&text);
	conf_problems_fini(&problems);
}

static void
test_no_users(void **state)
{
	struct conf_problems problems = { 0 };
	struct smtp_users *users = smtp_users_parse(STR(""), "users", &problems);

	(void)state;
	assert_non_null(users);
	assert_false(smtp_users_has(users, STR(""), STR("joe"), STR("")));
	smtp_users_free(users);
	smtp_users_free(NULL);
}

static void
test_problems_of_a_file(void **state)
{
	static const char text[] = "joe:hunter2\nhunter2\n:hunter2\nann:\njoe:hunter2\n"
				   "b\0b:hunter2\nb\xff:hunter2\nc:hunter2\0\n";
	static const char told[] = "u:2: the line has no colon: user:password\n"
				   "u:3: the line has no user\n"
				   "u:4: the line has no password\n"
				   "u:5: the line names a user for the second time\n"
				   "u:6: the line holds a NUL, or its user is no UTF-8\n"
				   "u:7: the line holds a NUL, or its user is no UTF-8\n"
				   "u:8: the line holds a NUL, or its user is no UTF-8\n";
	struct conf_problems problems = { 0 };
	char line[300];
	struct buf all;

	(void)state;
	assert_null(smtp_users_parse((struct str){ text, sizeof text - 1 }, "u", &problems));
	buf_add(&problems.lines, "", 1);
	assert_string_equal(problems.lines.data, told);
	assert_int_equal(problems.count, 7);
	conf_problems_fini(&problems);

	problems = (struct conf_problems){ 0 };
	memset(line, 'a', sizeof line);
	line[255] = ':';
	all = (struct buf){ line, 257, sizeof line };
	smtp_users_free(smtp_users_parse(buf_str(&all), "u", &problems));
	assert_int_equal(problems.count, 0);
	line[255] = 'a';
	line[256] = ':';
	all.len = 258;
	assert_null(smtp_users_parse(buf_str(&all), "u", &problems));
	assert_true(
	    str_eq(buf_str(&problems.lines), STR("u:1: the line has more than 255 octets\n")));
	conf_problems_fini(&problems);
}

static void
test_files(void **state)
{
	char path[] = "/tmp/mailsimd-users-XXXXXX", text[200];
	struct conf_problems problems = { 0 };
	int fd = mkstemp(path);
	struct smtp_users *users;

	(void)state;
	assert_int_equal(write(fd, "joe:pass\n", 9), 9);
	close(fd);
	users = smtp_users_load(path, &problems);
	assert_non_null(users);
	assert_true(smtp_users_has(users, STR(""), STR("joe"), STR("pass")));
	smtp_users_free(users);
	unlink(path);
	assert_null(smtp_users_load(path, &problems));
	snprintf(text, sizeof text,
	    "smtp.auth: %s: No such file or directory\nsmtp.auth: /: is a directory\n", path);
	assert_null(smtp_users_load("/", &problems));
	assert_true(str_eq(buf_str(&problems.lines), str_of(text)));
	conf_problems_fini(&problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exchanges),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_secrets_are_overwritten),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_many_users),
		cmocka_unit_test(test_no_users),
		cmocka_unit_test(test_problems_of_a_file),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
