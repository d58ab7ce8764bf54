/*
 * Owns the question which messages are meant. Batches are matched as a whole: for a range with {n}
 * in its pattern the one number that fits is computed, so that no id is ever put together just to
 * be compared in vain.
 */
#include "core/selector.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "core/address.h"
#include "core/batch.h"
#include "core/registry.h"

#define NUMBER STR("{n}")

static bool
all_of(const struct batch *b, uint32_t *first, uint32_t *last)
{
	*first = 0;
	*last = b->count - 1;
	return b->count > 0;
}

static bool
one_of(const struct batch *b, uint64_t index, uint32_t *first, uint32_t *last)
{
	if (index >= b->count)
		return false;
	*first = *last = (uint32_t)index;
	return true;
}

/* The part behind the last '@'; all of it when there is none. */
static struct str
domain_of(struct str address)
{
	struct str domain = address_domain(address);

	return domain.p ? domain : address;
}

/* "*@domain": the domain; else not there. */
static struct str
wanted_domain(struct str pattern)
{
	return str_has_prefix(pattern, STR("*@")) ? str_from(pattern, 2) : (struct str){ NULL, 0 };
}

bool
selector_match_address(struct str pattern, struct str address)
{
	struct str domain = wanted_domain(pattern), of = domain_of(address);

	if (domain.p)
		return of.n < address.n && str_eq_nocase(domain, of);
	return str_eq_nocase(domain_of(pattern), of) && pattern.n == address.n &&
	    str_eq(str_head(pattern, pattern.n - of.n), str_head(address, address.n - of.n));
}

/*
 * The number whose digits stand where pattern has its first {n}, given that all of them are
 * replaced by the same number and the result is as long as text. Says nothing about the rest.
 */
static bool
solve(struct str pattern, struct str text, uint64_t *n)
{
	size_t holes = 0, first = pattern.n, at = 0, literal, digits;

	while (at + NUMBER.n <= pattern.n) {
		if (memcmp(pattern.p + at, NUMBER.p, NUMBER.n) == 0) {
			first = holes++ == 0 ? at : first;
			at += NUMBER.n;
		} else {
			at++;
		}
	}
	literal = pattern.n - holes * NUMBER.n;
	if (holes == 0 || text.n <= literal || (text.n - literal) % holes != 0)
		return false;
	digits = (text.n - literal) / holes;
	if (first + digits > text.n)
		return false;
	return !text_parse_u63(str_head(str_from(text, first), digits), n);
}

/* What a message is called that was given no id: "s" and its seq. */
static bool
is_given_id(struct str id, uint64_t *seq)
{
	return id.n > 1 && id.p[0] == 's' && !text_parse_u63(str_from(id, 1), seq);
}

static bool
match_id(const struct batch *b, struct str id, uint32_t *first, uint32_t *last)
{
	struct buf scratch = { 0 };
	uint64_t n;
	bool is_same;

	if (b->id.p && !b->has_id_number)
		return str_eq(b->id, id) && all_of(b, first, last);
	if (!b->is_range)
		return is_given_id(id, &n) && n >= b->first_seq &&
		    one_of(b, n - b->first_seq, first, last);
	if (!solve(b->id.p ? b->id : NUMBER, id, &n) || n < b->first ||
	    !one_of(b, n - b->first, first, last))
		return false;
	is_same = str_eq(batch_id_at(b, *first, &scratch), id);
	buf_fini(&scratch);
	return is_same;
}

static bool
match_to(const struct batch *b, struct str wanted, uint32_t *first, uint32_t *last)
{
	struct str domain = wanted_domain(wanted), own_domain = domain_of(b->to);
	struct buf scratch = { 0 };
	bool is_same, is_solved;
	uint64_t n;

	if (b->letters)
		return all_of(b, first, last);
	if (!b->to.p)
		return false;
	if (!b->has_to_number)
		return selector_match_address(wanted, b->to) && all_of(b, first, last);
	if (domain.p && str_eq_nocase(domain, own_domain))
		return own_domain.n < b->to.n && all_of(b, first, last);
	is_solved = domain.p ? solve(own_domain, domain, &n) : solve(b->to, wanted, &n);
	if (!is_solved || n < b->first || !one_of(b, n - b->first, first, last))
		return false;
	is_same = selector_match_address(wanted, batch_to_at(b, *first, &scratch));
	buf_fini(&scratch);
	return is_same;
}

/* A message of a run or a transaction, by itself. */
static bool
match_letter(const struct selector *s, const struct batch *b, uint32_t index)
{
	struct str id = batch_own_id_at(b, index);
	struct buf none = { 0 };
	uint64_t n;

	switch (s->kind) {
	case SELECT_ALL:
		return true;
	case SELECT_OWN:
		return batch_owner_at(b, index) == s->owner;
	case SELECT_BATCH:
		return s->number == batch_number_at(b, index);
	case SELECT_SEQ:
		return s->number == b->first_seq + index;
	case SELECT_ID:
		return id.p ? str_eq(id, s->text)
			    : is_given_id(s->text, &n) && n == b->first_seq + index;
	case SELECT_TO:
		id = batch_to_at(b, index, &none);
		return id.p && selector_match_address(s->text, id);
	}
	abort();
}

/* A run as a whole: which of its messages may be meant. */
static bool
match_run(const struct selector *s, const struct batch *b, uint32_t *first, uint32_t *last)
{
	if (s->kind == SELECT_BATCH)
		return s->number >= b->number && one_of(b, s->number - b->number, first, last);
	if (s->kind == SELECT_SEQ)
		return s->number >= b->first_seq &&
		    one_of(b, s->number - b->first_seq, first, last);
	return all_of(b, first, last);
}

bool
selector_match_batch(
    const struct selector *s, const struct batch *b, uint32_t *first, uint32_t *last)
{
	if (b->is_run)
		return match_run(s, b, first, last);
	switch (s->kind) {
	case SELECT_ALL:
		return all_of(b, first, last);
	case SELECT_OWN:
		return b->owner == s->owner && all_of(b, first, last);
	case SELECT_BATCH:
		return b->number == s->number && all_of(b, first, last);
	case SELECT_SEQ:
		return s->number >= b->first_seq &&
		    one_of(b, s->number - b->first_seq, first, last);
	case SELECT_ID:
		return match_id(b, s->text, first, last);
	case SELECT_TO:
		return match_to(b, s->text, first, last);
	}
	abort();
}

bool
selector_match(const struct selector *s, const struct message *m)
{
	uint32_t first, last, index;

	if (s->kind == SELECT_ALL)
		return true;
	index = message_index(m);
	if (message_batch(m)->letters)
		return match_letter(s, message_batch(m), index);
	return selector_match_batch(s, message_batch(m), &first, &last) && index >= first &&
	    index <= last;
}

/* How many of those to come are meant. */
static uint32_t
match_letters(const struct selector *s, const struct batch *b)
{
	uint32_t index, n = 0;

	for (index = b->accepted; index < b->count; index++)
		n += match_letter(s, b, index);
	return n;
}

bool
selector_match_any_rest(const struct selector *s, const struct batch *b)
{
	uint32_t first, last;

	if (b->letters)
		return match_letters(s, b) > 0;
	return selector_match_batch(s, b, &first, &last) && last >= b->accepted;
}

bool
selector_match_rest(const struct selector *s, const struct batch *b)
{
	uint32_t first, last;

	if (b->letters)
		return match_letters(s, b) == b->count - b->accepted;
	return selector_match_batch(s, b, &first, &last) && first <= b->accepted &&
	    last == b->count - 1;
}

/* The number of the newest request. */
static uint64_t
newest(const struct registry *registry)
{
	const struct batch *b = registry_last(registry);

	return b ? b->number + batch_requests(b) - 1 : 0;
}

void
selection_init(struct selection *walk, const struct registry *registry,
    const struct selector *selector, bool is_backwards)
{
	const struct batch *b;

	*walk = (struct selection){
		.registry = registry,
		.selector = selector,
		.is_backwards = is_backwards,
		.batch = is_backwards ? UINT64_MAX : 0,
		.budget = UINT64_MAX,
		.end = newest(registry),
	};
	if (selector->kind == SELECT_ID) {
		walk->numbers = registry_find_id(registry, selector->text, &walk->n);
		walk->at = is_backwards ? walk->n : 0;
	} else if (selector->kind == SELECT_BATCH || selector->kind == SELECT_SEQ) {
		b = selector->kind == SELECT_BATCH ? registry_find(registry, selector->number)
						   : registry_find_seq(registry, selector->number);
		walk->numbers = mem_alloc(sizeof walk->numbers[0]);
		walk->n = b ? 1 : 0;
		walk->numbers[0] = b ? selector->kind == SELECT_BATCH
			? selector->number
			: batch_number_at(b, (uint32_t)(selector->number - b->first_seq))
				     : 0;
		walk->at = is_backwards ? walk->n : 0;
	}
}

void
selection_fini(struct selection *walk)
{
	free(walk->numbers);
	walk->numbers = NULL;
}

/* The next batch to look at; NULL at the end. A batch on the list may be gone by now. */
static struct batch *
next_batch(struct selection *walk)
{
	struct batch *b = NULL;

	if (!walk->numbers && walk->is_backwards)
		return registry_prev(walk->registry, walk->batch);
	if (!walk->numbers) {
		b = registry_next(walk->registry, walk->batch);
		return b && b->number <= walk->end ? b : NULL;
	}
	while (!b && (walk->is_backwards ? walk->at > 0 : walk->at < walk->n)) {
		size_t at = walk->is_backwards ? --walk->at : walk->at++;

		walk->number = walk->numbers[at];
		b = registry_find(walk->registry, walk->number);
	}
	return b;
}

/* To the next index; where there is no message there is none in its whole block of `grain`. Going
 * back from 0 wraps around, to what is greater than any index. */
static void
step(struct selection *walk, uint64_t grain)
{
	uint64_t start = walk->index / grain * grain;

	walk->index = walk->is_backwards ? start - 1 : start + grain;
}

/* Which messages of the batch may be wanted, of those that are accepted. */
static bool
find_bounds(const struct selection *walk, const struct batch *b, uint32_t *first, uint32_t *last)
{
	if (b->kept == 0 || !selector_match_batch(walk->selector, b, first, last))
		return false;
	if (b->is_run && walk->numbers)
		*first = *last = (uint32_t)(walk->number - b->number);
	else if (b->is_run && b->number + *last > walk->end)
		*last = (uint32_t)(walk->end - b->number);
	if (b->accepted <= *first)
		return false;
	if (*last >= b->accepted)
		*last = b->accepted - 1;
	return true;
}

/* The next message of the batch that is wanted and still known. */
static struct message *
next_inside(struct selection *walk, const struct batch *b)
{
	uint32_t first, last;

	if (!find_bounds(walk, b, &first, &last))
		return NULL;
	if (!walk->is_inside)
		walk->index = walk->is_backwards ? last : first;
	walk->is_inside = true;
	while (walk->index >= first && walk->index <= last) {
		struct message *m = batch_message(b, (uint32_t)walk->index);

		step(walk, m ? 1 : BATCH_BLOCK);
		if (m && !message_is_forgotten(m) &&
		    (!b->letters || selector_match(walk->selector, m)))
			return m;
	}
	return NULL;
}

/* From the batch the walk was in, or that is gone, to the one beside it. False at the end. */
static bool
leave_batch(struct selection *walk, const struct batch *b)
{
	walk->is_inside = false;
	if (walk->numbers)
		return true;
	if (walk->is_backwards)
		return --walk->batch > 0;
	walk->batch += b ? batch_requests(b) : 1;
	return walk->batch <= walk->end;
}

struct message *
selection_next(struct selection *walk)
{
	for (; !walk->is_over && walk->budget > 0; walk->budget--) {
		struct batch *b =
		    walk->is_inside ? registry_find(walk->registry, walk->batch) : next_batch(walk);
		struct message *m = b ? next_inside(walk, b) : NULL;

		if (b)
			walk->batch = b->number;
		if (m)
			return m;
		walk->is_over = (!b && !walk->is_inside) || !leave_batch(walk, b);
	}
	return NULL;
}
