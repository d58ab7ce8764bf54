#ifndef CORE_DUPLICATE_H
#define CORE_DUPLICATE_H

/*
 * Which mail came before: the Message-IDs (RFC 5322 §3.6.4) of the last messages and their
 * recipients, as hashes, 36 octets each, so that a copy can be told from its original.
 */

#include <stdint.h>

#include "base/str.h"

struct duplicate;

struct duplicates {
	struct duplicate *entries; /* a ring, oldest first, in order of seq… */
	uint32_t *heads;           /* …and chains through it: the newest of each; 0: none */
	uint64_t first;            /* the oldest, counted from the beginning of time */
	uint64_t n, cap;           /* of a power of two, or 0 */
	uint64_t hash_seed;
};

/* hash_seed: any number that clients cannot know. */
void duplicates_init(struct duplicates *d, uint64_t hash_seed);
void duplicates_fini(struct duplicates *d);

/*
 * A message with that Message-ID, recipient and seq, greater than all before; its mail begins at
 * the seq first_seq. Gives the seq of the message that it is a copy of: the first one with that
 * Message-ID and recipient, else the first one with that Message-ID, from before first_seq; 0 when
 * none is known. Remembers the message, if it is no copy with the same recipient; at most `limit`
 * are, and the oldest are forgotten. Two that share a hash of 64 bits are taken for one.
 */
uint64_t duplicates_note(struct duplicates *d, struct str message_id, struct str recipient,
    uint64_t first_seq, uint64_t seq, uint64_t limit);

/* Those from seq `first` on and before `end` never came to be. */
void duplicates_forget(struct duplicates *d, uint64_t first, uint64_t end);

#endif
