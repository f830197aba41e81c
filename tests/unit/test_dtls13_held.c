/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed records of DTLS 1.3 that come before what opens them: a hello, or a line of the key log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

#include "parsers/tls_hello.h"
#include "tests/unit/certs.h"
#include "tests/unit/dtls_build.h"
#include "tests/unit/record_seal.h"
#include "tests/unit/tap.h"
#include "tests/unit/tls_build.h"
#include "userspace/handshake/handshake_keys.h"
#include "userspace/handshake/keys.h"

#define NUM_SEALED 3                  /* EncryptedExtensions, and the Certificate in two parts */
#define NUM_DATAGRAMS (2 + NUM_SEALED)

static struct tap t;
static struct keys *keys;
static struct hkdf *hkdf;
static struct buffer datagrams[NUM_DATAGRAMS];    /* ClientHello, ServerHello, what is sealed */
static char key_log[256];

static void seal_fragment(struct buffer *out, uint64_t number, uint8_t type, uint16_t message_seq,
			  struct bytes body, uint32_t from, uint32_t to)
{
	struct buffer text = { 0 };
	uint8_t sealed[2048];
	size_t len;

	build_fragment(&text, type, message_seq, body, from, to - from);
	buffer_number(&text, 1, TLS_HANDSHAKE);
	len = seal_dtls(hkdf, &seal_suites[0], 0x0c, 0, number, buffer_bytes(&text), sealed);
	buffer_add(out, sealed, len);
	buffer_free(&text);
}

/* RFC 8446 section 4.4.2, of one entry without extensions. */
static void certificate_13(struct buffer *out, struct bytes der)
{
	struct buffer list = { 0 };

	buffer_vec(&list, 3, der);
	buffer_vec(&list, 2, TEXT(""));
	buffer_number(out, 1, 0);
	buffer_vec(out, 3, buffer_bytes(&list));
	buffer_free(&list);
}

static void hello_13(struct buffer *out, uint8_t type)
{
	const struct hello_build build = { .version = DTLS_1_2, .supported = DTLS_1_3, .cipher = 0x1301 };
	struct buffer body = { 0 }, with_cookie = { 0 };

	if (type == TLS_SERVER_HELLO) {
		build_server_hello(&body, &build);
		build_message_record(out, type, 0, buffer_bytes(&body));
	} else {
		build_client_hello(&body, &build);
		/* Behind version, random and session id comes a cookie (RFC 6347 section 4.2.1). */
		buffer_add(&with_cookie, body.data, 35);
		buffer_number(&with_cookie, 1, 0);
		buffer_add(&with_cookie, body.data + 35, body.len - 35);
		build_message_record(out, type, 0, buffer_bytes(&with_cookie));
	}
	buffer_free(&body);
	buffer_free(&with_cookie);
}

static void write_key_log(void)
{
	struct bytes secret = seal_secret(&seal_suites[0]);
	char *at = key_log;
	unsigned int i;

	at += sprintf(at, "SERVER_HANDSHAKE_TRAFFIC_SECRET ");
	for (i = 0; i < 32; i++)
		at += sprintf(at, "%02x", 0x10 + i);            /* as build_client_hello() has it */
	at += sprintf(at, " ");
	for (i = 0; i < secret.len; i++)
		at += sprintf(at, "%02x", secret.data[i]);
	sprintf(at, "\n");
}

static int make(void **state)
{
	struct bytes der = cert_make("pool.example", "Issuing CA", 0);
	struct buffer body = { 0 };

	(void)state;
	hkdf = hkdf_new();
	hello_13(&datagrams[0], TLS_CLIENT_HELLO);
	hello_13(&datagrams[1], TLS_SERVER_HELLO);
	seal_fragment(&datagrams[2], 0, TLS_ENCRYPTED_EXTENSIONS, 1, TEXT("\0\0"), 0, 2);
	certificate_13(&body, der);
	seal_fragment(&datagrams[3], 1, TLS_CERTIFICATE, 2, buffer_bytes(&body), 0, 100);
	seal_fragment(&datagrams[4], 2, TLS_CERTIFICATE, 2, buffer_bytes(&body), 100, (uint32_t)body.len);
	write_key_log();
	buffer_free(&body);
	cert_free(der);
	return hkdf ? 0 : -1;
}

static int unmake(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < NUM_DATAGRAMS; i++)
		buffer_free(&datagrams[i]);
	hkdf_free(hkdf);
	return 0;
}

static void begin(const char *text)
{
	keys = keys_new(8);
	assert_non_null(keys);
	keys_add_text(keys, bytes_of(text, strlen(text)));
	tap_open(&t);
	pipeline_use_keys(t.pipeline, keys);
}

static void send(enum tap_side side, struct bytes datagram)
{
	uint8_t *copy = bytes_copy(datagram);
	struct segment s = {
		.src = t.host[side], .dst = t.host[!side], .transport = TRANSPORT_UDP,
		.payload = bytes_of(copy, datagram.len), .time_ns = t.time_ns, .frame_number = ++t.frame,
	};

	pipeline_segment(t.pipeline, &s);
	t.time_ns += 1000000;
	free(copy);
}

static void send_nth(unsigned int n)
{
	send(n == 0 ? CLIENT : SERVER, buffer_bytes(&datagrams[n]));
}

static void send_order(const char *order)
{
	for (; *order; order++)
		send_nth((unsigned int)(*order - '0'));
}

static void end(const char *want)
{
	assert_int_equal(tap_finish(&t), 0);
	assert_string_equal(t.log, want);
	tap_close(&t);
	keys_free(keys);
}

/* Whatever hello comes late: the flow is begun by the other. */
static void test_orders(void **state)
{
	static const char *const orders[] = {
		"01234", "02134", "02314", "02341", "04321", "04213", "10234", "12340", "14302",
		"0222134", "02113344",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		begin(key_log);
		send_order(orders[i]);
		assert_int_equal(t.last.witness[ROLE_SERVER], WITNESS_KEYLOG);
		end("server:chain 1; ");
	}
}

/* A record behind the ServerHello in its datagram is a record of its own. */
static void test_one_datagram(void **state)
{
	struct buffer joined = { 0 };
	unsigned int i;

	(void)state;
	for (i = 1; i < NUM_DATAGRAMS; i++)
		buffer_add_bytes(&joined, buffer_bytes(&datagrams[i]));
	begin(key_log);
	send_nth(0);
	send(SERVER, buffer_bytes(&joined));
	end("server:chain 1; ");
	buffer_free(&joined);
}

/* The key log grows while we read, or has got its line only when the capture ends. */
static void test_late_keys(void **state)
{
	char path[] = "/tmp/certtap-keys-XXXXXX";
	int fd, at_end;

	(void)state;
	for (at_end = 0; at_end < 2; at_end++) {
		fd = mkstemp(path);
		assert_true(fd >= 0);
		begin("");
		assert_int_equal(keys_add_file(keys, path, true), 0);
		send_order("02134");
		assert_string_equal(t.log, "");
		assert_int_equal(write(fd, key_log, strlen(key_log)), strlen(key_log));
		if (!at_end) {
			pipeline_tick(t.pipeline, t.time_ns, 0);
			assert_string_equal(t.log, "server:chain 1; ");
		}
		end("server:chain 1; ");
		close(fd);
		unlink(path);
		strcpy(path, "/tmp/certtap-keys-XXXXXX");
	}
}

/* What nobody opens is let go with the flow, and the reason is what it is without a key log. */
static void test_no_keys(void **state)
{
	(void)state;
	begin("");
	send_order("02134");
	end("server:encrypted; ");
}

/* The server's ServerHello is not whole, so that more and more is held: up to the limit, once. */
static void test_limit(void **state)
{
	unsigned int i;

	(void)state;
	begin("");
	send_nth(0);
	for (i = 0; i < 2 * KEYS_HELD_MAX / 100; i++)
		send_nth(3);
	assert_int_equal(pipeline_tracker(t.pipeline)->counters.not_held, 1);
	assert_true(pipeline_tracker(t.pipeline)->memory.used < KEYS_HELD_MAX);
	send_nth(1);
	end("server:encrypted; ");
}

/* The limit of all memory counts too: held, or told as not held, and nothing is left behind. */
static void test_memory(void **state)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;

	(void)state;
	keys = keys_new(8);
	assert_non_null(keys);
	limits.tracker.memory = 1000;
	tap_open_limits(&t, &limits);
	pipeline_use_keys(t.pipeline, keys);
	send_order("02341");
	assert_int_equal(pipeline_tracker(t.pipeline)->counters.not_held, 1);
	end("server:encrypted; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),  cmocka_unit_test(test_one_datagram),
		cmocka_unit_test(test_late_keys), cmocka_unit_test(test_no_keys),
		cmocka_unit_test(test_limit),   cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, make, unmake);
}
