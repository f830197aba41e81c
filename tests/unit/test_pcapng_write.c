/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks that are written, read again; and none when there is no room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "parsers/keylog.h"
#include "parsers/pcapng.h"
#include "parsers/pcapng_write.h"

#define ROOM 1024

static uint8_t out[ROOM];
static struct pcapng *reader;
static struct pcapng_frame frame;
static struct pcapng_secrets secrets;

static enum pcapng_item read_block(size_t len)
{
	enum pcapng_item what;
	const char *why;

	assert_in_range(len, 12, ROOM);
	assert_int_equal(len % 4, 0);
	if (!pcapng_block(reader, bytes_of(out, len), &what, &frame, &secrets, &why))
		fail_msg("%s", why);
	return what;
}

static int begin(void **state)
{
	(void)state;
	reader = pcapng_new();
	return reader ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	pcapng_free(reader);
	return 0;
}

static void begin_file(void)
{
	assert_int_equal(read_block(pcapng_write_section(out, ROOM, "a program")), PCAPNG_SECTION);
	assert_int_equal(read_block(pcapng_write_interface(out, ROOM, 1, "")), PCAPNG_NOTHING);
	assert_int_equal(read_block(pcapng_write_interface(out, ROOM, 101, "raw")), PCAPNG_NOTHING);
}

static void test_packets(void **state)
{
	struct pcapng_write_packet p = { .interface = 1, .time_ns = 1700000000123456789u, .wire_len = 99 };
	char text[] = "0123456789abcdef";
	size_t i;

	(void)state;
	begin_file();
	for (i = 0; i < 8 * 8 * 2; i++) {
		p.head = bytes_of(text, i / 8 % 8);
		p.data = bytes_of(text + i / 8 % 8, i % 8);
		p.comment = i / 64 ? "five!" : NULL;
		assert_int_equal(read_block(pcapng_write_packet(out, ROOM, &p)), PCAPNG_PACKET);
		assert_int_equal(frame.link, 101);
		assert_true(frame.time_ns == p.time_ns);
		assert_int_equal(frame.wire_len, 99);
		assert_int_equal(frame.data.len, i % 8 + i / 8 % 8);
		assert_memory_equal(frame.data.data, text, frame.data.len);
	}
}

static void test_secret(void **state)
{
	static const size_t lens[] = { 32, 48, KEYLOG_SECRET_MAX };
	uint8_t client_random[KEYLOG_RANDOM_LEN], secret[KEYLOG_SECRET_MAX + 1];
	struct keylog_entry entry;
	struct keylog k;
	struct bytes in;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(0xf0 + i);
	memset(client_random, 0x0f, sizeof(client_random));
	begin_file();
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_int_equal(read_block(pcapng_write_secret(out, ROOM, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET,
								client_random, bytes_of(secret, lens[i]))), PCAPNG_SECRETS);
		assert_int_equal(secrets.type, 0x544c534b);
		assert_int_equal(secrets.data.data[secrets.data.len - 1], '\n');
		in = secrets.data;
		keylog_init(&k);
		assert_int_equal(keylog_feed(&k, &in, &entry), PARSE_OK);
		assert_int_equal(entry.label, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET);
		assert_memory_equal(entry.client_random, client_random, sizeof(client_random));
		assert_int_equal(entry.secret_len, lens[i]);
		assert_memory_equal(entry.secret, secret, lens[i]);
		assert_int_equal(keylog_feed(&k, &in, &entry), PARSE_MORE);
		keylog_fini(&k);
	}
	assert_int_equal(pcapng_write_secret(out, ROOM, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, client_random,
					     bytes_of(secret, KEYLOG_SECRET_MAX + 1)), 0);
}

static size_t write_one(unsigned int kind, uint8_t *to, size_t room)
{
	static const uint8_t zeros[KEYLOG_RANDOM_LEN];
	const struct pcapng_write_packet p = { .head = bytes_of("abc", 3), .data = bytes_of("defgh", 5), .comment = "x" };

	switch (kind) {
	case 0:
		return pcapng_write_section(to, room, "certtap");
	case 1:
		return pcapng_write_interface(to, room, 101, "some");
	case 2:
		return pcapng_write_packet(to, room, &p);
	default:
		return pcapng_write_secret(to, room, KEYLOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET, zeros,
					   bytes_of(zeros, 32));
	}
}

/* Exactly as much room as is said, on the heap: a sanitizer sees a step beyond. */
static void test_no_room(void **state)
{
	unsigned int kind;
	size_t room, len;
	uint8_t *to;

	(void)state;
	for (kind = 0; kind < 4; kind++) {
		len = write_one(kind, out, ROOM);
		assert_in_range(len, 12, ROOM);
		for (room = 0; room <= len; room++) {
			to = malloc(room ? room : 1);
			assert_non_null(to);
			assert_int_equal(write_one(kind, to, room), room == len ? len : 0);
			free(to);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_packets, begin, end),
		cmocka_unit_test_setup_teardown(test_secret, begin, end),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
