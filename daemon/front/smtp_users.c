/*
 * Owns the users and their passwords, and how they are compared. There are as many as the file has,
 * at most SMTP_USERS_MAX, and they never change.
 */
#include "front/smtp_users.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

/* A password has room for the longest there is, so that all are compared alike. */
struct user {
	uint8_t name_n, password_n;
	char name[SMTP_USERS_TEXT_MAX];
	char password[SMTP_USERS_TEXT_MAX];
};

struct smtp_users {
	size_t n, room;
	struct user *each;
};

/* While a file is read. */
struct reading {
	struct smtp_users *users;
	const char *path;
	unsigned line;
	struct conf_problems *problems;
};

static const struct user *
find(const struct smtp_users *users, struct str name)
{
	for (size_t i = 0; i < users->n; i++)
		if (str_eq((struct str){ users->each[i].name, users->each[i].name_n }, name))
			return &users->each[i];
	return NULL;
}

/* NULL, or what is wrong with the line. Never what is in it. */
static const char *
check_line(struct str line, struct str name, struct str password)
{
	if (name.n == line.n)
		return "has no colon: user:password";
	if (name.n == 0)
		return "has no user";
	if (password.n == 0)
		return "has no password";
	if (name.n > SMTP_USERS_TEXT_MAX || password.n > SMTP_USERS_TEXT_MAX)
		return "has more than 255 octets";
	if (!text_is_utf8(name) || memchr(password.p, '\0', password.n))
		return "holds a NUL, or its user is no UTF-8";
	return NULL;
}

/* What grows would leave copies of passwords behind. */
static void
make_room(struct smtp_users *users)
{
	struct smtp_users old = *users;

	if (users->n < users->room)
		return;
	users->room = users->room > 0 ? 2 * users->room : 4;
	users->each = mem_alloc_array(users->room, sizeof *users->each);
	if (old.n == 0)
		return;
	memcpy(users->each, old.each, old.n * sizeof *old.each);
	explicit_bzero(old.each, old.n * sizeof *old.each);
	free(old.each);
}

static const char *
add_line(struct smtp_users *users, struct str line)
{
	struct str name = str_head(line, str_find(line, ':')), password;
	const char *why;
	struct user *u;

	password = str_from(line, name.n + 1);
	why = check_line(line, name, password);
	if (why)
		return why;
	if (find(users, name))
		return "names a user for the second time";
	if (users->n == SMTP_USERS_MAX)
		return "is one of more than 1000 users";
	make_room(users);
	u = &users->each[users->n++];
	u->name_n = (uint8_t)name.n;
	u->password_n = (uint8_t)password.n;
	memcpy(u->name, name.p, name.n);
	memcpy(u->password, password.p, password.n);
	return NULL;
}

struct smtp_users *
smtp_users_parse(struct str text, const char *path, struct conf_problems *problems)
{
	struct smtp_users *users = mem_alloc(sizeof *users);
	unsigned before = problems->count, line_number = 0;

	while (text.n > 0) {
		size_t n = str_find(text, '\n');
		struct str line = str_head(text, n);
		const char *why;

		text = str_from(text, n + 1);
		line_number++;
		if (str_has_suffix(line, STR("\r")))
			line.n--;
		if (line.n == 0 || line.p[0] == '#')
			continue;
		why = add_line(users, line);
		if (why)
			conf_problem(problems, "%s:%u: the line %s", path, line_number, why);
	}
	if (problems->count > before) {
		smtp_users_free(users);
		return NULL;
	}
	return users;
}

struct smtp_users *
smtp_users_load(const char *path, struct conf_problems *problems)
{
	static const char *const wrong[FILE_RESULTS] = {
		[FILE_IS_DIRECTORY] = "is a directory",
		[FILE_IS_SPECIAL] = "is not a file",
		[FILE_IS_LARGE] = "is larger than 1M",
	};
	struct buf text = { 0 };
	enum file_result result = file_read(path, SMTP_USERS_FILE_MAX, false, &text);
	struct smtp_users *users = NULL;

	if (result == FILE_READ)
		users = smtp_users_parse(buf_str(&text), path, problems);
	else
		conf_problem(problems, "smtp.auth: %s: %s", path,
		    result == FILE_FAILED ? strerror(errno) : wrong[result]);
	if (text.len > 0)
		explicit_bzero(text.data, text.len);
	buf_fini(&text);
	return users;
}

void
smtp_users_free(struct smtp_users *users)
{
	if (!users)
		return;
	if (users->n > 0)
		explicit_bzero(users->each, users->n * sizeof *users->each);
	free(users->each);
	free(users);
}

/* Whatever they are, it looks at as many octets. */
static bool
is_equal(const struct user *u, struct str password)
{
	char given[SMTP_USERS_TEXT_MAX] = { 0 };
	volatile unsigned char differ;

	if (password.n > sizeof given)
		return false;
	if (password.n > 0)
		memcpy(given, password.p, password.n);
	differ = (unsigned char)(u->password_n ^ password.n);
	for (size_t i = 0; i < sizeof given; i++)
		differ = (unsigned char)(differ | (u->password[i] ^ given[i]));
	explicit_bzero(given, sizeof given);
	return differ == 0;
}

bool
smtp_users_has(
    const struct smtp_users *users, struct str authzid, struct str user, struct str password)
{
	static const struct user nobody; /* has no password, which none is equal to */
	const struct user *u = find(users, user);
	bool is_right = is_equal(u ? u : &nobody, password);

	return u && is_right && (authzid.n == 0 || str_eq(authzid, user));
}
