/*
 * mailsimd: reads the command line and says how it ended. Everything else is in app.c.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app.h"
#include "base/mem.h"
#include "io/descriptors.h"

static const char usage[] =
    "usage: mailsimd [-c FILE] [-o SECTION.KEY=VALUE]... [--stdio] [--check] [--print-config]\n"
    "                [-q|-v] [--help] [--version]\n";

static const char help[] =
    "\n"
    "Simulates the queue of a mail server: accepts send requests line by line (try netcat),\n"
    "delivers nothing to anybody, and logs what would have happened to each message.\n"
    "\n"
    "  -c FILE               read this INI file\n"
    "  -o SECTION.KEY=VALUE  set one key; may repeat. So does MAILSIMD_SECTION_KEY in the\n"
    "                        environment; the command line is the stronger of the two\n"
    "      --stdio           speak the protocol on standard input and output; no listener\n"
    "      --check           read the configuration, print every problem, exit\n"
    "      --print-config    print the configuration in force, exit\n"
    "  -q, -v                diagnostics from warnings up; or down to debugging\n"
    "      --help, --version\n"
    "\n"
    "Try: printf 'gather 0..9\\n' | mailsimd --stdio -o log.target=stderr\n";

enum { OPTION_STDIO = 256, OPTION_CHECK, OPTION_PRINT, OPTION_HELP, OPTION_VERSION };

static const struct option long_options[] = {
	{ "stdio", no_argument, NULL, OPTION_STDIO },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "print-config", no_argument, NULL, OPTION_PRINT },
	{ "help", no_argument, NULL, OPTION_HELP },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 },
};

struct command_line {
	struct app_options app;
	const char **assignments; /* of -o, and what -q and -v stand for */
	size_t n;
	bool is_check, is_print;
};

/* Written and out, or not: a full disk shall not look like success. */
static enum app_status
print(struct str text)
{
	if (fwrite(text.p, 1, text.n, stdout) == text.n && fflush(stdout) == 0)
		return APP_OK;
	diag_error("standard output cannot be written");
	return APP_FAILED;
}

static enum app_status
print_help(void)
{
	enum app_status status = print(str_of(usage));

	return status == APP_OK ? print(str_of(help)) : status;
}

static int
parse_options(int argc, char **argv, struct command_line *line)
{
	int c;

	while ((c = getopt_long(argc, argv, "c:o:qv", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			line->app.sources.file = optarg;
			break;
		case 'o':
			line->assignments[line->n++] = optarg;
			break;
		case 'q':
			line->assignments[line->n++] = "log.level=warning";
			break;
		case 'v':
			line->assignments[line->n++] = "log.level=debug";
			break;
		case OPTION_STDIO:
			line->app.is_stdio = true;
			break;
		case OPTION_CHECK:
			line->is_check = true;
			break;
		case OPTION_PRINT:
			line->is_print = true;
			break;
		case OPTION_HELP:
			return (int)print_help();
		case OPTION_VERSION:
			return (int)print(STR("mailsimd " MAILSIMD_VERSION "\n"));
		default:
			fputs(usage, stderr);
			return APP_USAGE;
		}
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "mailsimd: there is no argument '%s'\n%s", argv[optind], usage);
	return APP_USAGE;
}

static enum app_status
print_config(const struct settings *settings)
{
	struct buf b = { 0 };
	enum app_status status;

	conf_print(&settings_table, settings, true, &b);
	status = print(buf_str(&b));
	buf_fini(&b);
	return status;
}

static enum app_status
run(const struct command_line *line)
{
	struct conf_problems problems = { 0 };
	struct settings *settings =
	    settings_load(&line->app.sources, line->app.is_stdio, &problems);
	enum app_status status = APP_OK;

	if (!settings) {
		/* in the journal they are errors, on a terminal lines to be read */
		conf_problems_tell(&problems, diag_is_journal() ? diag_error : diag_plain);
		diag_error("the configuration has %u problem%s", problems.count,
		    problems.count == 1 ? "" : "s");
		conf_problems_fini(&problems);
		return APP_CONFIG;
	}
	conf_problems_fini(&problems);
	if (!line->is_check && !line->is_print)
		return app_run(&line->app, settings);
	if (line->is_print)
		status = print_config(settings);
	settings_free(settings);
	return status;
}

int
main(int argc, char **argv)
{
	struct command_line line = { 0 };
	int status;

	descriptors_keep_standard();
	line.assignments = mem_alloc_array((size_t)argc + 1, sizeof *line.assignments);
	status = parse_options(argc, argv, &line);
	if (status == -1) {
		line.app.sources.options = line.assignments;
		line.app.sources.environ = (const char *const *)environ;
		line.app.sources.env_prefix = "MAILSIMD_";
		status = (int)run(&line);
	}
	free(line.assignments);
	return status;
}
