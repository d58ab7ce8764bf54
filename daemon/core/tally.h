#ifndef CORE_TALLY_H
#define CORE_TALLY_H

/*
 * Counting. A tally counts the messages of everybody, of one owner or of one batch, and knows who
 * watches it. At every moment
 *
 *     accepted = waiting + sending + deferred + delivered + bounced + expired + dropped + cancelled
 */

#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "core/message.h"

struct simulator;

struct counts {
	uint64_t accepted;
	uint64_t state[STATE_COUNT];
	uint64_t deferred_once; /* messages that were deferred at least once */
	uint64_t attempts;
	int64_t first_ns, first_real_ns; /* the first acceptance, simulated and real */
	int64_t last_ns, last_real_ns;   /* the last end */
};

struct tally {
	struct counts counts;
	struct list watches; /* of struct watch */
};

void tally_init(struct tally *t);

/* Counts from zero again; so do its watches, and those that can never be done now are told. */
void tally_reset(struct tally *t, const struct simulator *sim);

/* One message moved, at that simulated and real time. */
void counts_move(struct counts *c, const struct message *m, enum message_state from,
    enum message_state to, int64_t now_ns, int64_t real_ns);

/* Takes a message that is already there into account, as if all its moves had been seen. Real
 * times are not known of a single message: the caller sets them. */
void counts_add(struct counts *c, const struct message *m);

uint64_t counts_pending(const struct counts *c);
uint64_t counts_final(const struct counts *c);

/* First acceptance to last end; 0 as long as there is none. */
int64_t counts_simulated(const struct counts *c);
int64_t counts_elapsed(const struct counts *c);

/* Whether the equation above holds. */
bool counts_are_balanced(const struct counts *c);

/* Whoever asked for messages: a connection, usually. Its messages may outlive it. */
struct owner {
	struct list link; /* on the simulator's owners */
	struct tally tally;
	uint64_t refs;
};

struct owner *owner_new(struct list *owners);
struct owner *owner_ref(struct owner *o);
void owner_unref(struct owner *o);

#endif
