#ifndef FRONT_SMTP_FAULT_H
#define FRONT_SMTP_FAULT_H

/*
 * Faults that a section [smtp STAGE] asks for: a delay, a refusal, a connection that is dropped.
 * Each is a function of seed, session, stage and how many such stages the session has had, so two
 * runs see the same ones.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "core/latency.h"

/* Of the dialogue. SMTP_STAGE_NONE is for what cannot go wrong. */
enum smtp_stage {
	SMTP_STAGE_CONNECT,
	SMTP_STAGE_EHLO,
	SMTP_STAGE_MAIL,
	SMTP_STAGE_RCPT,
	SMTP_STAGE_DATA,
	SMTP_STAGE_EOM,
	SMTP_STAGE_QUIT,
	SMTP_STAGES,
	SMTP_STAGE_NONE = SMTP_STAGES
};

extern const char *const smtp_stage_names[SMTP_STAGES];

/* NULL, or what is wrong with the name of a section. */
const char *smtp_stage_check(struct str name);

/* SMTP_STAGE_NONE when there is none of that name. */
enum smtp_stage smtp_stage_find(struct str name);

/* How often: both 0 is never. */
struct smtp_chance {
	uint64_t first; /* the first so many of all sessions, since start or reset */
	int64_t share;  /* or so many millionths of all */
};

/* "5%", "first 3", or empty for never. NULL, or what is wrong. */
const char *smtp_chance_parse(struct str s, struct smtp_chance *out);
void smtp_chance_format(struct buf *b, const struct smtp_chance *chance);

/* A refusal, and how often. */
struct smtp_fail {
	struct smtp_chance chance;
	char *reply; /* "451 4.7.1 text", owned; NULL: none */
};

/* A chance, an SMTP code of 400 to 599, perhaps an enhanced status code of the same class, and a
 * text, or empty for never. What was in *out is freed. NULL, or what is wrong. */
const char *smtp_fail_parse(struct str s, struct smtp_fail *out);
void smtp_fail_format(struct buf *b, const struct smtp_fail *fail);
void smtp_fail_fini(struct smtp_fail *fail);

/* Of one stage; all zero is without faults. It points to what the settings own. */
struct smtp_fault_conf {
	struct latency delay; /* simulated */
	struct smtp_chance drop, drop_after;
	struct smtp_fail fail;
};

/* When such a stage begins. */
struct smtp_fault_place {
	uint64_t seed;
	uint64_t session; /* its number, from 1 */
	enum smtp_stage stage;
	uint64_t count; /* stages of that kind in this session, from 1 */
	uint64_t total; /* and in all sessions since start or reset */
};

struct smtp_fault {
	int64_t delay_ns; /* first this, */
	bool is_dropped;  /* then the connection is closed, */
	bool is_failed;   /* or the refusal is given */
};

void smtp_fault_draw(
    const struct smtp_fault_conf *conf, const struct smtp_fault_place *at, struct smtp_fault *out);

/* Whether such a stage, with which all is well, ends with a connection that is closed without
 * saying so. at->total counts only those here. */
bool smtp_fault_drops_after(const struct smtp_fault_conf *conf, const struct smtp_fault_place *at);

#endif
