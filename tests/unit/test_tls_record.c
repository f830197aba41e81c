/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/tls_build.h"

static struct budget memory;

/* What a reader gave, written down: "M11:300 " a message, "A2:40 " an alert, and so on. */
struct log {
	char text[4096];
	struct buffer bodies;    /* of messages and parts, one after the other */
	const char *why;
};

static void log_item(struct log *l, const struct tls_item *item)
{
	size_t at = strlen(l->text), room = sizeof(l->text) - at;

	switch (item->kind) {
	case TLS_ITEM_MESSAGE:
		snprintf(l->text + at, room, "M%u:%u ", item->type, item->total);
		/* Of a message that nobody reads, only the length is kept when it comes in pieces. */
		assert_true(item->body.len == item->total || item->body.len == 0);
		buffer_add_bytes(&l->bodies, item->body);
		break;
	case TLS_ITEM_PART:
		assert_true(item->offset + item->body.len <= item->total);
		buffer_add_bytes(&l->bodies, item->body);
		if (item->offset + item->body.len == item->total)
			snprintf(l->text + at, room, "P%u:%u ", item->type, item->total);
		break;
	case TLS_ITEM_SKIPPED:
		if (item->offset + item->body.len == item->total)
			snprintf(l->text + at, room, "S%u:%u ", item->type, item->total);
		break;
	case TLS_ITEM_ALERT:
		snprintf(l->text + at, room, "A%u:%u ", item->alert_level, item->alert_description);
		break;
	case TLS_ITEM_CIPHER_SPEC:
		snprintf(l->text + at, room, "C ");
		break;
	case TLS_ITEM_ENCRYPTED:
		snprintf(l->text + at, room, "E ");
		break;
	}
}

/* Feeds one chunk; false when reading is over. */
static bool feed(struct tls_reader *r, struct bytes chunk, struct log *l)
{
	uint8_t *copy = bytes_copy(chunk);
	struct bytes in = bytes_of(copy, chunk.len);
	struct tls_item item;
	enum parse result;

	while ((result = tls_reader_next(r, &memory, &in, &item)) == PARSE_OK) {
		log_item(l, &item);
		if (item.kind == TLS_ITEM_ENCRYPTED)
			break;
	}
	if (result == PARSE_MORE)
		assert_int_equal(in.len, 0);
	if (result == PARSE_BAD)
		l->why = r->why;
	free(copy);
	return result == PARSE_MORE;
}

/* The stream cut into chunks of `step` bytes; 0: of random lengths. */
static void read_stream(struct bytes in, uint32_t message_max, size_t step, uint64_t seed, struct log *l)
{
	struct tls_reader r;
	struct bytes chunk;
	size_t len;

	l->text[0] = '\0';
	l->why = NULL;
	buffer_clear(&l->bodies);
	tls_reader_init(&r, message_max);
	do {
		len = step ? step : 1 + random_below(&seed, 700);
		if (!bytes_take(&in, len < in.len ? len : in.len, &chunk))
			fail();
	} while (feed(&r, chunk, l) && in.len > 0);
	tls_reader_fini(&r, &memory);
	assert_int_equal(memory.used, 0);
}

/* Whole, byte by byte, and at random: always the same items. */
static void check_stream(struct bytes in, uint32_t message_max, const char *want, const char *why)
{
	struct log whole = { 0 }, l = { 0 };
	uint64_t seed;

	memory = (struct budget){ .max = 1u << 20 };
	read_stream(in, message_max, in.len ? in.len : 1, 0, &whole);
	assert_string_equal(whole.text, want);
	if (why)
		assert_string_equal(whole.why, why);
	else
		assert_null(whole.why);
	for (seed = 0; seed < 40; seed++) {
		read_stream(in, message_max, seed < 8 ? seed + 1 : 0, seed * 7919 + 1, &l);
		assert_string_equal(l.text, want);
		assert_true(!l.why == !why);
	}
	buffer_free(&whole.bodies);
	buffer_free(&l.bodies);
}

static void add_body(struct buffer *b, uint8_t type, size_t len)
{
	uint8_t *body = malloc(len ? len : 1);

	assert_non_null(body);
	memset(body, type, len);
	build_message(b, type, bytes_of(body, len));
	free(body);
}

/* Two messages over records of every small size: the same messages come out. */
static void test_messages_over_records(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 5, 7, 64, 303, 304, 305, 1000, 16384 };
	struct buffer messages = { 0 }, stream = { 0 };
	struct log l = { 0 };
	size_t i;

	(void)state;
	add_body(&messages, TLS_SERVER_HELLO, 70);
	add_body(&messages, TLS_CERTIFICATE, 300);
	add_body(&messages, TLS_SERVER_HELLO_DONE, 0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		buffer_clear(&stream);
		build_records(&stream, TLS_HANDSHAKE, TLS_1_2, buffer_bytes(&messages), sizes[i]);
		check_stream(buffer_bytes(&stream), 1000, "M2:70 M11:300 M14:0 ", NULL);
		read_stream(buffer_bytes(&stream), 1000, 3, 0, &l);
		assert_int_equal(l.bodies.len, 370);
		assert_int_equal(l.bodies.data[69], TLS_SERVER_HELLO);
		assert_int_equal(l.bodies.data[70], TLS_CERTIFICATE);
	}
	buffer_free(&messages);
	buffer_free(&stream);
	buffer_free(&l.bodies);
}

/* A Certificate over the limit comes in parts, another message is passed over, and reading goes on. */
static void test_over_the_limit(void **state)
{
	struct buffer messages = { 0 }, stream = { 0 };
	struct log l = { 0 };
	size_t i;

	(void)state;
	add_body(&messages, TLS_CERTIFICATE, 40000);
	add_body(&messages, TLS_SERVER_KEY_EXCHANGE, 20000);
	add_body(&messages, TLS_SERVER_HELLO_DONE, 0);
	build_records(&stream, TLS_HANDSHAKE, TLS_1_2, buffer_bytes(&messages), 5000);
	check_stream(buffer_bytes(&stream), 10000, "P11:40000 S12:20000 M14:0 ", NULL);
	read_stream(buffer_bytes(&stream), 10000, 999, 0, &l);
	assert_int_equal(l.bodies.len, 40000);
	for (i = 0; i < l.bodies.len; i++)
		assert_int_equal(l.bodies.data[i], TLS_CERTIFICATE);
	/* Nothing of it was ever kept. */
	assert_int_equal(memory.peak, 0);
	buffer_free(&messages);
	buffer_free(&stream);
	buffer_free(&l.bodies);
}

static const struct {
	const char *name;
	struct bytes stream;
	const char *items, *why;
} cases[] = {
	{ "nothing", { NULL, 0 }, "", NULL },
	{ "alert", TEXT_INIT("\x15\x03\x03\x00\x02\x02\x28"), "A2:40 ", NULL },
	{ "alert of a wrong level is encrypted", TEXT_INIT("\x15\x03\x03\x00\x02\x09\x28"), "E ", NULL },
	{ "long alert is encrypted", TEXT_INIT("\x15\x03\x03\x00\x03\x02\x28\x00"), "E ", NULL },
	{ "empty records, then a message",
	  TEXT_INIT("\x16\x03\x03\x00\x00\x16\x03\x03\x00\x00\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), "M14:0 ", NULL },
	{ "ChangeCipherSpec", TEXT_INIT("\x14\x03\x03\x00\x01\x01\x15\x03\x03\x00\x02\x01\x00"), "C A1:0 ", NULL },
	{ "ChangeCipherSpec of two bytes", TEXT_INIT("\x14\x03\x03\x00\x02\x01\x01"), "",
	  "ChangeCipherSpec of a wrong length" },
	{ "ChangeCipherSpec of none", TEXT_INIT("\x14\x03\x03\x00\x00"), "",
	  "ChangeCipherSpec of a wrong length" },
	{ "application data", TEXT_INIT("\x17\x03\x03\x00\x09zzz"), "E ", NULL },
	{ "record type 19", TEXT_INIT("\x13\x03\x03\x00\x01z"), "", "unknown record type" },
	{ "record type 25", TEXT_INIT("\x19\x03\x03\x00\x01z"), "", "unknown record type" },
	{ "version 2.0", TEXT_INIT("\x16\x02\x00\x00\x01z"), "", "unknown record version" },
	{ "TLCP", TEXT_INIT("\x16\x01\x01\x00\x04\x0e\x00\x00\x00"), "M14:0 ", NULL },
	{ "SSL 3.0", TEXT_INIT("\x16\x03\x00\x00\x04\x0e\x00\x00\x00"), "M14:0 ", NULL },
	{ "as long as may be", TEXT_INIT("\x16\x03\x03\x48\x00"), "", NULL },
	{ "one longer", TEXT_INIT("\x16\x03\x03\x48\x01"), "", "record longer than the protocol allows" },
	{ "unknown message", TEXT_INIT("\x16\x03\x03\x00\x04\x63\x00\x00\x00"), "",
	  "unknown handshake message type" },
	{ "a message that never ends", TEXT_INIT("\x16\x03\x03\x00\x05\x0b\xff\xff\xff\x00"), "", NULL },
	{ "a Finished behind ChangeCipherSpec is encrypted",
	  TEXT_INIT("\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x08\x14\x00\x00\x04zzzz"), "C E ", NULL },
};

static void test_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("# %s\n", cases[i].name);
		check_stream(cases[i].stream, 1000, cases[i].items, cases[i].why);
	}
}

/* RFC 8446 appendix D.4: a dummy ChangeCipherSpec may stand between two hellos in clear. */
static void test_middlebox(void **state)
{
	struct buffer body = { 0 }, stream = { 0 };

	(void)state;
	build_client_hello(&body, &(struct hello_build){ .supported = TLS_1_3 });
	build_handshake(&stream, TLS_CLIENT_HELLO, buffer_bytes(&body));
	build_change_cipher_spec(&stream);
	build_handshake(&stream, TLS_CLIENT_HELLO, buffer_bytes(&body));
	build_application_data(&stream, 100);
	check_stream(buffer_bytes(&stream), 1000, "M1:52 C M1:52 E ", NULL);
	buffer_free(&body);
	buffer_free(&stream);
}

/* A length of 16 MiB allocates nothing; a budget that is used up ends the reading. */
static void test_memory(void **state)
{
	struct buffer messages = { 0 }, stream = { 0 };
	struct log l = { 0 };

	(void)state;
	add_body(&messages, TLS_CERTIFICATE, 30000);
	build_records(&stream, TLS_HANDSHAKE, TLS_1_2, buffer_bytes(&messages), 1000);
	memory = (struct budget){ .max = 10000 };
	read_stream(buffer_bytes(&stream), 1u << 20, 100, 0, &l);
	assert_string_equal(l.text, "");
	assert_string_equal(l.why, "over the memory limit");
	assert_true(memory.peak <= 10000);
	assert_int_equal(memory.refused, 1);
	memory = (struct budget){ .max = 1u << 20 };
	read_stream(TEXT("\x16\x03\x03\x00\x06\x0b\xff\xff\xff\x00\x00"), 1u << 24, 1, 0, &l);
	assert_true(memory.peak <= 4096);
	/* Gathering doubles: never more than twice what came, and the least. */
	memory = (struct budget){ .max = 1u << 20 };
	read_stream(buffer_bytes(&stream), 1u << 20, 1, 0, &l);
	assert_string_equal(l.text, "M11:30000 ");
	assert_true(memory.peak <= 30000);
	buffer_free(&messages);
	buffer_free(&stream);
	buffer_free(&l.bodies);
}

static void test_unfinished(void **state)
{
	struct buffer messages = { 0 }, stream = { 0 };
	struct tls_reader r;
	struct log l = { 0 };
	uint32_t have, total;
	uint8_t type;
	size_t len;

	(void)state;
	memory = (struct budget){ .max = 1u << 20 };
	add_body(&messages, TLS_CERTIFICATE, 50);
	build_records(&stream, TLS_HANDSHAKE, TLS_1_2, buffer_bytes(&messages), 100);
	for (len = 1; len <= stream.len; len++) {
		tls_reader_init(&r, 1000);
		feed(&r, bytes_of(stream.data, len), &l);
		assert_int_equal(tls_reader_unfinished(&r, &type, &have, &total),
				 len >= 9 && len < stream.len);
		assert_int_equal(tls_reader_gathered(&r).len, len > 9 && len < stream.len ? len - 9 : 0);
		if (len >= 9 && len < stream.len) {
			assert_int_equal(type, TLS_CERTIFICATE);
			assert_int_equal(have, len - 9);
			assert_int_equal(total, 50);
		}
		tls_reader_fini(&r, &memory);
	}
	assert_int_equal(memory.used, 0);
	buffer_free(&messages);
	buffer_free(&stream);
	buffer_free(&l.bodies);
}

/* A loss inside a message that nobody reads is passed over; in any other it is not. */
static void test_lose(void **state)
{
	static const struct { uint8_t type; size_t at, len; bool go_on; } losses[] = {
		{ TLS_CLIENT_KEY_EXCHANGE, 20, 30, true },     /* inside the body */
		{ TLS_CLIENT_KEY_EXCHANGE, 20, 89, true },     /* up to its end */
		{ TLS_CLIENT_KEY_EXCHANGE, 20, 90, false },    /* and one more */
		{ TLS_CLIENT_KEY_EXCHANGE, 7, 30, false },     /* in the header */
		{ TLS_CLIENT_KEY_EXCHANGE, 20, 70000, false },
		{ TLS_CERTIFICATE, 20, 30, false },
	};
	struct buffer stream = { 0 }, messages = { 0 };
	struct tls_reader r;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(losses); i++) {
		struct log l = { 0 };
		size_t behind = losses[i].at + losses[i].len;

		memory = (struct budget){ .max = 1u << 20 };
		buffer_clear(&stream);
		buffer_clear(&messages);
		add_body(&messages, losses[i].type, 100);
		build_records(&stream, TLS_HANDSHAKE, TLS_1_2, buffer_bytes(&messages), 1000);
		assert_int_equal(stream.len, 109);
		build_alert(&stream, 2, 40);
		tls_reader_init(&r, 1000);
		feed(&r, bytes_of(stream.data, losses[i].at), &l);
		assert_int_equal(tls_reader_lose(&r, &memory, (uint32_t)losses[i].len), losses[i].go_on);
		if (losses[i].go_on) {
			feed(&r, bytes_of(stream.data + behind, stream.len - behind), &l);
			assert_non_null(strstr(l.text, "A2:40"));
		}
		tls_reader_fini(&r, &memory);
		assert_int_equal(memory.used, 0);
		buffer_free(&l.bodies);
	}
	buffer_free(&stream);
	buffer_free(&messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages_over_records),
		cmocka_unit_test(test_over_the_limit),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_middlebox),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_lose),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
