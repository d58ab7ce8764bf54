/* The envelope of a mail, and of the mail after it in the same memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "front/smtp_envelope.h"

#define assert_str(s, text) \
	do { \
		struct str s_ = (s); \
		assert_int_equal(s_.n, strlen(text)); \
		assert_memory_equal(s_.p, text, s_.n); \
	} while (0)

static struct str
str(const char *text)
{
	return (struct str){ text, strlen(text) };
}

static void
begin(struct smtp_envelope *e, const char *from, const char *envid)
{
	struct smtp_mail mail = { .from = { .address = str(from) } };

	if (envid)
		mail.params.envid = str(envid);
	smtp_envelope_begin(e, &mail);
}

static void
add(struct smtp_envelope *e, const char *to, const char *orcpt)
{
	struct smtp_rcpt rcpt = { .to = { .address = str(to) } };

	if (orcpt) {
		rcpt.params.orcpt_type = str("rfc822");
		rcpt.params.orcpt = str(orcpt);
	}
	smtp_envelope_add(e, &rcpt);
}

static void
test_all_of_it(void **state)
{
	struct smtp_envelope e = { 0 };
	struct event_notification n;

	(void)state;
	begin(&e, "a@example.com", "id 7");
	add(&e, "b@example.org", NULL);
	add(&e, "c@example.org", "d@example.org");
	assert_int_equal(e.n, 2);
	assert_str(smtp_envelope_from(&e), "a@example.com");
	assert_str(smtp_envelope_envid(&e), "id 7");
	assert_str(smtp_envelope_to(&e, 0), "b@example.org");
	assert_str(smtp_envelope_to(&e, 1), "c@example.org");
	n = smtp_envelope_notification(&e, 0);
	assert_null(n.orcpt.p);
	assert_str(n.envid, "id 7");
	n = smtp_envelope_notification(&e, 1);
	assert_str(n.orcpt, "rfc822;d@example.org");
	smtp_envelope_fini(&e);
}

/* The null reverse-path is there, and empty; nothing is asked for. */
static void
test_null_path(void **state)
{
	struct smtp_envelope e = { 0 };

	(void)state;
	begin(&e, "", NULL);
	assert_non_null(smtp_envelope_from(&e).p);
	assert_int_equal(smtp_envelope_from(&e).n, 0);
	assert_null(smtp_envelope_envid(&e).p);
	assert_false(e.has_notification);
	smtp_envelope_fini(&e);
}

static void
test_last_is_taken_back(void **state)
{
	struct smtp_envelope e = { 0 };
	size_t before;

	(void)state;
	begin(&e, "a@example.com", NULL);
	add(&e, "b@example.org", NULL);
	before = e.text.len;
	add(&e, "c@example.org", "c");
	smtp_envelope_drop_last(&e);
	assert_int_equal(e.text.len, before);
	add(&e, "d@example.org", NULL);
	assert_int_equal(e.n, 2);
	assert_str(smtp_envelope_to(&e, 0), "b@example.org");
	assert_str(smtp_envelope_to(&e, 1), "d@example.org");
	assert_null(smtp_envelope_notification(&e, 1).orcpt.p);
	smtp_envelope_fini(&e);
}

static void
test_next_mail(void **state)
{
	struct smtp_envelope e = { 0 };
	size_t before;

	(void)state;
	begin(&e, "a@example.com", "id 7");
	add(&e, "b@example.org", "c@example.org");
	before = e.text.len;
	smtp_envelope_end(&e);
	begin(&e, "x@example.com", NULL);
	assert_in_range(e.text.len, 1, before - 1);
	assert_int_equal(e.n, 0);
	assert_false(e.has_notification);
	assert_null(smtp_envelope_envid(&e).p);
	add(&e, "y@example.org", NULL);
	assert_str(smtp_envelope_from(&e), "x@example.com");
	assert_str(smtp_envelope_to(&e, 0), "y@example.org");
	assert_false(e.has_notification);
	smtp_envelope_fini(&e);
}

/* What a large mail took is given back as soon as that is over; what a small one took is kept. */
static void
test_large_mail(void **state)
{
	struct smtp_envelope e = { 0 };
	int i;

	(void)state;
	begin(&e, "a@example.com", NULL);
	for (i = 0; i < 1000; i++)
		add(&e, "b@example.org", NULL);
	for (i = 0; i < 1000; i++)
		assert_str(smtp_envelope_to(&e, (uint32_t)i), "b@example.org");
	smtp_envelope_end(&e);
	assert_int_equal(e.cap, 0);
	assert_int_equal(e.text.cap, 0);
	begin(&e, "a@example.com", NULL);
	add(&e, "b@example.org", NULL);
	smtp_envelope_end(&e);
	assert_int_not_equal(e.cap, 0);
	assert_int_not_equal(e.text.cap, 0);
	smtp_envelope_fini(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_of_it),
		cmocka_unit_test(test_null_path),
		cmocka_unit_test(test_last_is_taken_back),
		cmocka_unit_test(test_next_mail),
		cmocka_unit_test(test_large_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
