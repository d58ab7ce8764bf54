#ifndef BASE_CONF_LOAD_H
#define BASE_CONF_LOAD_H

/* What the files of the engine share while a configuration is loaded; of no use to others. */

#include "base/conf.h"

/* Where a value comes from. */
struct conf_origin {
	struct str name;
	unsigned line; /* 0: it has no lines */
};

/* One conf_load() under way. */
struct conf_load {
	const struct conf_table *table;
	char *settings;
	struct conf_problems *problems;
	struct str file;
	unsigned *lines; /* of each key: where the file set it first; 0: nowhere so far */
};

/* "FILE:LINE: what" or "ORIGIN: what"; takes what is in `what`. */
void conf_report(const struct conf_load *l, struct conf_origin at, struct buf *what);

/* Report a section, or a key of a section, that does not exist, and the nearest that does. */
void conf_hint_section(const struct conf_load *l, struct conf_origin at, struct str section);
void conf_hint_key(
    const struct conf_load *l, struct conf_origin at, struct str section, struct str name);

#endif
