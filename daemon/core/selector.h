#ifndef CORE_SELECTOR_H
#define CORE_SELECTOR_H

/*
 * Which messages a command means: ID, id=, to= (also *@domain), seq=, batch=, all, or one owner's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct batch;
struct message;
struct owner;
struct registry;

enum selector_kind { SELECT_ALL, SELECT_ID, SELECT_TO, SELECT_SEQ, SELECT_BATCH, SELECT_OWN };

struct selector {
	enum selector_kind kind;
	struct str text;     /* SELECT_ID, SELECT_TO: valid as long as the selector */
	uint64_t number;     /* SELECT_SEQ, SELECT_BATCH */
	struct owner *owner; /* SELECT_OWN */
};

/* Whether any message of the batch, accepted or to come, is meant, and which indices: from *first
 * to *last. Of a run or a mail to several these are the ones that may be meant: see
 * selector_match() for each. */
bool selector_match_batch(
    const struct selector *s, const struct batch *b, uint32_t *first, uint32_t *last);

bool selector_match(const struct selector *s, const struct message *m);

/* Of an open batch: whether any that is still to be accepted is meant; and all of these. */
bool selector_match_any_rest(const struct selector *s, const struct batch *b);
bool selector_match_rest(const struct selector *s, const struct batch *b);

/* Whether the address is that one, or in that domain for a pattern "*@domain". The domain is
 * compared without case, the local part exactly (RFC 5321 §2.4). */
bool selector_match_address(struct str pattern, struct str address);

/*
 * A walk over the messages that a selector means, in order of seq, either way. Messages may come
 * and go between two steps. Ends with selection_fini().
 */
struct selection {
	const struct registry *registry;
	const struct selector *selector;
	bool is_backwards;
	uint64_t *numbers; /* the requests to visit, when they are known; else all of them */
	size_t n, at;
	uint64_t number; /* the one that is visited */
	uint64_t batch;  /* the batch the walk is in… */
	uint64_t index;  /* …and the index to look at next */
	bool is_inside;
	uint64_t budget; /* batches to look at before it rests; set by who walks in slices */
	bool is_over;    /* there is nothing more */
	uint64_t end;    /* going forward: the last request there was at the beginning */
};

void selection_init(struct selection *walk, const struct registry *registry,
    const struct selector *selector, bool is_backwards);
void selection_fini(struct selection *walk);

/* The next message; NULL at the end (is_over), or when the budget is used up. Forgotten messages
 * are passed over. */
struct message *selection_next(struct selection *walk);

#endif
