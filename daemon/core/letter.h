#ifndef CORE_LETTER_H
#define CORE_LETTER_H

/*
 * What the requests of single messages said, of a run of them: whose each is, by which plan it is
 * delivered, and its envelope; or the recipients of a transaction, each a letter that says nothing
 * else. Packed, since there may be millions: 24 octets and the text.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct batch_request;
struct owner;
struct plan;

struct letter {
	struct owner *owner;
	struct plan *plan;
	uint32_t at; /* in the text: id, to, then what is rare */
	uint16_t to_n;
	uint8_t id_n;
	uint8_t has; /* mask of what was given */
};

struct letters {
	uint32_t n, room;
	struct buf text; /* what is given out of it is valid until the next letter comes */
	struct letter each[];
};

/* Room for so many. */
struct letters *letters_new(uint32_t room);
void letters_free(struct letters *ls);

/* There must be room. The envelope is copied; owner and plan are counted. sequel: which one of its
 * recipient's it is, if it has no id that draws go by; else 0. */
void letters_add(struct letters *ls, const struct batch_request *r, struct owner *owner,
    struct plan *plan, uint64_t sequel);

/* The same, to somebody else than r says. dup_of: the seq of the message that had its Message-ID
 * before, or 0. */
void letters_add_mail(struct letters *ls, const struct batch_request *r, struct str to,
    struct owner *owner, struct plan *plan, uint64_t sequel, uint64_t dup_of);

/* Takes the last one back. */
void letters_drop(struct letters *ls);

/* p is NULL where it was not given. */
struct str letters_id(const struct letters *ls, uint32_t i);
struct str letters_to(const struct letters *ls, uint32_t i);
struct str letters_from(const struct letters *ls, uint32_t i);

/* 0 where there is none. */
uint64_t letters_size(const struct letters *ls, uint32_t i);
uint64_t letters_sequel(const struct letters *ls, uint32_t i);
uint64_t letters_dup_of(const struct letters *ls, uint32_t i);

#endif
