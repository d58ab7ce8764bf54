/*
 * Owns the records of messages and the text of their envelope. Invariant: a block exists from the
 * moment its first message is accepted until all it will ever hold are forgotten and no gather
 * reads from the batch.
 */
#include "core/batch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "core/slab.h"

#define SLABS_MIN 4 /* fewer would not be worth the rest of the last one */

#define NUMBER STR("{n}")

/* Where {n} first stands in s; s.n when it does not. */
static size_t
find_number(struct str s)
{
	const char *at = s.n > 0 ? memmem(s.p, s.n, NUMBER.p, NUMBER.n) : NULL;

	return at ? (size_t)(at - s.p) : s.n;
}

static bool
has_number(struct str s)
{
	return find_number(s) < s.n;
}

void
batch_expand(struct buf *b, struct str pattern, uint64_t n)
{
	for (;;) {
		size_t at = find_number(pattern);

		buf_add(b, pattern.p, at);
		if (at == pattern.n)
			return;
		buf_add_u64(b, n);
		pattern = str_from(pattern, at + NUMBER.n);
	}
}

static size_t
digits_of(uint64_t n)
{
	size_t digits = 1;

	while ((n /= 10) > 0)
		digits++;
	return digits;
}

size_t
batch_expanded_length(struct str pattern, uint64_t n)
{
	size_t length = 0;

	for (;;) {
		size_t at = find_number(pattern);

		length += at;
		if (at == pattern.n)
			return length;
		length += digits_of(n);
		pattern = str_from(pattern, at + NUMBER.n);
	}
}

/* Copies s to *at, moves that on, and gives the copy. What is not there stays so. */
static struct str
keep_text(char **at, struct str s)
{
	struct str copy = { *at, s.n };

	if (!s.p)
		return s;
	if (s.n > 0)
		memcpy(*at, s.p, s.n);
	*at += s.n;
	return copy;
}

static struct batch_group *
group_new(const struct batch_request *r)
{
	struct batch_group *g = mem_alloc(sizeof *g);

	tally_init(&g->tally);
	lane_group_init(&g->lanes, r->concurrency, &r->rate);
	return g;
}

static size_t
block_octets(uint32_t n)
{
	return sizeof(struct block) + n * sizeof(struct message);
}

static size_t
blocks_for(uint32_t count)
{
	return (count + (size_t)BATCH_BLOCK - 1) / BATCH_BLOCK;
}

static struct batch *
new_of(const struct batch_request *r, uint32_t count, uint64_t number, uint64_t first_seq,
    struct owner *owner, struct plan *plan)
{
	struct batch *b = mem_alloc(sizeof *b + r->id.n + r->to.n + r->from.n);
	char *text = b->text;

	list_init(&b->open_link);
	list_init(&b->done_link);
	list_init(&b->range_link);
	b->number = number;
	b->first_seq = first_seq;
	b->first = r->first;
	b->size = r->size;
	b->count = count;
	b->is_range = r->is_range;
	b->is_open = true;
	b->is_reserved = r->is_reserved;
	b->owner = owner_ref(owner);
	b->plan = plan_derive(plan, &r->plan);
	b->id = keep_text(&text, r->id);
	b->to = keep_text(&text, r->to);
	b->from = keep_text(&text, r->from);
	b->has_id_number = r->is_range && has_number(b->id);
	b->has_to_number = r->is_range && has_number(b->to);
	if (b->count > 1 || r->is_gathered)
		b->group = group_new(r);
	if (b->count > BATCH_BLOCK)
		b->blocks = mem_alloc_array(blocks_for(b->count), sizeof *b->blocks);
	if (blocks_for(b->count) > SLABS_MIN * slabs_capacity(block_octets(BATCH_BLOCK)))
		b->slabs = slabs_new(block_octets(BATCH_BLOCK), blocks_for(b->count));
	return b;
}

struct batch *
batch_new(const struct batch_request *r, uint64_t number, uint64_t first_seq, struct owner *owner,
    struct plan *plan)
{
	uint32_t count = r->is_range ? (uint32_t)(r->last - r->first + 1) : 1;

	return new_of(r, count, number, first_seq, owner, plan);
}

struct batch *
batch_new_mail(const struct batch_request *r, uint32_t n, uint64_t number, uint64_t first_seq,
    struct owner *owner, struct plan *plan)
{
	struct batch *b = new_of(r, n, number, first_seq, owner, plan);

	b->letters = letters_new(n);
	return b;
}

void
batch_add_recipient(struct batch *b, struct str to, uint64_t sequel, uint64_t dup_of)
{
	static const struct batch_request nothing = { .plan = PLAN_UNCHANGED };

	letters_add_mail(b->letters, &nothing, to, b->owner, b->plan, sequel, dup_of);
}

struct batch *
batch_new_run(uint32_t room)
{
	struct batch *b = mem_alloc(sizeof *b);

	list_init(&b->open_link);
	list_init(&b->done_link);
	list_init(&b->range_link);
	b->letters = letters_new(room);
	b->is_run = true;
	return b;
}

bool
batch_is_reusable(const struct batch *b)
{
	return b->is_run && b->letters->room == BATCH_BLOCK;
}

void
batch_begin_run(struct batch *b, uint64_t number, uint64_t first_seq)
{
	b->number = number;
	b->first_seq = first_seq;
}

bool
batch_takes_letter(const struct batch *b, uint64_t number, uint64_t seq)
{
	return b->is_run && b->count < b->letters->room && b->accepted == b->count &&
	    b->number + b->count == number && b->first_seq + b->count == seq;
}

void
batch_add_letter(struct batch *b, const struct batch_request *r, struct owner *owner,
    struct plan *plan, uint64_t sequel)
{
	letters_add(b->letters, r, owner, plan, sequel);
	b->count++;
	b->is_open = true;
	b->is_reserved = r->is_reserved;
}

void
batch_add_mail(struct batch *b, const struct batch_request *r, struct str to, struct owner *owner,
    struct plan *plan, uint64_t sequel, uint64_t dup_of)
{
	letters_add_mail(b->letters, r, to, owner, plan, sequel, dup_of);
	b->count++;
	b->is_open = true;
	b->is_reserved = r->is_reserved;
}

void
batch_cut(struct batch *b)
{
	while (b->letters && b->letters->n > b->accepted)
		letters_drop(b->letters);
	b->count = b->accepted;
}

uint32_t
batch_requests(const struct batch *b)
{
	return b->is_run && b->count > 0 ? b->count : 1;
}

/* Where the pointer to that block is kept. */
static struct block **
block_slot(struct batch *b, uint32_t index)
{
	return b->blocks ? &b->blocks[index / BATCH_BLOCK] : &b->only;
}

void
batch_free(struct batch *b)
{
	uint32_t index;

	for (index = 0; b->blocks && !b->slabs && index < b->accepted; index += BATCH_BLOCK)
		free(b->blocks[index / BATCH_BLOCK]);
	slabs_free(b->slabs);
	free(b->only);
	free(b->blocks);
	free(b->group);
	if (b->letters)
		letters_free(b->letters);
	if (!b->is_run) {
		owner_unref(b->owner);
		plan_unref(b->plan);
	}
	free(b);
}

/* memory: all zero. */
static struct block *
block_init(void *memory, struct batch *b, uint32_t base, uint32_t n)
{
	struct block *block = memory;
	uint32_t i;

	block->batch = b;
	block->base = base;
	for (i = 0; i < n; i++)
		block->messages[i].slot = (uint8_t)i;
	return block;
}

static struct block *
block_new(struct batch *b, uint32_t base)
{
	uint32_t all = b->letters ? b->letters->room : b->count;
	uint32_t n = all - base < BATCH_BLOCK ? all - base : BATCH_BLOCK;

	void *memory =
	    b->slabs ? slabs_take(b->slabs, base / BATCH_BLOCK) : mem_alloc(block_octets(n));

	return block_init(memory, b, base, n);
}

void
batch_empty_run(struct batch *b)
{
	struct letters *letters = b->letters;
	struct block *block = b->only;

	while (letters->n > 0)
		letters_drop(letters);
	*b = (struct batch){ .letters = letters, .is_run = true, .only = block };
	list_init(&b->open_link);
	list_init(&b->done_link);
	list_init(&b->range_link);
	if (!block)
		return;
	memset(block, 0, block_octets(letters->room));
	block_init(block, b, 0, letters->room);
}

struct message *
batch_add_message(struct batch *b)
{
	uint32_t index = b->accepted++;
	struct block **slot = block_slot(b, index);

	if (!*slot) {
		*slot = block_new(b, index);
		b->n_blocks++;
	}
	(*slot)->kept++;
	b->kept++;
	return &(*slot)->messages[index % BATCH_BLOCK];
}

struct message *
batch_message(const struct batch *b, uint32_t index)
{
	struct block *block;

	if (index >= b->accepted)
		return NULL;
	block = b->blocks ? b->blocks[index / BATCH_BLOCK] : b->only;
	return block ? &block->messages[index % BATCH_BLOCK] : NULL;
}

/* The block of that index goes when it is complete, all in it is forgotten and nobody reads. That
 * of a run goes with it. */
static void
drop_block(struct batch *b, uint32_t base)
{
	struct block **slot = block_slot(b, base);
	uint32_t end = b->count - base < BATCH_BLOCK ? b->count : base + BATCH_BLOCK;

	if (!*slot || (*slot)->kept > 0 || b->holders > 0 || b->accepted < end || b->is_run)
		return;
	if (b->slabs)
		slabs_give_back(b->slabs, base / BATCH_BLOCK);
	else
		free(*slot);
	*slot = NULL;
	if (--b->n_blocks == 0 && !b->is_open) {
		free(b->blocks);
		b->blocks = NULL;
		slabs_free(b->slabs);
		b->slabs = NULL;
	}
}

void
batch_forget_message(struct block *block, uint32_t slot)
{
	struct batch *b = block->batch;

	block->forgotten |= 1ULL << slot;
	b->kept--;
	if (--block->kept == 0)
		drop_block(b, block->base);
}

void
batch_hold(struct batch *b)
{
	b->holders++;
}

void
batch_release(struct batch *b)
{
	uint32_t base;

	if (--b->holders > 0)
		return;
	for (base = 0; base < b->accepted && (b->blocks || base == 0); base += BATCH_BLOCK)
		drop_block(b, base);
}

bool
batch_is_done(const struct batch *b)
{
	const struct message *m;

	if (b->is_open)
		return false;
	if (b->group)
		return counts_pending(&b->group->tally.counts) == 0;
	m = batch_message(b, 0);
	return !m || message_is_final(m);
}

struct str
batch_id_at(const struct batch *b, uint32_t index, struct buf *scratch)
{
	struct str own = batch_own_id_at(b, index);

	if (own.p)
		return own;
	scratch->len = 0;
	if (b->id.p && !b->has_id_number)
		return b->id;
	if (b->id.p) {
		batch_expand(scratch, b->id, b->first + index);
	} else {
		if (!b->is_range)
			buf_add_char(scratch, 's');
		buf_add_u64(scratch, b->is_range ? b->first + index : b->first_seq + index);
	}
	return buf_str(scratch);
}

struct str
batch_to_at(const struct batch *b, uint32_t index, struct buf *scratch)
{
	if (b->letters)
		return letters_to(b->letters, index);
	if (!b->has_to_number)
		return b->to;
	scratch->len = 0;
	batch_expand(scratch, b->to, b->first + index);
	return buf_str(scratch);
}

struct str
batch_from_at(const struct batch *b, uint32_t index)
{
	return b->is_run ? letters_from(b->letters, index) : b->from;
}

uint64_t
batch_size_at(const struct batch *b, uint32_t index)
{
	return b->is_run ? letters_size(b->letters, index) : b->size;
}

struct str
batch_own_id_at(const struct batch *b, uint32_t index)
{
	if (b->is_run)
		return letters_id(b->letters, index);
	return b->is_range ? (struct str){ NULL, 0 } : b->id;
}

uint64_t
batch_sequel_at(const struct batch *b, uint32_t index)
{
	return b->letters ? letters_sequel(b->letters, index) : b->sequel;
}

uint64_t
batch_dup_of_at(const struct batch *b, uint32_t index)
{
	return b->letters ? letters_dup_of(b->letters, index) : 0;
}
