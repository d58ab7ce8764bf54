/*
 * Letters come out as they went in, whatever is given of them and whatever comes before and after.
 */
#include "sim_world.h"

#include <stdlib.h>
#include <string.h>

#include "core/letter.h"

#define ROOM 64

static struct str
piece(char *text, size_t n, int i)
{
	memset(text, 'a' + i % 26, n);
	return (struct str){ text, n };
}

static void
expect_str(struct str found, struct str expected)
{
	assert_int_equal(found.p != NULL, expected.p != NULL);
	assert_int_equal(found.n, expected.n);
	if (found.n > 0)
		assert_memory_equal(found.p, expected.p, found.n);
}

/* The i-th of a set in which everything is given or not, short or as long as it may be. */
static struct batch_request
request(int i, char text[3][400])
{
	struct batch_request r = { .size = i % 5 == 0 ? UINT64_MAX / 3 : 0,
		.plan = PLAN_UNCHANGED };

	if (i & 1)
		r.id = piece(text[0], i & 2 ? INTAKE_ID_MAX : (size_t)i % 7, i);
	if (i & 4)
		r.to = piece(text[1], i & 8 ? INTAKE_ADDRESS_MAX : (size_t)i % 11, i + 1);
	if (i & 16)
		r.from = piece(text[2], i & 32 ? INTAKE_ADDRESS_MAX : 0, i + 2);
	return r;
}

static uint64_t
sequel_of(int i)
{
	return i & 1 ? 0 : (uint64_t)i * 0x100000001 + 1;
}

static uint64_t
dup_of(int i)
{
	return i % 3 == 0 ? (uint64_t)i * 0x300000007 + 1 : 0;
}

static void
expect_letter(const struct letters *ls, int i)
{
	char text[3][400];
	struct batch_request r = request(i, text);
	uint32_t at = (uint32_t)i;

	expect_str(letters_id(ls, at), r.id);
	expect_str(letters_to(ls, at), r.to);
	expect_str(letters_from(ls, at), r.from);
	assert_int_equal(letters_size(ls, at), r.size);
	assert_int_equal(letters_sequel(ls, at), sequel_of(i));
	assert_int_equal(letters_dup_of(ls, at), dup_of(i));
}

static void
add(struct letters *ls, const struct batch_request *r, struct owner *owner, struct plan *plan,
    int i)
{
	struct batch_request to_nobody = *r;

	to_nobody.to = (struct str){ NULL, 0 };
	if (dup_of(i) > 0)
		letters_add_mail(ls, &to_nobody, r->to, owner, plan, sequel_of(i), dup_of(i));
	else
		letters_add(ls, r, owner, plan, sequel_of(i));
}

static void
test_all_that_may_be_said(void **state)
{
	struct simulator_conf conf = world_conf();
	struct plan *plan = plan_new(conf.delivery, 1);
	struct letters *ls = letters_new(ROOM);
	struct owner *owner;
	struct list owners;
	char text[3][400];
	struct batch_request r;
	int i, j;

	(void)state;
	delivery_conf_unref(conf.delivery);
	list_init(&owners);
	owner = owner_new(&owners);
	for (i = 0; i < ROOM; i++) {
		/* the last is taken back, and given again */
		for (j = 0; j < 2; j++) {
			if (j == 1)
				letters_drop(ls);
			r = request(j == 0 ? i + 1 : i, text);
			add(ls, &r, owner, plan, i);
		}
		assert_ptr_equal(ls->each[i].owner, owner);
		assert_int_equal(owner->refs, i + 2);
		for (j = 0; j <= i; j++)
			expect_letter(ls, j);
	}
	letters_free(ls);
	assert_int_equal(owner->refs, 1);
	assert_int_equal(plan->refs, 1);
	owner_unref(owner);
	plan_unref(plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_may_be_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
