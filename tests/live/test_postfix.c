/* Five days of a queue that gets nothing delivered, with the schedule that Postfix has by default:
 * minimal_backoff_time 300s, doubled up to maximal_backoff_time 4000s, maximal_queue_lifetime 5d.
 */
#include "logged.h"

#include <stdlib.h>

#define MESSAGES 1000
#define ATTEMPTS 112 /* at 0, 300, 600, 1200, 2400, 4800, 8800, ... and no more before 432000 s */
#define EPOCH_US 1767225600000000LL

/* When the n-th attempt is made, counted from 1, as seconds after the first. */
static int64_t
moment_of(long long n)
{
	static const int64_t delays[] = { 300, 300, 600, 1200, 2400 };
	int64_t at = 0;
	long long i;

	for (i = 1; i < n; i++)
		at += (size_t)i <= HARNESS_EXTENT(delays) ? delays[i - 1] : 4000;
	return at;
}

static void
test_five_days_of_failure(void **state)
{
	struct daemon *d = daemon_new();
	size_t dispatched = 0, deferred = 0, expired = 0;
	int64_t began = harness_now_ms(), took;
	struct logged e;
	const char *at;

	(void)state;
	expect_number(
	    daemon_run_stdio(d, input_file("send 0..999 outcome=system_error:forever latency=0s\n"),
		"clock.scale=max", "clock.epoch=2026-01-01T00:00:00Z", LOG_JSON, NULL),
	    0);
	took = harness_now_ms() - began;
	print_message("five days of %d messages took %d ms\n", MESSAGES, (int)took);
	expect(took < 10000 || HARNESS_IS_SANITIZED);
	for (at = daemon_log(d); logged_next(&at, &e);) {
		int64_t after = e.time_us - EPOCH_US;

		if (logged_is(&e, "dispatched")) {
			dispatched++;
			expect_number(after, moment_of(e.attempt) * 1000000);
		} else if (logged_is(&e, "deferred")) {
			deferred++;
			expect_number(after, moment_of(e.attempt) * 1000000);
			/* what would come after the end is not announced */
			expect_number(e.next_us,
			    e.attempt < ATTEMPTS ? EPOCH_US + moment_of(e.attempt + 1) * 1000000
						 : -1);
		} else if (logged_is(&e, "expired")) {
			expired++;
			expect_number(after, 432000000000);
			expect_number(e.delay_us, 432000000000);
			expect_number(e.attempt, ATTEMPTS);
		}
	}
	expect_number(dispatched, MESSAGES * ATTEMPTS);
	expect_number(deferred, MESSAGES * ATTEMPTS);
	expect_number(expired, MESSAGES);
	expect_number(daemon_ledger(d, "expired"), MESSAGES);
	/* the schedule is the one that was meant */
	expect(moment_of(ATTEMPTS) < 432000 && moment_of(ATTEMPTS + 1) >= 432000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_five_days_of_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
