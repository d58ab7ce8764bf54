/* Where the daemon listens, what it is handed, and what it tells the one who started it. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const struct daemon_setup own_listen = { .has_own_listen = true };

/* Listening on that value of listen.line and perhaps one more option. */
static void
run(struct daemon *d, const char *listen, const char *option)
{
	struct text t = { 0 };
	const char *args[] = { "-o", NULL, option ? "-o" : NULL, option, NULL };

	text_printf(&t, "listen.line=%s", listen);
	args[1] = t.p;
	daemon_run(d, &own_listen, args);
	text_free(&t);
}

static void
run_unix(struct daemon *d, const char *option)
{
	char listen[160];

	snprintf(listen, sizeof listen, "unix:%s", d->unix_path);
	run(d, listen, option);
}

static int
bind_unix(const char *path, int type)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s", path);
	expect(fd != -1 && bind(fd, (struct sockaddr *)&sun, sizeof sun) == 0);
	if (type == SOCK_STREAM)
		expect(listen(fd, 5) == 0);
	return fd;
}

static void
test_port_zero_is_one_port_on_both_loopbacks(void **state)
{
	struct daemon *d = daemon_start(NULL);
	int port4 = -1, port6 = -1;

	(void)state;
	expect_text(d->ready, "ready line=127.0.0.1:% line=[::1]:% pid=% seed=%");
	expect(sscanf(d->ready, "ready line=127.0.0.1:%d line=[::1]:%d", &port4, &port6) == 2);
	expect(port4 > 0 && port4 == port6);
	expect_text(client_ask(client_connect_to(d, 0), "ping"), "+OK pong");
	expect_text(client_ask(client_connect_to(d, 1), "send 1 latency=0s"), "+OK queued=1 %");
	expect_text(client_ask(client_connect_to(d, 0), "wait all"), "+OK n=1 delivered=1 %");
	daemon_stop(d);
}

static void
test_each_address_alone(void **state)
{
	static const char *const addresses[] = { "127.0.0.1:0", "[::1]:0", "[::]:0", "0.0.0.0:0" };
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(addresses); i++) {
		struct daemon *d = daemon_new();
		char ready[128];

		run(d, addresses[i], NULL);
		daemon_wait_ready(d);
		snprintf(ready, sizeof ready, "ready line=%.*s%% pid=%%",
		    (int)strlen(addresses[i]) - 1, addresses[i]);
		expect_text(d->ready, ready);
		expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
		daemon_stop(d);
	}
}

static void
test_several_addresses(void **state)
{
	struct daemon *d = daemon_new();
	char listen[512];
	unsigned i;

	(void)state;
	snprintf(listen, sizeof listen, "127.0.0.1:0 unix:%s [::1]:0 unix:%s2", d->unix_path,
	    d->unix_path);
	run(d, listen, NULL);
	daemon_wait_ready(d);
	for (i = 0; i < 4; i++)
		expect_text(client_ask(client_connect_to(d, i), "ping"), "+OK pong");
	daemon_stop(d);
}

static void
test_unix_socket_has_its_mode_and_goes(void **state)
{
	static const char *const options[] = { NULL, "listen.unix_mode=0600",
		"listen.unix_mode=0666", "listen.unix_mode=0777" };
	static const mode_t modes[] = { 0660, 0600, 0666, 0777 };
	size_t i;

	(void)state;
	for (i = 0; i < HARNESS_EXTENT(options); i++) {
		struct daemon *d = daemon_new();
		struct stat st;

		run_unix(d, options[i]);
		daemon_wait_ready(d);
		expect(strstr(d->ready, d->unix_path) != NULL);
		expect(lstat(d->unix_path, &st) == 0 && S_ISSOCK(st.st_mode));
		expect_number(st.st_mode & 07777, modes[i]);
		expect_text(client_ask(client_connect(d), "gather 1 latency=1ms"), "+OK n=1 %");
		daemon_stop(d);
		expect(lstat(d->unix_path, &st) == -1 && errno == ENOENT);
	}
}

static void
test_stale_socket_is_replaced(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	close(bind_unix(d->unix_path, SOCK_STREAM));
	expect(access(d->unix_path, F_OK) == 0);
	run_unix(d, NULL);
	daemon_wait_ready(d);
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	/* killed, it leaves one behind that its successor takes over */
	daemon_signal(d, SIGKILL);
	expect_number(daemon_wait_exit(d), -SIGKILL);
	expect(unlink(d->errors) == 0);
	run_unix(d, NULL);
	daemon_wait_ready(d);
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	daemon_stop(d);
}

static void
test_socket_in_use_is_an_error(void **state)
{
	struct daemon *d = daemon_new(), *second = daemon_new();
	struct stat before, after;

	(void)state;
	run_unix(d, NULL);
	daemon_wait_ready(d);
	expect(stat(d->unix_path, &before) == 0);
	strcpy(second->unix_path, d->unix_path);
	run_unix(second, NULL);
	expect_number(daemon_wait_exit(second), 1);
	daemon_wait_errors(second, d->unix_path, 1);
	expect(stat(d->unix_path, &after) == 0 && before.st_ino == after.st_ino);
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	daemon_stop(d);
}

/* Neither its name nor what is in it is touched. */
static void
test_what_is_no_socket_is_not_deleted(void **state)
{
	struct daemon *d = daemon_new();
	struct text t = { 0 };
	int fd;

	(void)state;
	fd = open(d->unix_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	expect(fd != -1 && write(fd, "precious", 8) == 8 && close(fd) == 0);
	run_unix(d, NULL);
	expect_number(daemon_wait_exit(d), 1);
	daemon_wait_errors(d, d->unix_path, 1);
	text_read_file(&t, d->unix_path);
	expect_text(t.p, "precious");
	text_free(&t);
}

static void
test_port_in_use_is_an_error(void **state)
{
	static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };
	struct daemon *d = daemon_start(NULL);
	int port;
	size_t i;

	(void)state;
	expect(sscanf(d->ready, "ready line=127.0.0.1:%d", &port) == 1);
	for (i = 0; i < HARNESS_EXTENT(hosts); i++) {
		struct daemon *second = daemon_new();
		char listen[256];

		/* all or nothing: the free one of the two is not opened, either */
		snprintf(listen, sizeof listen, "unix:%s %s:%d", second->unix_path, hosts[i], port);
		run(second, listen, NULL);
		expect_number(daemon_wait_exit(second), 1);
		daemon_wait_errors(second, "in use", 1);
		expect(access(second->unix_path, F_OK) == -1);
	}
	expect_text(client_ask(client_connect(d), "ping"), "+OK pong");
	daemon_stop(d);
}

/* --- what systemd does */

/* Whether the daemon was built to speak with it. */
static bool
has_systemd(void)
{
	struct text t = { 0 };
	bool has;

	text_read_file(&t, getenv("MAILSIMD"));
	has = memmem(t.p, t.n, "NOTIFY_SOCKET", 13) != NULL;
	text_free(&t);
	if (!has)
		print_message("the daemon was built without libsystemd\n");
	return has;
}

struct handed {
	int fds[2];
	int n;
	const char *names;
};

static void
hand_over(void *ctx, const struct daemon *d)
{
	const struct handed *h = ctx;
	char text[32];
	int i, copies[2];

	(void)d;
	for (i = 0; i < h->n; i++)
		copies[i] = fcntl(h->fds[i], F_DUPFD_CLOEXEC, 100);
	for (i = 0; i < h->n; i++)
		dup2(copies[i], 3 + i);
	snprintf(text, sizeof text, "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
	snprintf(text, sizeof text, "%d", h->n);
	setenv("LISTEN_FDS", text, 1);
	if (h->names)
		setenv("LISTEN_FDNAMES", h->names, 1);
}

static int
listen_tcp(int *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t len = sizeof sin;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	expect(fd != -1 && bind(fd, (struct sockaddr *)&sin, len) == 0 && listen(fd, 100) == 0);
	expect(getsockname(fd, (struct sockaddr *)&sin, &len) == 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void
test_sockets_that_are_handed_in(void **state)
{
	struct daemon *d = daemon_new();
	struct handed handed = { .n = 2, .names = "line:line" };
	struct daemon_setup setup = {
		.has_own_listen = true, .prepare = hand_over, .ctx = &handed
	};
	struct client *early;
	char expected[64];
	int port;

	(void)state;
	if (!has_systemd())
		skip();
	handed.fds[0] = listen_tcp(&port);
	handed.fds[1] = bind_unix(d->unix_path, SOCK_STREAM);
	/* comes before there is a daemon, and is served */
	early = client_connect_unix(d->unix_path);
	client_send(early, "gather 1 latency=1ms\n");
	daemon_run(d, &setup, NULL);
	close(handed.fds[0]);
	close(handed.fds[1]);
	daemon_wait_ready(d);
	snprintf(expected, sizeof expected, "ready line=127.0.0.1:%d line=unix:%%", port);
	expect_text(d->ready, expected);
	expect_text(client_reply(early), "+OK n=1 delivered=1 %");
	expect_text(client_ask(client_connect_to(d, 0), "ping"), "+OK pong");
	expect_text(client_ask(client_connect_to(d, 1), "ping"), "+OK pong");
	daemon_stop(d);
	/* it belongs to the one who made it */
	expect(access(d->unix_path, F_OK) == 0);
}

/* Each goes to the front it is named for, and what is not handed in is as the configuration has
 * it. */
static void
test_sockets_for_smtp_and_lmtp(void **state)
{
	struct daemon *d = daemon_new();
	struct handed handed = { .n = 2, .names = "lmtp:smtp" };
	struct daemon_setup setup = { .prepare = hand_over, .ctx = &handed };
	char expected[96];
	int lmtp, smtp;

	(void)state;
	if (!has_systemd())
		skip();
	handed.fds[0] = listen_tcp(&lmtp);
	handed.fds[1] = listen_tcp(&smtp);
	daemon_run(d, &setup, NULL);
	close(handed.fds[0]);
	close(handed.fds[1]);
	daemon_wait_ready(d);
	snprintf(expected, sizeof expected,
	    "ready line=%% smtp=127.0.0.1:%d lmtp=127.0.0.1:%d pid=%%", smtp, lmtp);
	expect_text(d->ready, expected);
	expect_text(client_line(client_connect_kind(d, "smtp", 0)), "220 % ESMTP mailsimd\r");
	expect_text(client_line(client_connect_kind(d, "lmtp", 0)), "220 % LMTP mailsimd\r");
	daemon_stop(d);
}

static void
test_socket_of_another_name_is_an_error(void **state)
{
	struct daemon *d = daemon_new();
	struct handed handed = { .n = 1, .names = "http" };
	struct daemon_setup setup = {
		.has_own_listen = true, .prepare = hand_over, .ctx = &handed
	};
	int port;

	(void)state;
	if (!has_systemd())
		skip();
	handed.fds[0] = listen_tcp(&port);
	daemon_run(d, &setup, NULL);
	close(handed.fds[0]);
	expect_number(daemon_wait_exit(d), 1);
	daemon_wait_errors(d, "FileDescriptorName", 1);
}

/* Waits for a notification that holds the text, and gives it. */
static const char *
wait_notice(int fd, const char *text)
{
	static char notice[4096];

	for (;;) {
		struct pollfd f = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&f, 1, HARNESS_DEADLINE_MS) != 1)
			harness_fail(__FILE__, __LINE__, "nobody notifies %s", text);
		n = recv(fd, notice, sizeof notice - 1, 0);
		expect(n > 0);
		notice[n] = '\0';
		if (strstr(notice, text))
			return notice;
		/* nothing that would be a lie */
		expect(!strstr(notice, "READY=1") && !strstr(notice, "STOPPING=1"));
	}
}

static void
test_what_systemd_is_told(void **state)
{
	struct daemon *d = daemon_new();
	char where[200], path[160];
	const char *const environ_more[] = { where, "WATCHDOG_USEC=200000", NULL };
	struct daemon_setup setup = { .environ_more = environ_more };
	struct client *c;
	int fd, i;

	(void)state;
	if (!has_systemd())
		skip();
	snprintf(path, sizeof path, "%s/notify", d->dir);
	snprintf(where, sizeof where, "NOTIFY_SOCKET=%s", path);
	fd = bind_unix(path, SOCK_DGRAM);
	daemon_run(d, &setup, NULL);
	wait_notice(fd, "READY=1");
	/* ready means that one can connect */
	daemon_wait_ready(d);
	c = client_connect(d);
	expect_text(client_ask(c, "gather 0..2 latency=1ms"), "+OK n=3 %");
	for (i = 0; i < 5; i++)
		wait_notice(fd, "WATCHDOG=1");
	expect_text(wait_notice(fd, "STATUS="), "STATUS=%3%");
	daemon_signal(d, SIGHUP);
	expect_text(wait_notice(fd, "RELOADING=1"), "%MONOTONIC_USEC=%");
	wait_notice(fd, "READY=1");
	expect_text(client_ask(c, "send 1 latency=1s"), "+OK queued=1 %");
	daemon_signal(d, SIGTERM);
	wait_notice(fd, "STOPPING=1");
	/* a drain is not a hang */
	wait_notice(fd, "WATCHDOG=1");
	expect_number(daemon_wait_exit(d), 0);
	close(fd);
}

static void
test_status_says_why_a_reload_failed(void **state)
{
	static const char good[] = "[listen]\nline = localhost:0\n";
	struct daemon *d = daemon_new();
	char where[200], path[160], conf[160];
	const char *const environ_more[] = { where, NULL };
	const char *args[] = { "-c", conf, NULL };
	struct daemon_setup setup = { .environ_more = environ_more, .has_own_listen = true };
	int fd;

	(void)state;
	if (!has_systemd())
		skip();
	snprintf(path, sizeof path, "%s/notify", d->dir);
	snprintf(conf, sizeof conf, "%s/conf", d->dir);
	snprintf(where, sizeof where, "NOTIFY_SOCKET=%s", path);
	fd = bind_unix(path, SOCK_DGRAM);
	daemon_write_file(d, "conf", good);
	daemon_run(d, &setup, args);
	wait_notice(fd, "READY=1");
	expect_text(wait_notice(fd, "STATUS="), "STATUS=accepting; pending=0 %");
	daemon_write_file(d, "conf", "[listen]\nline = localhost:0\n[limits]\nlines = 3\n");
	daemon_signal(d, SIGHUP);
	expect_text(wait_notice(fd, "STATUS="),
	    "STATUS=reload failed, nothing has changed: %/conf:4: limits.lines%; accepting; %");
	wait_notice(fd, "READY=1");
	daemon_write_file(d, "conf", good);
	daemon_signal(d, SIGHUP);
	expect_text(wait_notice(fd, "STATUS="), "STATUS=accepting; %");
	wait_notice(fd, "READY=1");
	daemon_signal(d, SIGTERM);
	/* the default times: 30 s, 10 s and some */
	expect_text(wait_notice(fd, "STOPPING=1"), "%EXTEND_TIMEOUT_USEC=46000000%");
	expect_number(daemon_wait_exit(d), 0);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE_TEST(test_port_zero_is_one_port_on_both_loopbacks),
		LIVE_TEST(test_each_address_alone),
		LIVE_TEST(test_several_addresses),
		LIVE_TEST(test_unix_socket_has_its_mode_and_goes),
		LIVE_TEST(test_stale_socket_is_replaced),
		LIVE_TEST(test_socket_in_use_is_an_error),
		LIVE_TEST(test_what_is_no_socket_is_not_deleted),
		LIVE_TEST(test_port_in_use_is_an_error),
		LIVE_TEST(test_sockets_that_are_handed_in),
		LIVE_TEST(test_sockets_for_smtp_and_lmtp),
		LIVE_TEST(test_socket_of_another_name_is_an_error),
		LIVE_TEST(test_what_systemd_is_told),
		LIVE_TEST(test_status_says_why_a_reload_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
