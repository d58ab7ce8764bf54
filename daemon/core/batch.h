#ifndef CORE_BATCH_H
#define CORE_BATCH_H

/*
 * The messages of one request: what they share, and their records, which are made in blocks as
 * they are accepted and go when nobody needs them any more. Single messages that come one after the
 * other are kept together: such a batch is a run, and each of its messages has a request of its
 * own, with its own number, owner and plan. So what a message's request said is asked for by index.
 * A mail to several is one request again, whose messages share all but the recipient.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/str.h"
#include "core/lane.h"
#include "core/letter.h"
#include "core/message.h"
#include "core/plan.h"
#include "core/tally.h"

#define BATCH_BLOCK 64 /* messages; and the longest run */

struct slabs;

struct block {
	struct batch *batch;
	uint32_t base;      /* index of its first message */
	uint32_t kept;      /* records in it that are not forgotten */
	uint64_t forgotten; /* mask of 1 << slot: out of the history, and there only for a gather */
	struct message messages[];
};

/* What only a batch of several messages, or one that is gathered, needs. */
struct batch_group {
	struct tally tally;
	struct lane_group lanes;
};

struct batch {
	struct list open_link;  /* registry: ranges still being accepted */
	struct list done_link;  /* history: batches whose messages are all final */
	struct list range_link; /* registry: batches of several messages */
	uint64_t number;        /* of a run: of its first message */
	uint64_t first_seq;
	uint64_t first;    /* the number of its first message, for a range */
	uint64_t size;     /* octets, 0: not said */
	uint64_t sequel;   /* without id: which one of its recipient's it is, from 1 */
	uint32_t count;    /* messages asked for; lowered when the range is cut short */
	uint32_t accepted; /* so far, in order */
	uint32_t kept;     /* message records that are not forgotten */
	uint32_t n_blocks; /* that exist */
	uint32_t holders;  /* gathers that still read from it */
	bool is_range;
	bool is_run;                       /* each message is a request of its own */
	bool is_open;                      /* more will be accepted */
	bool is_reserved;                  /* room for all of it is kept (sim->reserved) */
	bool is_remembered;                /* in the history */
	bool is_detached;                  /* a reset forgot it, and a gather still reads it */
	bool has_id_number, has_to_number; /* {n} in id or to */
	struct letters *letters;           /* of a run, or a mail's recipients; or NULL */
	struct owner *owner;               /* but of a run, these hold for all: */
	struct plan *plan;
	struct batch_group *group; /* or NULL */
	struct block *only;        /* the one block of a small batch… */
	struct block **blocks; /* …else all of them; an entry is NULL before and after its time */
	struct slabs *slabs;   /* that they are in, when they are very many; or NULL */
	struct str id;         /* p is NULL: "s" and the seq; a range without pattern: the number */
	struct str to, from;   /* p is NULL: not given; from may be empty (RFC 5321 §4.5.5) */
	char text[];           /* what the three point into */
};

/* What a new batch is made from; batch_new() copies it. */
struct batch_request {
	struct str id, to, from;
	bool is_range;
	uint64_t first, last;
	uint64_t size;
	uint64_t concurrency; /* DELIVERY_UNLIMITED: no limit of its own */
	struct rate rate;     /* of its own */
	bool is_gathered;
	bool is_reserved; /* all of it at once: there is intake_room() for it */
	struct plan_change plan;
};

/*
 * A mail: a request, which then names no recipient and no range, for one message to each of these,
 * in that order. One recipient alone is as a single message.
 */
struct batch_mail {
	const struct str *recipients;
	uint32_t n;            /* of them, at least 1 */
	struct str message_id; /* as the client made it up; or not there */
	bool is_id_unkeyed;    /* the id is shown, but draws go as if there were none */
};

struct batch *batch_new(const struct batch_request *r, uint64_t number, uint64_t first_seq,
    struct owner *owner, struct plan *plan);

/* For a mail to that many, who are still to be named by batch_add_recipient(). */
struct batch *batch_new_mail(const struct batch_request *r, uint32_t n, uint64_t number,
    uint64_t first_seq, struct owner *owner, struct plan *plan);

/* The next recipient; all must be there before the first message is accepted. sequel, dup_of: 0
 * where there is none. */
void batch_add_recipient(struct batch *b, struct str to, uint64_t sequel, uint64_t dup_of);

/* An empty run. */
struct batch *batch_new_run(uint32_t room);

/* A run that is over, as long as a run can be and on no list, is an empty one again and keeps its
 * memory: to give that back and to ask for it anew costs a third of a microsecond a message. False
 * when it is too short for that. */
bool batch_is_reusable(const struct batch *b);
void batch_empty_run(struct batch *b);

/* The numbers of an empty run. */
void batch_begin_run(struct batch *b, uint64_t number, uint64_t first_seq);

/* Whether the request with that number can be the next of this batch: a run that has room, all of
 * it accepted. */
bool batch_takes_letter(const struct batch *b, uint64_t number, uint64_t seq);

/* One more single message to come: r, owner and plan as for batch_new(). */
void batch_add_letter(struct batch *b, const struct batch_request *r, struct owner *owner,
    struct plan *plan, uint64_t sequel);

/* The same of a mail to that one. dup_of: 0 where there is none. */
void batch_add_mail(struct batch *b, const struct batch_request *r, struct str to,
    struct owner *owner, struct plan *plan, uint64_t sequel, uint64_t dup_of);

/* Nothing more than what is accepted is asked for. */
void batch_cut(struct batch *b);

/* How many requests it stands for, with numbers from b->number on: at least one. */
uint32_t batch_requests(const struct batch *b);

/* Frees it with all records; it is on no list any more. */
void batch_free(struct batch *b);

/* The record of the next message, STATE_NEW. There must be one to come. */
struct message *batch_add_message(struct batch *b);

/* The message with that index; NULL when it is not accepted yet, or freed. A message that is
 * forgotten and kept for a gather only is given, too. */
struct message *batch_message(const struct batch *b, uint32_t index);

/* The record is out of the history: it is freed with its block, now or when the last gather is
 * done. */
void batch_forget_message(struct block *block, uint32_t slot);

/* A gather reads from it, or has done so. */
void batch_hold(struct batch *b);
void batch_release(struct batch *b);

/* Whether all of it is accepted and final. */
bool batch_is_done(const struct batch *b);

/* The id or recipient of the message with that index, as message_id() does. */
struct str batch_id_at(const struct batch *b, uint32_t index, struct buf *scratch);
struct str batch_to_at(const struct batch *b, uint32_t index, struct buf *scratch);

/* What its request said: the sender (p is NULL: not given), the size (0: not said), the id that was
 * given (not there for a range, or when there was none). */
struct str batch_from_at(const struct batch *b, uint32_t index);
uint64_t batch_size_at(const struct batch *b, uint32_t index);
struct str batch_own_id_at(const struct batch *b, uint32_t index);

/* The message that had its Message-ID before: its seq; 0 when there is none. */
uint64_t batch_dup_of_at(const struct batch *b, uint32_t index);

/* Without id that draws go by: which one of its recipient's it is, from 1; else 0. */
uint64_t batch_sequel_at(const struct batch *b, uint32_t index);

/* The number of its request, whose it is, and by which plan it is delivered. */
static inline uint64_t
batch_number_at(const struct batch *b, uint32_t index)
{
	return b->is_run ? b->number + index : b->number;
}

static inline struct owner *
batch_owner_at(const struct batch *b, uint32_t index)
{
	return b->is_run ? b->letters->each[index].owner : b->owner;
}

static inline struct plan *
batch_plan_at(const struct batch *b, uint32_t index)
{
	return b->is_run ? b->letters->each[index].plan : b->plan;
}

static inline struct block *
message_block(const struct message *m)
{
	return (void *)((uintptr_t)(m - m->slot) - offsetof(struct block, messages));
}

static inline bool
message_is_forgotten(const struct message *m)
{
	return message_block(m)->forgotten >> m->slot & 1;
}

static inline struct batch *
message_batch(const struct message *m)
{
	return message_block(m)->batch;
}

/* Its place in its batch, from 0. */
static inline uint32_t
message_index(const struct message *m)
{
	return message_block(m)->base + m->slot;
}

static inline uint64_t
message_seq(const struct message *m)
{
	const struct block *block = message_block(m);

	return block->batch->first_seq + block->base + m->slot;
}

static inline struct owner *
message_owner(const struct message *m)
{
	return batch_owner_at(message_batch(m), message_index(m));
}

static inline struct plan *
message_plan(const struct message *m)
{
	return batch_plan_at(message_batch(m), message_index(m));
}

/* It is about to be needed, and what it shares with others: both may lie anywhere in memory, and on
 * their way at once they cost half of what they cost one after the other. */
static inline void
message_prefetch(const struct message *m)
{
	__builtin_prefetch(message_block(m));
}

/* Adds pattern with each {n} replaced by n. */
void batch_expand(struct buf *b, struct str pattern, uint64_t n);

/* How long pattern gets at most for numbers up to n. */
size_t batch_expanded_length(struct str pattern, uint64_t n);

#endif
