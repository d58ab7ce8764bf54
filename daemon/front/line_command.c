/*
 * Owns the table of commands and the way from a line to one of them; and those that only answer.
 */
#include "base/http.h"
#include "base/text.h"
#include "core/event.h"
#include "front/line_client.h"

static void
say_hello(struct line_client *c, const struct line_options *o)
{
	const struct simulator *sim = c->front->sim;
	struct buf b = { 0 };

	(void)o;
	buf_printf(&b, "+OK mailsimd %s proto=1 seed=%lu scale=", c->front->env.version, sim->seed);
	clock_format_scale(&b, sim->clock.scale, sim->clock.is_max);
	buf_add_lit(&b, " now=");
	text_format_time(&b, sim->now_ns, 3);
	line_reply_buf(c, &b);
	buf_fini(&b);
}

static void
say_pong(struct line_client *c, const struct line_options *o)
{
	(void)o;
	line_reply(c, "+OK pong");
}

static void
say_bye(struct line_client *c, const struct line_options *o)
{
	(void)o;
	line_events_stop(c);
	line_reply(c, "+OK bye");
	line_client_quit(c);
}

static void
tell_stats(struct line_client *c, const struct line_options *o)
{
	const struct simulator *sim = c->front->sim;
	const struct counts *counts = &sim->tally.counts;
	struct buf b = { 0 };
	int state;

	(void)o;
	buf_printf(&b, "+OK accepted=%lu", counts->accepted);
	for (state = STATE_WAITING; state < STATE_COUNT; state++)
		buf_printf(&b, " %s=%lu", message_state_names[state], counts->state[state]);
	buf_printf(&b, " connections=%lu attempts=%lu batches=%lu in_history=%lu rejected=%lu",
	    c->front->quota->n, counts->attempts, sim->next_batch - 1, sim->history.n_messages,
	    sim->n_rejected);
	c->front->env.add_stats(c->front->env.ctx, &b);
	buf_add_lit(&b, " now=");
	text_format_time(&b, sim->now_ns, 3);
	line_reply_buf(c, &b);
	buf_fini(&b);
}

static const struct line_command *
find_command(struct str verb)
{
	size_t i;

	for (i = 0; i < line_commands_n; i++)
		if (str_eq_nocase(verb, str_of(line_commands[i].verb)))
			return &line_commands[i];
	return NULL;
}

static void
tell_help(struct line_client *c, const struct line_options *o)
{
	const struct line_command *only = o->word.p ? find_command(o->word) : NULL;
	size_t i;

	if (o->word.p && !only) {
		line_error(c, LINE_BAD_ARGUMENT, "there is no such command; help lists them");
		return;
	}
	for (i = 0; i < line_commands_n; i++) {
		const struct line_command *command = &line_commands[i];

		if (only && command != only)
			continue;
		line_reply(
		    c, "* %s%s%s", command->verb, command->usage[0] ? " " : "", command->usage);
		if (only)
			line_reply(c, "* %s", command->help);
	}
	if (!only)
		line_reply(
		    c, "* SELECTOR is ID, id=ID, to=ADDRESS, to=*@DOMAIN, seq=N, batch=N or all");
	line_reply(c, "+OK");
}

#define SEND_KEYS \
	"[ID|A..B] [id=ID] [to=ADDRESS] [from=ADDRESS] [size=OCTETS] [latency=LATENCY] " \
	"[connect=LATENCY] [outcome=OUTCOME] [retry=DELAYS] [expire=DUR] [max_attempts=N] " \
	"[concurrency=N] [rate=RATE] [full=error]"

const struct line_command line_commands[] = {
	{ "send", SEND_KEYS, "accepts one message or a range; answers when all of it is accepted",
	    line_send, KEYS_SEND, WORDS_ID, COMMAND_PLAIN, true },
	{ "gather", SEND_KEYS, "as send, then waits for all of it and lists each in order",
	    line_gather, KEYS_SEND, WORDS_ID, COMMAND_PLAIN, true },
	{ "wait", "[SELECTOR] [STATE=N...] [timeout=DUR]",
	    "waits until all that is found is final, or until N have got to STATE", line_wait,
	    KEYS_SELECTOR | KEYS_WAIT, WORDS_ONE, COMMAND_SEARCH },
	{ "events", "on|json|off [SELECTOR] [type=a,b]", "tells events from now on, as they happen",
	    line_events, KEYS_SELECTOR | KEYS_EVENTS, WORDS_TWO, COMMAND_PLAIN },
	{ "status", "SELECTOR", "says what became of the newest message that is found", line_status,
	    KEYS_SELECTOR, WORDS_ONE, COMMAND_SEARCH },
	{ "list", "[SELECTOR] [state=a,b] [limit=100]", "lists messages, the newest last",
	    line_list, KEYS_SELECTOR | KEYS_LIST, WORDS_ONE, COMMAND_SEARCH },
	{ "cancel", "SELECTOR", "ends what is not final", line_cancel, KEYS_SELECTOR, WORDS_ONE,
	    COMMAND_SEARCH },
	{ "flush", "SELECTOR", "tries again now what is deferred", line_flush, KEYS_SELECTOR,
	    WORDS_ONE, COMMAND_SEARCH, true },
	{ "stats", "", "counts messages by state, connections and losses", tell_stats, KEYS_NONE,
	    WORDS_NONE, COMMAND_PLAIN },
	{ "rule",
	    "[to=PATTERN] [from=PATTERN] outcome=OUTCOME [latency=LATENCY] [count=N] | off=N|all",
	    "chooses what becomes of messages accepted from now on, of so many of them", line_rule,
	    KEYS_RULE, WORDS_NONE, COMMAND_ADMIN, true },
	{ "rules", "", "lists the rules, the newest first", line_rules, KEYS_NONE, WORDS_NONE,
	    COMMAND_PLAIN },
	{ "down", "DOMAIN [for=DUR]", "that destination cannot be reached, from now", line_down,
	    KEYS_DOWN, WORDS_ONE, COMMAND_ADMIN, true },
	{ "up", "DOMAIN", "that destination can be reached again", line_up, KEYS_NONE, WORDS_ONE,
	    COMMAND_ADMIN, true },
	{ "advance", "DUR", "moves simulated time on; answers when all that fell due has happened",
	    line_advance, KEYS_NONE, WORDS_ONE, COMMAND_ADMIN, true },
	{ "scale", "N|max", "simulated seconds per real one; 0 stands still, max jumps", line_scale,
	    KEYS_NONE, WORDS_ONE, COMMAND_ADMIN, true },
	{ "seed", "N", "the seed of messages accepted from now on", line_seed, KEYS_NONE, WORDS_ONE,
	    COMMAND_ADMIN, true },
	{ "reset", "", "cancels everything and forgets it: all is as at the start", line_reset,
	    KEYS_NONE, WORDS_NONE, COMMAND_ADMIN },
	{ "hello", "", "says version, protocol, seed, clock", say_hello, KEYS_NONE, WORDS_NONE,
	    COMMAND_PLAIN },
	{ "ping", "", "says pong", say_pong, KEYS_NONE, WORDS_NONE, COMMAND_PLAIN },
	{ "help", "[VERB]", "lists the commands, or explains one", tell_help, KEYS_NONE, WORDS_ONE,
	    COMMAND_PLAIN },
	{ "quit", "", "ends the connection when all is answered", say_bye, KEYS_NONE, WORDS_NONE,
	    COMMAND_PLAIN },
};

const size_t line_commands_n = sizeof line_commands / sizeof line_commands[0];

static void
run_command(struct line_client *c, const struct line_command *command, const struct line_options *o)
{
	command->run(c, o);
	if (command->kind == COMMAND_SEARCH && c->conn)
		conn_yield(c->conn);
}

static void
run_request(struct line_client *c, const struct line_command *command, const struct line_request *r,
    const char *why)
{
	struct line_options o;

	if (!command)
		line_error(c, LINE_BAD_COMMAND, "there is no such command; help lists them");
	else if (why)
		line_error(c, LINE_BAD_ARGUMENT, "%s", why);
	else if (command->kind == COMMAND_ADMIN && !line_client_is_admin(c))
		line_error(c, LINE_NOT_PERMITTED, "server.admin = %s does not let you",
		    line_admin_names[c->front->conf.admin]);
	else {
		if (line_options_parse(c, r, command->keys, command->words, &o))
			run_command(c, command, &o);
		line_options_fini(&o);
	}
}

void
line_execute(struct line_client *c, struct str line, bool is_whole)
{
	const struct line_command *command;
	struct line_request r;
	const char *why;

	if (line.n == 0 || line.p[0] == '#')
		return;
	if (http_is_request(line)) {
		line_client_drop(c);
		return;
	}
	if (!is_whole) {
		line_error(c, LINE_BAD_ARGUMENT, "the last line has no end and was not executed");
		return;
	}
	if (!text_is_utf8(line)) {
		line_error(c, LINE_BAD_UTF8, "the line is no UTF-8, or holds a NUL");
		return;
	}
	why = line_parse(line, c->front->scratch, &r);
	if (r.verb.n == 0)
		return;
	command = find_command(r.verb);
	if (command && command->is_patient && !present_is_reached(c->front->present))
		line_client_hold(c, line);
	else
		run_request(c, command, &r, why);
}
