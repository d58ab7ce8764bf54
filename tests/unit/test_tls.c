/*
 * From clear to TLS: what a server needs to start, what happens to what is written and sent on the
 * way, who is turned away, and that a body goes through in both directions as it does in clear. The
 * peer is OpenSSL's client, a step at a time.
 */
#include "conn_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"

#ifdef HAVE_TLS

#include <openssl/ssl.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/mem.h"

#define STEPS 50
#define BODY (4 << 20)

struct fixture {
	struct conn_world *w;
	struct certificate cert;
	SSL_CTX *context;
	SSL *client;
};

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof *f);
	struct buf why = { 0 };

	f->w = conn_world_new();
	certificate_new(&f->cert, NULL);
	f->w->tls = tls_server_new(f->cert.cert, f->cert.key, &why);
	if (!f->w->tls)
		fail_msg("%.*s", STR_ARG(buf_str(&why)));
	f->context = SSL_CTX_new(TLS_client_method());
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	SSL_free(f->client);
	SSL_CTX_free(f->context);
	tls_server_free(f->w->tls);
	conn_world_free(f->w);
	certificate_free(&f->cert);
	free(f);
	return 0;
}

static bool
shake_hands(struct fixture *f)
{
	int i;

	f->client = SSL_new(f->context);
	SSL_set_fd(f->client, f->w->peer);
	SSL_set_connect_state(f->client);
	for (i = 0; i < STEPS; i++) {
		if (SSL_do_handshake(f->client) == 1)
			break;
		conn_world_turn(f->w, 1);
	}
	conn_world_turn(f->w, 2);
	return SSL_is_init_finished(f->client);
}

static void
start_tls(struct fixture *f)
{
	conn_world_send(f->w, "STARTTLS\n");
	conn_world_turn(f->w, 1);
	conn_world_expect(f->w, "220 go\n");
	assert_true(shake_hands(f));
	assert_int_equal(f->w->n_good, 1);
	assert_true(conn_is_secure(f->w->c));
}

static void
client_send(struct fixture *f, const char *text)
{
	assert_int_equal(SSL_write(f->client, text, (int)strlen(text)), strlen(text));
	conn_world_turn(f->w, 2);
}

static void
client_expect(struct fixture *f, const char *text)
{
	char found[1024];
	int n = SSL_read(f->client, found, sizeof found - 1);

	found[n > 0 ? n : 0] = '\0';
	assert_string_equal(found, text);
}

static void
test_good(void **state)
{
	struct fixture *f = *state;

	f->w->answer = "ok\n";
	start_tls(f);
	assert_string_equal(SSL_get_version(f->client), "TLSv1.3");
	assert_true(str_has_prefix(buf_str(&f->w->why), STR("TLSv1.3 TLS_")));
	client_send(f, "hel");
	client_send(f, "lo\nyou\n");
	conn_world_expect_given(f->w, "STARTTLS\nhello\nyou\n");
	client_expect(f, "ok\nok\n");
	assert_int_equal(f->w->c->in.cap, 0);
	/* the end is said both ways */
	SSL_shutdown(f->client);
	conn_world_turn(f->w, 2);
	assert_int_equal(f->w->n_ended, 1);
	conn_finish(f->w->c);
	conn_world_turn(f->w, 2);
	assert_int_equal(f->w->n_closed, 1);
	client_expect(f, "");
	assert_int_equal(SSL_get_shutdown(f->client), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

static void
test_finish(void **state)
{
	struct fixture *f = *state;

	start_tls(f);
	conn_write(f->w->c, "bye\n", 4);
	conn_finish(f->w->c);
	conn_world_turn(f->w, 2);
	client_expect(f, "bye\n");
	client_expect(f, "");
	assert_int_equal(SSL_get_shutdown(f->client), SSL_RECEIVED_SHUTDOWN);
	assert_int_equal(f->w->n_closed, 0);
	conn_world_hang_up(f->w);
	conn_world_turn(f->w, 2);
	assert_int_equal(f->w->n_closed, 1);
}

/* CVE-2011-0411: what comes with the command, or after it, before the handshake. */
static void
test_injected(void **state)
{
	struct fixture *f = *state;

	/* the answer waits for the log meanwhile */
	f->w->gate.promised = 1;
	conn_world_send(f->w, "one\nSTARTTLS\nINJECTED\nIN");
	conn_world_turn(f->w, 3);
	conn_world_send(f->w, "JECTED\n");
	conn_world_turn(f->w, 3);
	conn_world_expect(f->w, "");
	/* some that was not read when the answer leaves */
	conn_world_send(f->w, "LATE\n");
	f->w->gate.reached = 1;
	conn_set_flush(f->w->set);
	conn_world_expect(f->w, "220 go\n");
	assert_true(shake_hands(f));
	client_send(f, "good\n");
	conn_world_expect_given(f->w, "one\nSTARTTLS\ngood\n");
	assert_int_equal(f->w->n_good, 1);
}

/* What was kept because the front did not want it then, too. */
static void
test_injected_and_kept(void **state)
{
	struct fixture *f = *state;

	f->w->pauses = true;
	conn_world_send(f->w, "one\nSTARTTLS\nINJECTED\n");
	conn_world_turn(f->w, 3);
	conn_world_expect_given(f->w, "one\n");
	f->w->pauses = false;
	conn_resume(f->w->c);
	conn_world_turn(f->w, 3);
	conn_world_expect(f->w, "220 go\n");
	assert_int_equal(f->w->c->in.cap, 0);
	assert_true(shake_hands(f));
	client_send(f, "good\n");
	conn_world_expect_given(f->w, "one\nSTARTTLS\ngood\n");
}

static void
expect_failure(struct fixture *f)
{
	assert_int_equal(f->w->n_good, 0);
	assert_int_equal(f->w->n_bad, 1);
	assert_int_equal(f->w->n_closed, 1);
	assert_true(f->w->why.len > 0);
}

static void
test_injected_after_the_answer(void **state)
{
	struct fixture *f = *state;

	conn_world_send(f->w, "STARTTLS\n");
	conn_world_turn(f->w, 2);
	conn_world_send(f->w, "INJECTED, and long enough to be looked at\n");
	conn_world_turn(f->w, 2);
	expect_failure(f);
	conn_world_expect_given(f->w, "STARTTLS\n");
}

/* Several writes queued before leave in clear, what comes after does not. */
static void
test_written_meanwhile(void **state)
{
	struct fixture *f = *state;

	f->w->answer = "one\n";
	f->w->early = "early\n";
	f->w->gate.promised = 1;
	conn_world_send(f->w, "a\nSTARTTLS\n");
	conn_world_turn(f->w, 2);
	conn_write(f->w->c, "and\n", 4);
	f->w->gate.reached = 1;
	conn_world_turn(f->w, 2);
	conn_world_expect(f->w, "one\n220 go\n");
	assert_true(conn_set_has_output(f->w->set));
	assert_true(shake_hands(f));
	client_expect(f, "early\nand\n");
	assert_false(conn_set_has_output(f->w->set));
}

static void
test_finished_meanwhile(void **state)
{
	struct fixture *f = *state;

	f->w->early = "early\n";
	conn_world_send(f->w, "STARTTLS\n");
	conn_world_turn(f->w, 2);
	conn_finish(f->w->c);
	conn_world_turn(f->w, 2);
	conn_world_expect(f->w, "220 go\n");
	assert_false(conn_set_has_output(f->w->set));
	conn_world_hang_up(f->w);
	conn_world_turn(f->w, 2);
	assert_int_equal(f->w->n_closed, 1);
	assert_int_equal(f->w->n_bad + f->w->n_good, 0);
}

static void
test_old_protocols_are_refused(void **state)
{
	struct fixture *f = *state;

	SSL_CTX_set_security_level(f->context, 0);
	SSL_CTX_set_min_proto_version(f->context, TLS1_VERSION);
	SSL_CTX_set_max_proto_version(f->context, TLS1_1_VERSION);
	conn_world_send(f->w, "STARTTLS\n");
	conn_world_turn(f->w, 1);
	conn_world_expect(f->w, "220 go\n");
	assert_false(shake_hands(f));
	expect_failure(f);
	assert_string_equal(SSL_get_version(f->client), "TLSv1.1");
	buf_add_char(&f->w->why, '\0');
	assert_string_equal(f->w->why.data, "unsupported protocol");
}

static void
test_gone_in_the_handshake(void **state)
{
	struct fixture *f = *state;

	conn_world_send(f->w, "STARTTLS\n");
	conn_world_turn(f->w, 1);
	conn_world_expect(f->w, "220 go\n");
	f->client = SSL_new(f->context);
	SSL_set_fd(f->client, f->w->peer);
	SSL_connect(f->client);
	conn_world_turn(f->w, 2);
	conn_world_hang_up(f->w);
	conn_world_turn(f->w, 2);
	expect_failure(f);
}

static void
test_gone_before_it(void **state)
{
	struct fixture *f = *state;

	f->w->gate.promised = 1;
	conn_world_send(f->w, "STARTTLS\n");
	conn_world_turn(f->w, 2);
	conn_world_hang_up(f->w);
	conn_world_turn(f->w, 2);
	assert_int_equal(f->w->n_closed, 1);
	assert_int_equal(f->w->n_ended, 0);
}

/* A session needs nobody who asked for its server; and one may be closed at any time. */
static void
test_server_is_freed(void **state)
{
	struct fixture *f = *state;

	conn_world_send(f->w, "STARTTLS\n");
	conn_world_turn(f->w, 1);
	tls_server_free(f->w->tls);
	f->w->tls = NULL;
	conn_world_expect(f->w, "220 go\n");
	assert_true(shake_hands(f));
	client_send(f, "x\n");
	conn_world_expect_given(f->w, "STARTTLS\nx\n");
	conn_close(f->w->c);
}

/* One that a client asks for (CVE-2011-1473) never comes to pass. */
static void
test_renegotiation(void **state)
{
	struct fixture *f = *state;
	int i;

	SSL_CTX_set_max_proto_version(f->context, TLS1_2_VERSION);
	start_tls(f);
	assert_string_equal(SSL_get_version(f->client), "TLSv1.2");
	SSL_renegotiate(f->client);
	for (i = 0; i < STEPS && f->w->c; i++) {
		assert_int_not_equal(SSL_do_handshake(f->client), 1);
		conn_world_turn(f->w, 1);
	}
	assert_int_equal(f->w->n_good, 1);
	conn_world_expect_given(f->w, "STARTTLS\n");
}

/* New keys are asked for in the middle (RFC 8446 §4.6.3). */
static void
test_new_keys(void **state)
{
	struct fixture *f = *state;

	f->w->answer = "ok\n";
	start_tls(f);
	assert_int_equal(SSL_key_update(f->client, SSL_KEY_UPDATE_REQUESTED), 1);
	client_send(f, "a\n");
	client_expect(f, "ok\n");
	client_send(f, "b\n");
	client_expect(f, "ok\n");
	conn_world_expect_given(f->w, "STARTTLS\na\nb\n");
}

static char *
body_new(void)
{
	char *body = mem_alloc(BODY);
	size_t i;

	for (i = 0; i < BODY; i++)
		body[i] = (char)(i * 2654435761U >> 13 | 1);
	return body;
}

static void
test_a_body_goes_in(void **state)
{
	struct fixture *f = *state;
	char *body = body_new();
	int at = 0;

	SSL_CTX_set_mode(f->context, SSL_MODE_ENABLE_PARTIAL_WRITE);
	start_tls(f);
	f->w->takes = CONN_WORLD_ALL;
	f->w->given.len = 0;
	while (f->w->given.len < BODY) {
		int n = at < BODY ? SSL_write(f->client, body + at, BODY - at) : 0;

		at += n > 0 ? n : 0;
		conn_world_turn(f->w, 1);
		assert_int_equal(f->w->c->in.len, 0);
	}
	assert_memory_equal(f->w->given.data, body, BODY);
	assert_true(f->w->is_shared);
	free(body);
}

/* It leaves as the peer reads it. */
static void
test_a_body_goes_out(void **state)
{
	struct fixture *f = *state;
	char *body = body_new(), *found = mem_alloc(BODY);
	int at = 0;

	start_tls(f);
	conn_write(f->w->c, body, BODY / 2);
	conn_world_turn(f->w, 5);
	conn_write(f->w->c, body + BODY / 2, BODY / 2);
	while (at < BODY) {
		int n = SSL_read(f->client, found + at, BODY - at);

		at += n > 0 ? n : 0;
		conn_world_turn(f->w, 1);
	}
	assert_memory_equal(found, body, BODY);
	assert_int_equal(f->w->n_drained, 1);
	free(body);
	free(found);
}

/* Who goes away while much is on its way raises no signal. */
static void
test_gone_while_sending(void **state)
{
	struct fixture *f = *state;
	char *body = body_new();

	signal(SIGPIPE, SIG_DFL);
	start_tls(f);
	conn_write(f->w->c, body, BODY);
	conn_world_turn(f->w, 2);
	assert_int_equal(f->w->n_closed, 0);
	conn_world_hang_up(f->w);
	conn_world_turn(f->w, 2);
	assert_int_equal(f->w->n_closed, 1);
	free(body);
}

static void
test_paused(void **state)
{
	struct fixture *f = *state;

	f->w->answer = "ok\n";
	start_tls(f);
	f->w->pauses = true;
	client_send(f, "1\n2\n");
	client_send(f, "3\n");
	conn_world_expect_given(f->w, "STARTTLS\n1\n");
	client_expect(f, "ok\n");
	f->w->pauses = false;
	conn_resume(f->w->c);
	conn_world_turn(f->w, 2);
	conn_world_expect_given(f->w, "STARTTLS\n1\n2\n3\n");
	client_expect(f, "ok\nok\n");
}

static void
expect_refused(const char *cert, const char *key, const char *expected)
{
	struct buf why = { 0 };

	assert_null(tls_server_new(cert, key, &why));
	buf_add_char(&why, '\0');
	if (!strstr(why.data, expected))
		fail_msg("%s", why.data);
	buf_fini(&why);
}

static void
test_bad_files(void **state)
{
	struct certificate one, other, locked;

	(void)state;
	certificate_new(&one, NULL);
	certificate_new(&other, NULL);
	certificate_new(&locked, "secret");
	expect_refused("/nonexistent/c.pem", one.key, "/nonexistent/c.pem: No such file");
	expect_refused(one.cert, "/nonexistent/k.pem", "/nonexistent/k.pem: No such file");
	expect_refused(one.key, one.key, "cannot be read as a certificate");
	expect_refused(one.cert, one.cert, "cannot be read as a private key");
	expect_refused("/dev/null", one.key, "/dev/null: cannot be read as a certificate");
	expect_refused(one.folder, one.key, one.folder);
	expect_refused(one.cert, other.key, "is not the key of the certificate");
	expect_refused(locked.cert, locked.key, "must not need a passphrase");
	tls_server_free(NULL);
	certificate_free(&one);
	certificate_free(&other);
	certificate_free(&locked);
}

#define WITH_FIXTURE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(test_good),
		WITH_FIXTURE(test_finish),
		WITH_FIXTURE(test_injected),
		WITH_FIXTURE(test_injected_and_kept),
		WITH_FIXTURE(test_injected_after_the_answer),
		WITH_FIXTURE(test_written_meanwhile),
		WITH_FIXTURE(test_finished_meanwhile),
		WITH_FIXTURE(test_old_protocols_are_refused),
		WITH_FIXTURE(test_gone_in_the_handshake),
		WITH_FIXTURE(test_gone_before_it),
		WITH_FIXTURE(test_server_is_freed),
		WITH_FIXTURE(test_renegotiation),
		WITH_FIXTURE(test_new_keys),
		WITH_FIXTURE(test_a_body_goes_in),
		WITH_FIXTURE(test_a_body_goes_out),
		WITH_FIXTURE(test_gone_while_sending),
		WITH_FIXTURE(test_paused),
		cmocka_unit_test(test_bad_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

static void
test_there_is_none(void **state)
{
	struct buf why = { 0 };

	(void)state;
	assert_false(tls_is_available());
	assert_null(tls_server_new("cert.pem", "key.pem", &why));
	assert_true(why.len > 0);
	tls_server_free(NULL);
	buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
