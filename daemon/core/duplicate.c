/*
 * Owns what is remembered of Message-IDs. The first message of a mail stands under the hash of the
 * Message-ID, and says for which recipient it was; what was for others stands under the hash of
 * both. So a mail to one, as most are, takes one entry. Invariant: an entry that is in the ring
 * and not forgotten is in the chain of its key, and a key is there once.
 */
#include "core/duplicate.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/draw.h"

#define RING_MIN 64

struct duplicate {
	uint64_t key;  /* of the Message-ID, or the same as… */
	uint64_t pair; /* …that of Message-ID and recipient */
	uint64_t seq;
	uint32_t next; /* in the chain: the place of the next older one and 1; 0: none */
};

void
duplicates_init(struct duplicates *d, uint64_t hash_seed)
{
	*d = (struct duplicates){ .hash_seed = hash_seed };
}

void
duplicates_fini(struct duplicates *d)
{
	free(d->entries);
	free(d->heads);
}

static uint32_t
place_of(const struct duplicates *d, uint64_t nth)
{
	return (uint32_t)((d->first + nth) & (d->cap - 1));
}

static uint32_t *
head_of(const struct duplicates *d, uint64_t key)
{
	return &d->heads[key & (d->cap - 1)];
}

static void
link_entry(struct duplicates *d, uint32_t place)
{
	uint32_t *head = head_of(d, d->entries[place].key);

	d->entries[place].next = *head;
	*head = place + 1;
}

/* One that was forgotten is in no chain any more, which does no harm. */
static void
unlink_entry(struct duplicates *d, uint32_t place)
{
	uint32_t *at = head_of(d, d->entries[place].key);

	while (*at != 0 && *at != place + 1)
		at = &d->entries[*at - 1].next;
	if (*at != 0)
		*at = d->entries[place].next;
}

static void
grow(struct duplicates *d)
{
	struct duplicates old = *d;
	uint64_t i;

	d->cap = old.cap > 0 ? old.cap * 2 : RING_MIN;
	d->first = 0;
	d->entries = mem_alloc_array(d->cap, sizeof d->entries[0]);
	d->heads = mem_alloc_array(d->cap, sizeof d->heads[0]);
	for (i = 0; i < old.n; i++) {
		d->entries[i] = old.entries[place_of(&old, i)];
		if (d->entries[i].seq > 0)
			link_entry(d, (uint32_t)i);
	}
	duplicates_fini(&old);
}

static const struct duplicate *
find(const struct duplicates *d, uint64_t key)
{
	uint32_t at = d->cap > 0 ? *head_of(d, key) : 0;

	while (at != 0 && d->entries[at - 1].key != key)
		at = d->entries[at - 1].next;
	return at != 0 ? &d->entries[at - 1] : NULL;
}

static void
add(struct duplicates *d, struct duplicate e, uint64_t limit)
{
	uint32_t place;

	while (d->n > 0 && d->n >= limit) {
		unlink_entry(d, place_of(d, 0));
		d->first++;
		d->n--;
	}
	if (limit == 0)
		return;
	if (d->n == d->cap)
		grow(d);
	place = place_of(d, d->n++);
	d->entries[place] = e;
	link_entry(d, place);
}

uint64_t
duplicates_note(struct duplicates *d, struct str message_id, struct str recipient,
    uint64_t first_seq, uint64_t seq, uint64_t limit)
{
	uint64_t mail = draw_key_nth(d->hash_seed, message_id, 0);
	uint64_t pair = draw_key(d->hash_seed, message_id, recipient), dup_of;
	const struct duplicate *original = find(d, mail), *copied;

	copied = original && original->pair == pair ? original : find(d, pair);
	dup_of = copied && copied->seq < first_seq  ? copied->seq
	    : original && original->seq < first_seq ? original->seq
						    : 0;
	if (!copied)
		add(d, (struct duplicate){ original ? pair : mail, pair, seq, 0 }, limit);
	return dup_of;
}

void
duplicates_forget(struct duplicates *d, uint64_t first, uint64_t end)
{
	uint64_t nth;

	for (nth = d->n; nth-- > 0;) {
		struct duplicate *e = &d->entries[place_of(d, nth)];

		if (e->seq > 0 && e->seq < first)
			return;
		if (e->seq == 0 || e->seq >= end)
			continue;
		unlink_entry(d, place_of(d, nth));
		e->seq = 0;
	}
}
