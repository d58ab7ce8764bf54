#ifndef APP_H
#define APP_H

/*
 * The daemon as a whole: starts the parts, wires them, reloads, drains, ends.
 */

#include <stdbool.h>

#include "base/conf.h"
#include "settings.h"

/* Exit statuses that are part of the contract; 64 and 78 are those of sysexits.h. */
enum app_status {
	APP_OK = 0,
	APP_FAILED = 1,  /* could not start or go on */
	APP_CUT_OFF = 2, /* attempts in flight were cut off, or nothing could happen any more */
	APP_REFUSED = 3, /* --stdio: some command was answered -ERR */
	APP_USAGE = 64,
	APP_CONFIG = 78,
};

struct app_options {
	bool is_stdio;
	struct conf_sources sources; /* read again at each reload */
};

/* Runs until it is told to stop. Takes the settings over. */
enum app_status app_run(const struct app_options *options, struct settings *settings);

#endif
