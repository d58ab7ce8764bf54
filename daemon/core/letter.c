/*
 * Owns the packing of letters. Behind id and recipient stand, each only if it was given: the size,
 * the sequel, what it is a copy of, the length of the sender and the sender.
 *
 * Measured with a million of "send order-1234567 to=user1234567@example.com": as batches of their
 * own they took 386 octets of memory each, in runs 126, of which 36 are the texts; and a request
 * costs a quarter less, most of it cache misses in chains of ids and fresh pages.
 */
#include "core/letter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "core/batch.h"

#define RARE_OCTETS 16 /* for a number with one digit more, and the like */

enum part {
	HAS_ID = 1 << 0,
	HAS_TO = 1 << 1,
	HAS_FROM = 1 << 2,
	HAS_SIZE = 1 << 3,
	HAS_SEQUEL = 1 << 4,
	HAS_DUP_OF = 1 << 5,
};

struct letters *
letters_new(uint32_t room)
{
	struct letters *ls = mem_alloc(sizeof *ls + room * sizeof ls->each[0]);

	ls->room = room;
	buf_set_room(&ls->text, RARE_OCTETS); /* so that an empty text is somewhere, too */
	return ls;
}

void
letters_free(struct letters *ls)
{
	while (ls->n > 0)
		letters_drop(ls);
	buf_fini(&ls->text);
	free(ls);
}

/* Room for the next letter, and for the others to come if they are like those so far. */
static void
make_room(struct letters *ls, size_t more)
{
	size_t all = ls->text.len + more;

	if (all > ls->text.cap)
		buf_set_room(&ls->text, all * ls->room / ls->n + RARE_OCTETS);
}

/* A request by itself must stay one stretch of code from its line to this, which the compiler makes
 * of it only while nobody else calls it: a call in between costs 2 % of a message. */
__attribute__((always_inline)) static inline void
add(struct letters *ls, const struct batch_request *r, struct str to, struct owner *owner,
    struct plan *plan, uint64_t sequel, uint64_t dup_of)
{
	struct letter *l = &ls->each[ls->n++];
	uint16_t from_n = (uint16_t)r->from.n;

	make_room(ls,
	    r->id.n + to.n + r->from.n + (r->from.p ? sizeof from_n : 0) +
		(r->size > 0 ? sizeof r->size : 0) + (sequel > 0 ? sizeof sequel : 0) +
		(dup_of > 0 ? sizeof dup_of : 0));
	l->owner = owner_ref(owner);
	l->plan = plan_derive(plan, &r->plan);
	l->at = (uint32_t)ls->text.len;
	l->id_n = (uint8_t)r->id.n;
	l->to_n = (uint16_t)to.n;
	l->has = (uint8_t)((r->id.p ? HAS_ID : 0) | (to.p ? HAS_TO : 0) |
	    (r->from.p ? HAS_FROM : 0) | (r->size > 0 ? HAS_SIZE : 0) |
	    (sequel > 0 ? HAS_SEQUEL : 0) | (dup_of > 0 ? HAS_DUP_OF : 0));
	if (r->id.p)
		buf_add_str(&ls->text, r->id);
	if (to.p)
		buf_add_str(&ls->text, to);
	if (r->size > 0)
		buf_add(&ls->text, &r->size, sizeof r->size);
	if (sequel > 0)
		buf_add(&ls->text, &sequel, sizeof sequel);
	if (dup_of > 0)
		buf_add(&ls->text, &dup_of, sizeof dup_of);
	if (r->from.p) {
		buf_add(&ls->text, &from_n, sizeof from_n);
		buf_add_str(&ls->text, r->from);
	}
}

void
letters_add(struct letters *ls, const struct batch_request *r, struct owner *owner,
    struct plan *plan, uint64_t sequel)
{
	add(ls, r, r->to, owner, plan, sequel, 0);
}

__attribute__((noinline, cold)) void
letters_add_mail(struct letters *ls, const struct batch_request *r, struct str to,
    struct owner *owner, struct plan *plan, uint64_t sequel, uint64_t dup_of)
{
	add(ls, r, to, owner, plan, sequel, dup_of);
}

void
letters_drop(struct letters *ls)
{
	const struct letter *l = &ls->each[--ls->n];

	ls->text.len = l->at;
	owner_unref(l->owner);
	plan_unref(l->plan);
}

struct str
letters_id(const struct letters *ls, uint32_t i)
{
	const struct letter *l = &ls->each[i];

	return (struct str){ l->has & HAS_ID ? ls->text.data + l->at : NULL, l->id_n };
}

struct str
letters_to(const struct letters *ls, uint32_t i)
{
	const struct letter *l = &ls->each[i];

	return (struct str){ l->has & HAS_TO ? ls->text.data + l->at + l->id_n : NULL, l->to_n };
}

/* Where that part stands, or would. */
static const char *
find_part(const struct letters *ls, const struct letter *l, enum part part)
{
	const char *at = ls->text.data + l->at + l->id_n + l->to_n;

	if (part != HAS_SIZE && l->has & HAS_SIZE)
		at += sizeof(uint64_t);
	if ((part == HAS_DUP_OF || part == HAS_FROM) && l->has & HAS_SEQUEL)
		at += sizeof(uint64_t);
	if (part == HAS_FROM && l->has & HAS_DUP_OF)
		at += sizeof(uint64_t);
	return at;
}

static uint64_t
number_of(const struct letters *ls, uint32_t i, enum part part)
{
	const struct letter *l = &ls->each[i];
	uint64_t n = 0;

	if (l->has & part)
		memcpy(&n, find_part(ls, l, part), sizeof n);
	return n;
}

uint64_t
letters_size(const struct letters *ls, uint32_t i)
{
	return number_of(ls, i, HAS_SIZE);
}

uint64_t
letters_sequel(const struct letters *ls, uint32_t i)
{
	return number_of(ls, i, HAS_SEQUEL);
}

uint64_t
letters_dup_of(const struct letters *ls, uint32_t i)
{
	return number_of(ls, i, HAS_DUP_OF);
}

struct str
letters_from(const struct letters *ls, uint32_t i)
{
	const struct letter *l = &ls->each[i];
	const char *at;
	uint16_t n;

	if (!(l->has & HAS_FROM))
		return (struct str){ NULL, 0 };
	at = find_part(ls, l, HAS_FROM);
	memcpy(&n, at, sizeof n);
	return (struct str){ at + sizeof n, n };
}
