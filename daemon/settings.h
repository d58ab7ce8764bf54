#ifndef SETTINGS_H
#define SETTINGS_H

/*
 * The configuration of the daemon: the table in settings.c is the only place that knows a key.
 * Each module has a struct of its own in here and sees nothing else.
 */

#include "back/eventlog.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/diag.h"
#include "core/simulator.h"
#include "front/line.h"
#include "settings_smtp.h"

struct outcome_set;

/* outcome=, as it was written and as it was understood. */
struct fate_setting {
	char *text;
	struct fate *fate;
};

/* What [delivery] and [domain NAME] have in common. */
struct delivery_section {
	struct domain_conf conf; /* without its fate and name */
	struct fate_setting outcome;
};

/* [domain NAME] */
struct domain_section {
	struct conf_instance head;
	struct delivery_section delivery;
};

/* [outcome NAME] */
struct outcome_section {
	struct conf_instance head;
	uint64_t code;
	char *dsn, *text, *stage;
	struct outcome_until until;
};

/* [listen] */
struct listen_section {
	char *line, *smtp, *lmtp; /* addresses, spaces between them, or "none" */
	unsigned unix_mode;
	char *unix_group;
};

struct settings {
	struct listen_section listen;     /* [listen] */
	uint64_t connections;             /* over all fronts */
	struct line_conf line;            /* [limits] as the line protocol sees them */
	struct smtp_section smtp;         /* [smtp], [smtp STAGE] */
	struct simulator_conf simulator;  /* [limits] and all of delivery as the core sees it */
	struct delivery_section delivery; /* [delivery] */
	uint64_t work_threads;
	char *magic_domains;
	struct conf_instances domain_sections, outcome_sections;
	struct outcome_set *outcomes; /* the built-in ones with those of the sections */
	struct clock_conf clock;      /* [clock] */
	uint64_t seed;                /* [random] */
	bool is_seed_random;          /* "random": draw one at the start */
	int64_t drain_timeout_ns;
	struct eventlog_conf log;          /* [log], [template] */
	char *template_texts[EVENT_KINDS]; /* [template] as it was written, for conf_print() */
	struct diag_conf diag;             /* [log] */
};

extern const struct conf_table settings_table;

/* Reads and checks everything. NULL when there are problems. is_stdio changes the default of
 * log.target from "stdout" to "none". The caller owns the result: settings_free(), which
 * takes NULL, too. */
struct settings *settings_load(
    const struct conf_sources *from, bool is_stdio, struct conf_problems *problems);
void settings_free(struct settings *s);

/* The outcomes that the settings know so far. */
struct outcome_set *settings_outcomes(struct settings *s);

#endif
