/* Who may act on everybody: server.admin, for each verb and each way in. */
#include "harness.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>

static const char *const verbs[] = { "advance 1s", "scale 0", "scale max", "seed 5",
	"rule outcome=delivered", "rule off=all", "down x.test", "up x.test", "reset",
	/* asked wrongly by one who may not ask at all */
	"advance", "scale x", "rule", "reset now" };
#define GOOD 9 /* of these */

static const char *const harmless[] = { "rules", "stats", "hello", "ping", "list", "events off",
	"help reset", "gather own latency=0s" };

/* "not permitted", which names the key as it stands. */
static void
expect_refused(const char *line, const char *admin)
{
	char pattern[128];

	snprintf(pattern, sizeof pattern, "-ERR not_permitted %%server.admin%%%s%%", admin);
	expect_text(line, pattern);
}

static void
check_verbs(struct client *c, const char *admin, bool is_allowed)
{
	size_t i;

	for (i = 0; i < HARNESS_EXTENT(verbs); i++) {
		const char *line = client_ask(c, "%s", verbs[i]);

		if (is_allowed)
			expect_text(line, i < GOOD ? "+OK%" : "-ERR bad_argument %");
		else
			expect_refused(line, admin);
	}
	for (i = 0; i < HARNESS_EXTENT(harmless); i++)
		expect_text(client_ask(c, "%s", harmless[i]), "+OK%");
}

/* One's own may be cancelled and flushed by anybody, others' only by an admin; where some are
 * others', nothing is touched. */
static void
check_messages(const struct daemon *d, struct client *c, struct client *other, const char *admin,
    bool is_allowed)
{
	static const char *const acts[] = { "cancel 1", "cancel to=*@x.test", "cancel all",
		"flush 1", "flush to=*@x.test", "flush all" };
	struct client *gone = client_connect(d);
	size_t i;

	expect_text(client_ask(c,
			"send 1..3 to=u{n}@x.test outcome=mailbox_full:1 latency=0s "
			"retry=1000d expire=9000d"),
	    "+OK %");
	expect_text(client_ask(gone, "send 4 latency=1000d"), "+OK %");
	client_close(gone);
	expect_text(client_ask(other, "send a latency=1000d"), "+OK %");
	client_wait_stats(c, "deferred", 3);
	for (i = 0; !is_allowed && i < HARNESS_EXTENT(acts); i++) {
		expect_refused(client_ask(other, "%s", acts[i]), admin);
		expect_number(text_number(client_stats(c), "deferred"), 3);
		expect_number(text_number(client_stats(c), "sending"), 2);
	}
	if (!is_allowed)
		expect_refused(client_ask(other, "cancel 4"), admin);
	expect_text(client_ask(other, "cancel nobody"), "-ERR not_found %");
	expect_text(client_ask(other, "flush a"), "-ERR not_found %");
	expect_text(client_ask(other, "cancel a"), "+OK cancelled=1");
	expect_text(client_ask(c, "flush 2"), "+OK flushed=1");
	expect_text(client_ask(c, "wait 2"), "+OK n=1 delivered=1 %");
	expect_text(client_ask(c, "cancel to=*@x.test"), "+OK cancelled=2");
	if (is_allowed) {
		expect_text(client_ask(other, "cancel 4"), "+OK cancelled=1");
	} else {
		/* what is over is nobody's any more */
		expect_text(client_ask(other, "cancel 1"), "-ERR not_found %");
		expect_number(text_number(client_stats(c), "sending"), 1);
	}
}

/* From the loopback and through a Unix socket; the one that sends is either. */
static void
check_setting(const char *admin, bool is_local_allowed, bool is_unix_first)
{
	char setting[64], listen[300];
	struct daemon_setup setup = { .has_own_listen = true };
	struct daemon *d = daemon_new();
	const char *args[] = { "-o", setting, "-o", listen, NULL };
	struct client *loopback, *local;

	snprintf(setting, sizeof setting, "server.admin=%s", admin);
	snprintf(listen, sizeof listen, "listen.line=127.0.0.1:0 unix:%s", d->unix_path);
	daemon_run(d, &setup, args);
	daemon_wait_ready(d);
	loopback = client_connect(d);
	local = client_connect_unix(d->unix_path);
	check_messages(d, is_unix_first ? local : loopback, is_unix_first ? loopback : local, admin,
	    is_local_allowed);
	check_verbs(loopback, admin, is_local_allowed);
	check_verbs(local, admin, is_local_allowed);
}

static void
test_loopback_and_unix(void **state)
{
	(void)state;
	check_setting("local", true, false);
	check_setting("local", true, true);
	check_setting("all", true, false);
	check_setting("none", false, false);
	check_setting("none", false, true);
}

static void
test_v6_loopback(void **state)
{
	struct daemon *d = daemon_start(NULL);
	struct client *c;

	(void)state;
	if (!strstr(d->ready, "line=[::1]")) {
		print_message("SKIPPED: there is no IPv6 loopback here\n");
		skip();
	}
	c = client_connect_to(d, strstr(d->ready, "[::1]") < strstr(d->ready, "127.") ? 0 : 1);
	check_verbs(c, "local", true);
}

static void
test_stdio(void **state)
{
	static const struct {
		const char *setting;
		int status;
	} rows[] = { { "server.admin=local", 0 }, { "server.admin=all", 0 },
		{ "server.admin=none", 3 } };
	struct text input = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < GOOD; i++)
		text_printf(&input, "%s\n", verbs[i]);
	for (i = 0; i < HARNESS_EXTENT(rows); i++) {
		struct daemon *d = daemon_new();
		struct text output = { 0 };

		expect_number(daemon_run_stdio(d, input_file(input.p), rows[i].setting, NULL),
		    rows[i].status);
		text_read_file(&output, d->output);
		expect_number(text_count_lines(output.p, ""), GOOD);
		expect_number(
		    text_count_lines(output.p, "-ERR not_permitted "), rows[i].status ? GOOD : 0);
		text_free(&output);
	}
	text_free(&input);
}

/* An IPv4 address of this machine that is none of the loopback's. */
static bool
find_address(char *out)
{
	struct ifaddrs *all, *a;
	bool found = false;

	if (getifaddrs(&all) == -1)
		return false;
	for (a = all; a && !found; a = a->ifa_next) {
		const struct sockaddr_in *in = (const void *)a->ifa_addr;

		found = in && in->sin_family == AF_INET && a->ifa_flags & IFF_UP &&
		    !(a->ifa_flags & IFF_LOOPBACK) &&
		    inet_ntop(AF_INET, &in->sin_addr, out, INET_ADDRSTRLEN);
	}
	freeifaddrs(all);
	return found;
}

static void
test_from_elsewhere(void **state)
{
	static const char *const settings[] = { "local", "all", "none" };
	char address[INET_ADDRSTRLEN], setting[64], listen[64];
	const char *args[] = { "-o", setting, "-o", listen, NULL };
	const struct daemon_setup setup = { .has_own_listen = true };
	size_t i;

	(void)state;
	if (!find_address(address)) {
		print_message("SKIPPED: this machine has no address but the loopback's\n");
		skip();
	}
	for (i = 0; i < HARNESS_EXTENT(settings); i++) {
		struct daemon *d = daemon_new();
		struct client *far, *near;

		snprintf(setting, sizeof setting, "server.admin=%s", settings[i]);
		snprintf(listen, sizeof listen, "listen.line=127.0.0.1:0 %s:0", address);
		daemon_run(d, &setup, args);
		daemon_wait_ready(d);
		near = client_connect_to(d, 0);
		far = client_connect_to(d, 1);
		check_messages(d, near, far, settings[i], i == 1);
		check_verbs(far, settings[i], i == 1);
		check_verbs(near, settings[i], i <= 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_loopback_and_unix),
		LIVE_TEST(test_v6_loopback),
		LIVE_TEST(test_stdio),
		LIVE_TEST(test_from_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
