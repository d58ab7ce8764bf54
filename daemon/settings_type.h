#ifndef SETTINGS_TYPE_H
#define SETTINGS_TYPE_H

/*
 * The kinds of values that the table of keys in settings.c is made of, besides those of
 * base/conf.h.
 */

#include "base/conf.h"

extern const struct conf_type type_addresses;
extern const struct conf_type type_latency;
extern const struct conf_type type_fate;
extern const struct conf_type type_rate;
extern const struct conf_type type_retry;
extern const struct conf_type type_percent;
extern const struct conf_type type_windows;
extern const struct conf_type type_until;
extern const struct conf_type type_dsn;
extern const struct conf_type type_stage;
extern const struct conf_type type_magic;
extern const struct conf_type type_admin;
extern const struct conf_type type_concurrency;
extern const struct conf_type type_scale;
extern const struct conf_type type_epoch;
extern const struct conf_type type_seed;
extern const struct conf_type type_target;
extern const struct conf_type type_style;
extern const struct conf_type type_events;
extern const struct conf_type type_level;
extern const struct conf_type type_timestamp;
extern const struct conf_type type_template;

#endif
