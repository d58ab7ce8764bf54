#ifndef FRONT_LINE_CLIENT_H
#define FRONT_LINE_CLIENT_H

/*
 * Inside of the line protocol: a client, the command it has under way, and the tools that commands
 * share. Seen by front/line*.c only.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "core/batch.h"
#include "core/selector.h"
#include "core/simulator.h"
#include "core/watch.h"
#include "front/line.h"
#include "front/line_parse.h"
#include "io/conn.h"

#define LINE_SLICE 1024 /* messages that a command works on in one turn */

enum line_code {
	LINE_BAD_COMMAND,
	LINE_BAD_ARGUMENT,
	LINE_BAD_UTF8,
	LINE_TOO_LONG,
	LINE_UNKNOWN_OUTCOME,
	LINE_NOT_FOUND,
	LINE_BUSY,
	LINE_TIMEOUT,
	LINE_DRAINING,
	LINE_NOT_PERMITTED,
};

/* What a step of a command says of the next. */
enum line_progress {
	LINE_DONE,      /* it has been answered */
	LINE_AGAIN,     /* next turn */
	LINE_NO_ROOM,   /* when messages can be accepted again */
	LINE_CONGESTED, /* when the log takes events again */
	LINE_WAITING,   /* when line_client_wake() is called */
};

struct line_client;
typedef enum line_progress line_step(struct line_client *c);

/* The command under way: made when it begins, by line_client_begin(). All but the last three begins
 * as zero. */
struct line_task {
	line_step *step;
	void (*end)(struct line_client *c); /* frees what follows */
	bool is_answering;                  /* only the client's reading is waited for */
	bool needs_current;                 /* waits until all that is due is fired */
	bool is_held;                       /* the command itself, in text, waits for that */
	bool outlives_client;               /* goes on when nobody waits for the answer */
	enum line_progress progress;
	bool has_timeout, has_timed_out;
	struct batch *batch; /* send, gather… */
	uint32_t first;      /* …the messages of which from here on are asked for */
	uint32_t index;      /* gather: the next line */
	bool is_gather, is_watching, is_walking;
	char *text;          /* the selector's, when it must outlive the line */
	const char *counted; /* cancel, flush: the name of… */
	uint64_t count;      /* …how many were; list: listed */
	bool is_checked;     /* cancel, flush: all that is meant is the client's own */
	uint64_t fired_before;
	uint64_t *seqs; /* list */
	size_t n, cap, at;
	unsigned states;
	uint64_t limit;
	struct watch watch;    /* gather, wait: watch_start() */
	struct selection walk; /* cancel, list, reset: selection_init() */
	struct selector selector;
};

struct line_front {
	struct loop *loop;
	struct simulator *sim;
	struct line_conf conf;
	struct line_env env;
	struct conn_set *conns;
	struct list clients;
	struct list runnable;     /* clients whose task goes on this turn */
	struct list late;         /* clients whose task waits until all that is due is fired */
	struct list roomless;     /* clients whose task waits for room */
	struct list congested;    /* clients whose task waits for the log */
	struct loop_event *check; /* for connections that died while they waited */
	bool is_finishing;        /* the daemon ends: no further line is executed */
	struct quota *quota;
	struct present *present;
	uint64_t n_refused, n_errors;
	uint64_t n_timers;            /* tasks that end by real time */
	char *scratch;                /* for quoted values, as long as the longest line */
	struct buf reply, part;       /* for a line under way, and for what is put into it */
	struct line_task *spare_task; /* most commands are over before the next begins; or NULL */
};

/* What a client is told of events. */
struct line_events {
	struct bus_subscription *subscription;
	bool is_json;
	struct selector selector;
	char *text; /* of the selector */
};

struct line_client {
	struct list link;
	struct list run_link; /* runnable, roomless or congested */
	struct line_front *front;
	struct conn *conn;          /* NULL: gone, but its task is not done, so it still counts */
	struct owner *owner;        /* of its messages; made when there are some */
	struct line_task *task;     /* NULL: none */
	struct line_events *events; /* NULL: none */
	struct watch *last;         /* after the end of input: all its messages final; or NULL */
	struct loop_event *timer;   /* of the task's timeout, or of idling */
	uint64_t events_lost;       /* not told yet */
	bool is_refused;            /* told so, and closing */
	bool is_stdio;              /* never idles */
	bool is_near;               /* on this machine */
	bool has_spoken;            /* a line of it has come */
	bool has_ended;             /* asks nothing more */
};

/* One reply line. The text of an error fits behind its code. */
void line_reply(struct line_client *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void line_reply_buf(struct line_client *c, const struct buf *b);

/* The front's own buffer, empty, for a line that is told before anything else is begun. */
struct buf *line_begin_reply(struct line_client *c);
void line_error(struct line_client *c, enum line_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line that is no reply, without its end. */
void line_detail(struct line_client *c, struct str line);

/* The summary of gather and wait: "+OK n=…". */
void line_reply_summary(struct line_client *c, const struct counts *counts);

/* Whether the client may act on everybody, as server.admin has it. */
bool line_client_is_admin(const struct line_client *c);

/* Whether as much output waits as may. */
bool line_client_is_full(const struct line_client *c);

/*
 * Begins a command that may take more than one turn: gives c->task, to be filled further. Then
 * line_client_start() makes the first step; until the last, the connection's next line waits.
 */
struct line_task *line_client_begin(
    struct line_client *c, line_step *step, void (*end)(struct line_client *c));
void line_client_start(struct line_client *c);

/* Executes that line when all that is due is fired. */
void line_client_hold(struct line_client *c, struct str line);

/* What the task waited for has come. The second is for watches. */
void line_client_wake(struct line_client *c);
void line_client_watch_cb(void *ctx);

/* The task's next step; its end, answered or not. */
void line_client_step(struct line_client *c);
void line_client_end(struct line_client *c);

/* Idling counts from now, if that is limited. */
void line_client_idle(struct line_client *c);

/* Both its connection and its task are gone. */
void line_client_bury(struct line_client *c);

/* The task is woken with has_timed_out at that real time. */
void line_client_set_timeout(struct line_client *c, int64_t timeout_ns);

struct owner *line_client_owner(struct line_client *c);

/* No further line is executed, and the connection closes when all is sent. */
void line_client_quit(struct line_client *c);

/* Closes the connection at once, unanswered. */
void line_client_drop(struct line_client *c);

/*
 * The arguments of a command, by key. What was not given is zero, or p is NULL, but for what a
 * `has_` says is not there. Filled by line_options_parse() from the table of keys in
 * line_options.c.
 */
struct line_options {
	struct str word, second; /* the first and second word that is no key=value */
	bool has_range;
	uint64_t first, last;
	struct str id, to, from;
	uint64_t size, concurrency, limit, seq, batch;
	bool has_latency, has_connect, has_seq, has_batch, has_retry;
	const struct outcome_set *outcomes; /* that there are */
	struct fate *fate;                  /* or NULL */
	enum fate_status fate_status;
	struct buf why;        /* what is wrong with it */
	int64_t expire_ns;     /* -1: not given */
	uint64_t max_attempts; /* PLAN_UNSAID: not given */
	struct rate rate;
	struct str off; /* rule */
	bool has_count;
	uint64_t count;
	bool has_for;
	int64_t for_ns;
	bool is_full_error;
	unsigned states; /* mask of 1U << enum message_state */
	unsigned types;  /* mask of 1U << enum event_kind; 0: all */
	unsigned goals;  /* which of goal are given */
	bool has_timeout;
	int64_t timeout_ns;
	/* large, and not even zero where they were not given: most commands have none of them */
	struct latency latency, connect;
	struct retry retry;
	uint64_t goal[GOAL_COUNT];
};

/* Which keys a command takes. */
enum line_keys {
	KEYS_NONE = 0,
	KEYS_SELECTOR = 1 << 0, /* id to seq batch */
	KEYS_SEND = 1 << 1,
	KEYS_WAIT = 1 << 2,
	KEYS_LIST = 1 << 3,
	KEYS_EVENTS = 1 << 4,
	KEYS_RULE = 1 << 5,
	KEYS_DOWN = 1 << 6,
};

/* What a command takes besides keys. */
enum line_words { WORDS_NONE, WORDS_ONE, WORDS_TWO, WORDS_ID };

/* False when an error was answered. line_options_fini() in any case. */
bool line_options_parse(struct line_client *c, const struct line_request *r, unsigned keys,
    enum line_words words, struct line_options *o);
void line_options_fini(struct line_options *o);

/*
 * The selector that the options name: `word` is an ID or "all". False when an error was answered;
 * *is_given is false, and *s untouched, when there is none. The text is that of the options.
 */
bool line_options_selector(struct line_client *c, const struct line_options *o, struct str word,
    struct selector *s, bool *is_given);

/* s with a text of its own, which is given, to be freed. */
char *line_keep_selector(struct selector *s);

enum line_command_kind {
	COMMAND_PLAIN,
	COMMAND_SEARCH, /* may look at very many messages */
	COMMAND_ADMIN,  /* acts on everybody */
};

/* One row per command. */
struct line_command {
	const char *verb;
	const char *usage; /* behind the verb */
	const char *help;
	void (*run)(struct line_client *c, const struct line_options *o);
	unsigned keys;
	enum line_words words;
	enum line_command_kind kind;
	bool is_patient; /* waits until all that is due is fired */
};

extern const struct line_command line_commands[];
extern const size_t line_commands_n;

/* Executes one line. */
void line_execute(struct line_client *c, struct str line, bool is_whole);

/* The commands, by file. */
void line_send(struct line_client *c, const struct line_options *o);
void line_gather(struct line_client *c, const struct line_options *o);
void line_wait(struct line_client *c, const struct line_options *o);
void line_status(struct line_client *c, const struct line_options *o);
void line_list(struct line_client *c, const struct line_options *o);
void line_cancel(struct line_client *c, const struct line_options *o);
void line_flush(struct line_client *c, const struct line_options *o);
void line_events(struct line_client *c, const struct line_options *o);
void line_advance(struct line_client *c, const struct line_options *o);
void line_scale(struct line_client *c, const struct line_options *o);
void line_seed(struct line_client *c, const struct line_options *o);
void line_reset(struct line_client *c, const struct line_options *o);
void line_rule(struct line_client *c, const struct line_options *o);
void line_rules(struct line_client *c, const struct line_options *o);
void line_down(struct line_client *c, const struct line_options *o);
void line_up(struct line_client *c, const struct line_options *o);

/* Ends the client's subscription to events. */
void line_events_stop(struct line_client *c);

/* Tells how many events were lost, now that there is room to say so. */
void line_events_tell_lost(struct line_client *c);

#endif
