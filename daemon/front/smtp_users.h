#ifndef FRONT_SMTP_USERS_H
#define FRONT_SMTP_USERS_H

/*
 * Who may authenticate: a file of lines "user:password". The user ends at the first colon, the
 * password is all that stands behind it, blanks and '#' included, up to the LF or CRLF. Empty lines
 * and those that start with '#' say nothing.
 */

#include <stdbool.h>

#include "base/conf.h"
#include "base/str.h"

#define SMTP_USERS_MAX 1000
#define SMTP_USERS_FILE_MAX 1048576 /* octets */
#define SMTP_USERS_TEXT_MAX 255     /* octets of a user and of a password (RFC 4616 §2) */

struct smtp_users;

/* Reads the file. NULL when there is a problem; each is reported as "PATH:LINE: what is wrong", and
 * never tells what the line holds. Waits for nothing: a pipe is a problem. */
struct smtp_users *smtp_users_load(const char *path, struct conf_problems *problems);

/* The same for a text that stands for the file `path`. */
struct smtp_users *smtp_users_parse(
    struct str text, const char *path, struct conf_problems *problems);

/* Overwrites what it knows. Takes NULL, too. */
void smtp_users_free(struct smtp_users *users);

/*
 * Whether there is such a user with that password, who wants to act as himself: authzid is empty or
 * the same as user (RFC 4616 §2). Passwords are compared in a time that does not depend on what
 * they are, also where there is no such user.
 */
bool smtp_users_has(
    const struct smtp_users *users, struct str authzid, struct str user, struct str password);

#endif
