/* SPDX-License-Identifier: Apache-2.0 */
/* A reader of DTLS, fed by tests, and what it gave, written down. */
#ifndef CERTTAP_TESTS_DTLS_CASE_H
#define CERTTAP_TESTS_DTLS_CASE_H

#include "tests/unit/dtls_build.h"

#define BODY_LEN 300u

struct test {
	struct dtls_reader reader;
	struct budget memory;
	char log[4096];          /* "11/2:300 " is type 11, message_seq 2; A, C, E, S, B the rest */
	struct buffer body;      /* of the last message */
	uint8_t message[BODY_LEN];
};

static inline int setup(void **state)
{
	struct test *t = calloc(1, sizeof(*t));
	uint64_t random = 1;

	if (!t)
		return -1;
	t->memory.max = 64u << 20;
	dtls_reader_init(&t->reader, TLS_MESSAGE_MAX);
	random_fill(&random, t->message, BODY_LEN);
	*state = t;
	return 0;
}

static inline int teardown(void **state)
{
	struct test *t = *state;
	size_t left;

	dtls_reader_fini(&t->reader, &t->memory);
	left = t->memory.used;
	buffer_free(&t->body);
	free(t);
	return left == 0 ? 0 : -1;
}

static inline struct bytes message_of(const struct test *t)
{
	return bytes_of(t->message, BODY_LEN);
}

static inline void note(struct test *t, const struct tls_item *item)
{
	size_t at = strlen(t->log), room = sizeof(t->log) - at;

	switch (item->kind) {
	case TLS_ITEM_MESSAGE:
		assert_int_equal(item->body.len, item->total);
		snprintf(t->log + at, room, "%u/%u:%u ", item->type, t->reader.message_seq,
			 item->total);
		buffer_clear(&t->body);
		buffer_add_bytes(&t->body, item->body);
		break;
	case TLS_ITEM_SKIPPED:
		snprintf(t->log + at, room, "S%u:%u ", item->type, item->total);
		break;
	case TLS_ITEM_ALERT:
		snprintf(t->log + at, room, "A%u:%u ", item->alert_level, item->alert_description);
		break;
	case TLS_ITEM_CIPHER_SPEC:
		snprintf(t->log + at, room, "C ");
		break;
	case TLS_ITEM_ENCRYPTED:
		snprintf(t->log + at, room, "E%u ", item->type);
		break;
	case TLS_ITEM_PART:
		fail();
	}
}

/* Reads a whole datagram, of which nothing may be borrowed afterwards. */
static inline void feed(struct test *t, struct bytes datagram)
{
	uint8_t *copy = bytes_copy(datagram);
	struct bytes in = bytes_of(copy, datagram.len);
	struct tls_item item;
	enum parse result;
	size_t before = in.len + 1;

	while ((result = dtls_reader_next(&t->reader, &t->memory, &in, &item)) != PARSE_MORE) {
		assert_true(in.len < before);    /* so it comes to an end */
		before = in.len;
		if (result == PARSE_OK)
			note(t, &item);
		else
			strcat(t->log, "B ");
	}
	assert_int_equal(in.len, 0);
	free(copy);
}

static inline void feed_buffer(struct test *t, struct buffer *datagram)
{
	feed(t, buffer_bytes(datagram));
	buffer_free(datagram);
}

static inline void feed_fragment(struct test *t, uint8_t type, uint16_t seq, struct bytes body,
			  uint32_t offset, uint32_t len)
{
	struct buffer datagram = { 0 };

	build_fragment_record(&datagram, type, seq, body, offset, len);
	feed_buffer(t, &datagram);
}

/* A fragment of the Certificate that most tests use. */
static inline void feed_part(struct test *t, uint32_t offset, uint32_t len)
{
	feed_fragment(t, TLS_CERTIFICATE, 2, message_of(t), offset, len);
}

static inline void assert_log(struct test *t, const char *expected)
{
	assert_string_equal(t->log, expected);
	t->log[0] = '\0';
}

/* The Certificate was given, once, with the right bytes; forgets it. */
static inline void assert_certificate(struct test *t)
{
	assert_log(t, "11/2:300 ");
	assert_memory_equal(t->body.data, t->message, BODY_LEN);
	dtls_reader_restart(&t->reader, &t->memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
