#ifndef CORE_SCHEDULE_SLOT_H
#define CORE_SCHEDULE_SLOT_H

/*
 * The slots of the schedule: queues of messages, as chunks of pointers from one arena. A message is
 * in at most one slot and knows its place there, so it can be taken out of the middle, and nothing
 * is left of it. Seen by schedule.c only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct message;
struct slot_chunk;

struct slot {
	struct message *only; /* all there is, or NULL: then there are chunks, or nothing */
	uint32_t head, tail;  /* numbers of chunks; 0: none */
	int64_t least_ns;     /* nothing in it is due before; it may be later */
};

/* All zero but for the slots: empty. */
struct slot_arena {
	struct slot *slots; /* all that there are, which must not move */
	struct slot_chunk **slabs;
	size_t n_slabs;
	uint32_t used;  /* chunks in use… */
	uint32_t fresh; /* …that were ever… */
	uint32_t spare; /* …and the first of those that were and are free again; 0: none */
};

void slot_arena_fini(struct slot_arena *a);

static inline bool
slot_is_empty(const struct slot *slot)
{
	return !slot->only && slot->head == 0;
}

/* At the end, or in front of all others. */
void slot_push(struct slot_arena *a, struct slot *slot, struct message *m);
void slot_push_front(struct slot_arena *a, struct slot *slot, struct message *m);

/* Takes it out of the slot that it is in. */
void slot_remove(struct slot_arena *a, struct message *m);

/* The first or last of a slot that is not empty. */
struct message *slot_first(const struct slot_arena *a, const struct slot *slot);
struct message *slot_last(const struct slot_arena *a, const struct slot *slot);

/* Takes out all, in order, and gives them to each(), which may put them into other slots. */
void slot_drain(
    struct slot_arena *a, struct slot *slot, void (*each)(void *ctx, struct message *m), void *ctx);

/* Puts a slot that is not empty into the order of seq, if it is not. */
void slot_sort(struct slot_arena *a, struct slot *slot);

/* Whether anything in it is due at or before that moment. */
bool slot_has_by(const struct slot_arena *a, const struct slot *slot, int64_t until_ns);

#endif
