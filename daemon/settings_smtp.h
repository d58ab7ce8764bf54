#ifndef SETTINGS_SMTP_H
#define SETTINGS_SMTP_H

/*
 * The settings of SMTP and LMTP: the kinds of values that only they have, and how what [smtp] and
 * [smtp STAGE] say becomes the struct that the front asks for.
 */

#include "base/conf.h"
#include "front/smtp.h"

struct settings;

/* [smtp STAGE] */
struct smtp_stage_section {
	struct conf_instance head;
	struct smtp_fault_conf faults;
};

/* [smtp] */
struct smtp_section {
	struct smtp_conf conf; /* as the front sees it */
	char *hostname, *tls_cert, *tls_key, *auth;
	struct conf_instances stages;
	struct smtp_users *users;
};

extern const struct conf_type type_smtp_mode;
extern const struct conf_type type_smtp_hostname;
extern const struct conf_type type_smtp_bare_newline;
extern const struct conf_type type_smtp_tls;
extern const struct conf_type type_smtp_auth;
extern const struct conf_type type_smtp_chance;
extern const struct conf_type type_smtp_fail;

/* For the family [smtp STAGE], as conf_family.finish. */
bool settings_smtp_check_stage(struct conf_instance *instance, void *settings, struct buf *why);

/* Once all keys are read: reads the files that they name and fills conf. False when there is a
 * problem. settings_smtp_fini() in any case. */
bool settings_smtp_finish(struct settings *s, struct conf_problems *problems);
void settings_smtp_fini(struct settings *s);

#endif
