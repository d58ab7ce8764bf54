/*
 * Timers on one descriptor. Time is an argument here but for what the kernel makes of it, and that
 * is asked of times long past or far away only: they are due at once, or not in this test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/timerfd.h>

#include "base/clock.h"
#include "base/text.h"
#include "io/timers.h"

#define FAR INT64_C(9000000000000000000)
#define N 20

struct world {
	struct timers timers;
	struct heap_node nodes[N];
};

static int
set_up(void **state)
{
	static struct world w;

	w = (struct world){ 0 };
	*state = &w;
	return timers_init(&w.timers) ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct world *w = *state;

	timers_fini(&w->timers);
	return 0;
}

static bool
is_due(const struct world *w)
{
	struct pollfd p = { .fd = w->timers.fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static bool
is_armed(const struct world *w)
{
	struct itimerspec left;

	assert_int_equal(timerfd_gettime(w->timers.fd, &left), 0);
	return left.it_value.tv_sec != 0 || left.it_value.tv_nsec != 0;
}

static void
test_nothing(void **state)
{
	struct world *w = *state;

	timers_tell(&w->timers);
	assert_false(is_armed(w));
	timers_begin(&w->timers, FAR);
	assert_null(timers_take(&w->timers));
}

static void
test_order(void **state)
{
	struct world *w = *state;
	int i;

	for (i = 0; i < N; i++)
		timers_set(&w->timers, &w->nodes[i], (i * 7 + 3) % N + 1);
	timers_begin(&w->timers, N / 2);
	for (i = 1; i <= N / 2; i++) {
		struct heap_node *node = timers_take(&w->timers);

		assert_non_null(node);
		assert_int_equal(node->key, i);
	}
	assert_null(timers_take(&w->timers));
}

static void
test_never_takes_it_out(void **state)
{
	struct world *w = *state;

	timers_set(&w->timers, &w->nodes[0], 5);
	timers_set(&w->timers, &w->nodes[0], CLOCK_NEVER);
	/* and once more */
	timers_set(&w->timers, &w->nodes[0], CLOCK_NEVER);
	timers_begin(&w->timers, 10);
	assert_null(timers_take(&w->timers));
}

/* Who is always late does not keep the loop for ever. */
static void
test_the_past_is_the_next_turn(void **state)
{
	struct world *w = *state;

	timers_set(&w->timers, &w->nodes[0], 5);
	timers_begin(&w->timers, 10);
	assert_ptr_equal(timers_take(&w->timers), &w->nodes[0]);
	timers_set(&w->timers, &w->nodes[0], 5);
	assert_null(timers_take(&w->timers));
	timers_begin(&w->timers, 11);
	assert_ptr_equal(timers_take(&w->timers), &w->nodes[0]);
}

static void
test_kernel_wakes(void **state)
{
	struct world *w = *state;

	timers_set(&w->timers, &w->nodes[0], FAR);
	timers_tell(&w->timers);
	assert_false(is_due(w));
	/* an earlier one is told */
	timers_set(&w->timers, &w->nodes[1], 1);
	timers_tell(&w->timers);
	assert_true(is_due(w));
	timers_note_wake(&w->timers);
	assert_false(timers_are_told(&w->timers));
	timers_begin(&w->timers, 1);
	assert_ptr_equal(timers_take(&w->timers), &w->nodes[1]);
	/* and so is what is left after that */
	timers_tell(&w->timers);
	assert_true(is_armed(w));
	assert_false(is_due(w));
}

/* The kernel is not told of each delay: it wakes once for nothing. */
static void
test_later_is_not_told(void **state)
{
	struct world *w = *state;

	timers_set(&w->timers, &w->nodes[0], 1);
	timers_tell(&w->timers);
	timers_set(&w->timers, &w->nodes[0], FAR);
	timers_tell(&w->timers);
	assert_true(is_due(w));
	timers_note_wake(&w->timers);
	assert_false(timers_are_told(&w->timers));
	timers_begin(&w->timers, 2);
	assert_null(timers_take(&w->timers));
	timers_tell(&w->timers);
	assert_true(is_armed(w));
	assert_false(is_due(w));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_nothing),
		TEST(test_order),
		TEST(test_never_takes_it_out),
		TEST(test_the_past_is_the_next_turn),
		TEST(test_kernel_wakes),
		TEST(test_later_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
