/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS inside TDS, FTP security tokens and JXTA: recognised by content, and taken out however the
 * stream is cut.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/carrier_run.h"

#define CLIENT_TLS "\x16\x03\x01\x00\x05hello-and-more"
#define SERVER_TLS "\x16\x03\x03\x00\x07greetings-and-a-chain"

static struct bytes text(const char *s)
{
	return bytes_of(s, strlen(s));
}

#define LITERAL(s) bytes_of(s, sizeof(s) - 1)

/* ---- TDS ---- */

static void add_tds(struct buffer *b, uint8_t type, uint8_t status, struct bytes body)
{
	buffer_number(b, 1, type);
	buffer_number(b, 1, status);
	buffer_number(b, 2, (uint32_t)body.len + 8);
	buffer_number(b, 4, 0x00000100);
	buffer_add_bytes(b, body);
}

/* Version, encryption, end of the options; then what they point at. */
#define PRELOGIN "\x00\x00\x0b\x00\x06\x01\x00\x11\x00\x01\xff\x0f\x00\x00\x00\x00\x00\x01"

static void build_tds(struct buffer *client, struct buffer *server)
{
	add_tds(client, 0x12, 1, LITERAL(PRELOGIN));
	add_tds(server, 0x04, 1, LITERAL(PRELOGIN));
	add_tds(client, 0x12, 1, LITERAL(CLIENT_TLS));
	add_tds(server, 0x12, 0, bytes_of(SERVER_TLS, 9));
	add_tds(server, 0x12, 1, bytes_of(SERVER_TLS + 9, sizeof(SERVER_TLS) - 10));
	buffer_add(client, "\x17\x03\x03\x00\x01x", 6);
	buffer_add(server, "\x17\x03\x03\x00\x01y", 6);
}

/* ---- FTP ---- */

static const char ftp_client[] =
	"AUTH GSSAPI\r\nADAT FgMBAAVoZWxsby1hbmQtbW9yZQ==\r\nENC AAAA\r\n";
static const char ftp_server[] =
	"220 grid ready\r\n334 go on\r\n335 ADAT=FgMDAAdncmVldGluZ3MtYW5k\r\n"
	"335-ADAT=AAAA\r\n235 ADAT=LWEtY2hhaW4=\r\n200 ADAT=AAAA\r\n";

/* ---- JXTA ---- */

static void add_jxta_element(struct buffer *b, const char *name, const char *type,
			     struct bytes content)
{
	buffer_add(b, "jxel\x02\x01", 6);
	buffer_vec(b, 2, text(name));
	buffer_vec(b, 2, text(type));
	buffer_vec(b, 4, content);
}

static void add_jxta(struct buffer *to, const char *name, struct bytes block)
{
	struct buffer b = { 0 };

	buffer_add(&b, "jxmg\0\0\1", 7);
	buffer_vec(&b, 2, text("jxtatls"));
	buffer_number(&b, 2, 2);
	add_jxta_element(&b, "Other", "text/xml", text("<a/>"));
	add_jxta_element(&b, name, "application/x-jxta-tls-block", block);
	buffer_vec(to, 1, text("content-type"));
	buffer_vec(to, 2, text("application/x-jxta-msg"));
	buffer_vec(to, 1, text("content-length"));
	buffer_number(to, 2, 8);
	buffer_number(to, 4, 0);
	buffer_number(to, 4, (uint32_t)b.len);
	buffer_number(to, 1, 0);
	buffer_add_bytes(to, buffer_bytes(&b));
	buffer_free(&b);
}

static void build_jxta(struct buffer *client, struct buffer *server)
{
	buffer_add_bytes(client, text("JXTAHELLO tcp://a tcp://b urn:jxta:x 0 1.1\r\n"));
	buffer_add_bytes(server, text("JXTAHELLO tcp://b tcp://a urn:jxta:y 0 1.1\r\n"));
	add_jxta(client, "1", LITERAL(CLIENT_TLS));
	add_jxta(client, "1", LITERAL(CLIENT_TLS));
	/* Not in order; one comes twice. */
	add_jxta(server, "2", bytes_of(SERVER_TLS + 6, 6));
	add_jxta(server, "1", bytes_of(SERVER_TLS, 6));
	add_jxta(server, "2", bytes_of(SERVER_TLS + 6, 6));
	add_jxta(server, "3", bytes_of(SERVER_TLS + 12, sizeof(SERVER_TLS) - 13));
}

/* ---- all of them ---- */

static struct talk {
	const char *name;
	struct buffer said[2];
	struct buffer tls[2];
} talks[3];

static int build_talks(void **state)
{
	(void)state;
	talks[0].name = "tds";
	build_tds(&talks[0].said[0], &talks[0].said[1]);
	talks[1].name = "ftp-gssapi";
	buffer_add_bytes(&talks[1].said[0], text(ftp_client));
	buffer_add_bytes(&talks[1].said[1], text(ftp_server));
	talks[2].name = "jxta";
	build_jxta(&talks[2].said[0], &talks[2].said[1]);
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		buffer_add_bytes(&talks[i].tls[0], LITERAL(CLIENT_TLS));
		buffer_add_bytes(&talks[i].tls[1], LITERAL(SERVER_TLS));
	}
	buffer_add(&talks[0].tls[0], "\x17\x03\x03\x00\x01x", 6);
	buffer_add(&talks[0].tls[1], "\x17\x03\x03\x00\x01y", 6);
	return 0;
}

static int free_talks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		for (unsigned int side = 0; side < 2; side++) {
			buffer_free(&talks[i].said[side]);
			buffer_free(&talks[i].tls[side]);
		}
	return 0;
}

static void begin_talk(struct carrier_run *r, const struct talk *t)
{
	const struct carrier_ops *ops;

	assert_int_equal(carrier_recognise(CARRIER_OVER_TCP, buffer_bytes(&t->said[0]), &ops),
			 PARSE_OK);
	assert_string_equal(carrier_name(ops), t->name);
	carrier_run_begin(r, ops);
}

/*
 * Every prefix of a good beginning asks for more, until it is enough; within the promised length.
 */
static void test_prefixes(void **state)
{
	const struct carrier_ops *ops;
	enum parse result, before;
	uint8_t *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++) {
		before = PARSE_MORE;
		for (size_t len = 1; len <= CARRIER_HEAD_MAX; len++) {
			struct bytes head = buffer_bytes(&talks[i].said[0]);

			head.len = head.len < len ? head.len : len;
			copy = bytes_copy(head);
			result = carrier_recognise(CARRIER_OVER_TCP, bytes_of(copy, head.len),
						   &ops);
			free(copy);
			assert_true(result == before ||
				    (before == PARSE_MORE && result == PARSE_OK));
			before = result;
		}
		assert_int_equal(before, PARSE_OK);
	}
}

static void test_cuts(void **state)
{
	static const size_t cuts[] = { 1, 2, 3, 5, 7, 8, 9, 64, 4096 };
	struct carrier_run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		for (size_t cut = 0; cut < ARRAY_SIZE(cuts); cut++) {
			struct carrier_said said[2] = { { 0, buffer_bytes(&talks[i].said[0]) },
							{ 1, buffer_bytes(&talks[i].said[1]) } };

			begin_talk(&r, &talks[i]);
			carrier_run_cut(&r, said, 2, cuts[cut]);
			assert_false(r.over);
			carrier_run_expect(&r, 0, 0, buffer_bytes(&talks[i].tls[0]));
			carrier_run_expect(&r, 1, 0, buffer_bytes(&talks[i].tls[1]));
			assert_int_equal(r.missed[0] + r.missed[1], 0);
			carrier_run_end(&r);
		}
}

/*
 * A carrier that is given up at any point leaves nothing behind, nor one that runs out of memory.
 */
static void test_given_up(void **state)
{
	struct carrier_run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		for (size_t len = 0; len < talks[i].said[1].len; len++) {
			struct carrier_said said = { 1, bytes_of(talks[i].said[1].data, len) };

			begin_talk(&r, &talks[i]);
			r.memory.max = len % 2 ? r.memory.used : r.memory.max;
			carrier_run_cut(&r, &said, 1, 3);
			carrier_run_end(&r);
		}
}

static void test_not_recognised(void **state)
{
	static const struct {
		enum carrier_over over;
		const char *hex_or_text;
		size_t len;
	} others[] = {
#define OTHER(over, s) { over, s, sizeof(s) - 1 }
		OTHER(CARRIER_OVER_TCP, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
		OTHER(CARRIER_OVER_TCP, "GET / HTTP/1.1\r\n"),
		OTHER(CARRIER_OVER_TCP, "AUTH TLS\r\n"),
		OTHER(CARRIER_OVER_TCP, "220 smtp.example ESMTP\r\n"),
		OTHER(CARRIER_OVER_TCP, "JXTAHELLO"),
		OTHER(CARRIER_OVER_TCP, "\x12\x01\x00\x07\x00\x00\x01\x00"),
		OTHER(CARRIER_OVER_TCP, "\x12\x01\x00\x30\x00\x00\x01\x01\x00\x00\x0b\x00\x06"),
		OTHER(CARRIER_OVER_TCP, "\x12\x01\x00\x30\x00\x00\x01\x00\x01\x00\x0b\x00\x06"),
		OTHER(CARRIER_OVER_TCP, "\x12\x01\x00\x30\x00\x00\x01\x00\x00\x00\x0c\x00\x06"),
		OTHER(CARRIER_OVER_TCP, "\x04\x01\xff\xff\x00\x00\x01\x00\x00\x00\x0b\x00\x06"),
		OTHER(CARRIER_OVER_TCP, "\x00\x0e\x38\x00\x00\x00\x00\x00\x00\x00\x00"
					"\x00\x00\x00\x00\x00"),
		OTHER(CARRIER_OVER_TCP, "\x00\x00\x00\x08\x04\xd2\x16\x2f"),
		OTHER(CARRIER_OVER_UDP, "\x01"),
		OTHER(CARRIER_OVER_UDP, "\x38\x01\x02\x03\x04\x05\x06\x07\x08\x00\x00\x00\x00\x01"),
		OTHER(CARRIER_OVER_UDP, "JXTAHELLO tcp"),
		OTHER(CARRIER_OVER_SCTP, "\x00\x01\x00\x02\x00\x00\x00\x03\x00\x00\x00\x04"),
	};
	const struct carrier_ops *ops = NULL;
	uint8_t *copy;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		copy = bytes_copy(bytes_of(others[i].hex_or_text, others[i].len));
		assert_int_not_equal(carrier_recognise(others[i].over,
						       bytes_of(copy, others[i].len), &ops),
				     PARSE_OK);
		free(copy);
	}
	assert_int_equal(carrier_recognise(CARRIER_OVER_TCP, bytes_of("", 0), &ops), PARSE_BAD);
	assert_null(ops);
}

static void feed_text(struct carrier_run *r, unsigned int side, const char *s)
{
	carrier_run_feed(r, side, text(s));
}

/* When the server has no certificate, logins follow without TLS. */
static void test_tds_goes_on_without_tls(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin_talk(&r, &talks[0]);
	add_tds(&b, 0x12, 1, LITERAL(PRELOGIN));
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	assert_false(r.over);
	buffer_clear(&b);
	add_tds(&b, 0x10, 1, LITERAL("login"));
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	assert_true(r.over);
	assert_int_equal(r.num_pieces, 0);
	carrier_run_end(&r);
	buffer_free(&b);
}

static void test_tds_refuses(void **state)
{
	static const char bad[][9] = {
		"\x12\x01\x00\x07\x00\x00\x01\x00", "\x12\x01\x80\x00\x00\x00\x01\x00",
		"\x12\x07\x00\x20\x00\x00\x01\x00", "\x17\x03\x03\x00\x10\x00\x00\x00",
	};
	struct carrier_run r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin_talk(&r, &talks[0]);
		carrier_run_feed(&r, 1, bytes_of(bad[i], 8));
		assert_true(r.over);
		assert_int_equal(r.num_pieces, 0);
		carrier_run_end(&r);
	}
}

/* Bytes lost within a packet's body are counted, and reading goes on; a lost header is the end. */
static void test_tds_loses(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin_talk(&r, &talks[0]);
	add_tds(&b, 0x12, 1, LITERAL(CLIENT_TLS));
	carrier_run_feed(&r, 0, bytes_of(b.data, 8 + 6));
	assert_true(carrier_lose(r.carrier, &r.memory, 0, 4));
	carrier_run_feed(&r, 0, bytes_of(b.data + 8 + 10, b.len - 8 - 10));
	assert_false(r.over);
	assert_int_equal(r.missed[0], 4);
	carrier_run_expect(&r, 0, 0, LITERAL("\x16\x03\x01\x00\x05h-and-more"));
	assert_false(carrier_lose(r.carrier, &r.memory, 0, 1));
	carrier_run_end(&r);
	buffer_free(&b);
}

static void test_ftp_loses(void **state)
{
	struct carrier_run r;

	(void)state;
	begin_talk(&r, &talks[1]);
	feed_text(&r, 1, "335 ADAT=FgMD");
	assert_true(carrier_lose(r.carrier, &r.memory, 1, 10));
	feed_text(&r, 1, "AAAA\r\n335 ADAT=YWJj\r\n");
	assert_int_equal(r.missed[1], 10);
	carrier_run_expect(&r, 1, 0, LITERAL("\x16\x03\x03" "abc"));
	carrier_run_end(&r);
}

/* Base64 that is none ends the token, not the carrier; case does not matter. */
static void test_ftp_lines(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin_talk(&r, &talks[1]);
	feed_text(&r, 0, "auth gssapi\r\nadat YWI=YWJj\r\nADAT !YWJj\nADAT \r\n"
			 "ADAT Y\r\nADATX YWJj\r\n");
	carrier_run_expect(&r, 0, 0, LITERAL("ab"));
	/* More than one piece of a token that is long. */
	buffer_add_bytes(&b, text("335 ADAT="));
	for (int i = 0; i < 1000; i++)
		buffer_add_bytes(&b, text("YWJj"));
	carrier_run_feed(&r, 1, buffer_bytes(&b));
	assert_int_equal(r.got[1][0].len, 3000);
	assert_memory_equal(r.got[1][0].data + 2997, "abc", 3);
	carrier_run_end(&r);
	buffer_free(&b);
}

/* A message too long to be joined is passed over; one that contradicts itself says nothing. */
static void test_jxta_hostile(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };
	uint64_t seed = 4711;
	size_t at;

	(void)state;
	begin_talk(&r, &talks[2]);
	feed_text(&r, 0, "JXTAHELLO x\r\n");
	buffer_vec(&b, 1, text("content-length"));
	buffer_add(&b, "\0\x08\0\0\0\0\0\1\x11\x70\0", 11);
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	buffer_clear(&b);
	for (size_t i = 0; i < 70000; i++)
		buffer_number(&b, 1, 'x');
	carrier_run_feed(&r, 0, bytes_of(b.data, 30000));
	carrier_run_feed(&r, 0, bytes_of(b.data + 30000, 40000));
	assert_false(r.over);
	assert_true(r.memory.peak < 4096);
	buffer_clear(&b);
	add_jxta(&b, "1", LITERAL("ok"));
	carrier_run_feed(&r, 0, buffer_bytes(&b));
	carrier_run_expect(&r, 0, 0, LITERAL("ok"));
	for (int round = 0; round < 2000; round++) {
		struct bytes all;

		at = 44 + random_below(&seed, (uint32_t)b.len - 44);
		b.data[at] ^= (uint8_t)(1 + random_below(&seed, 255));
		all = buffer_bytes(&b);
		carrier_run_feed(&r, 0, all);
		if (round % 16 == 0) {
			carrier_run_end(&r);
			begin_talk(&r, &talks[2]);
			feed_text(&r, 0, "JXTAHELLO x\r\n");
			buffer_clear(&b);
			add_jxta(&b, "1", LITERAL("ok"));
		}
	}
	carrier_run_end(&r);
	buffer_free(&b);
}

static void test_jxta_refuses(void **state)
{
	struct carrier_run r;
	struct buffer b = { 0 };

	(void)state;
	begin_talk(&r, &talks[2]);
	for (int i = 0; i < 200; i++)
		feed_text(&r, 0, "JXTAHELLO without end");
	assert_true(r.over);
	carrier_run_end(&r);
	/* Headers that give no length, and headers without end. */
	for (int headers = 1; headers <= 64; headers += 63) {
		begin_talk(&r, &talks[2]);
		feed_text(&r, 0, "JXTAHELLO x\r\n");
		buffer_clear(&b);
		for (int i = 0; i < headers; i++)
			buffer_add(&b, "\1a\0\0", 4);
		if (headers == 1)
			buffer_number(&b, 1, 0);
		carrier_run_feed(&r, 0, buffer_bytes(&b));
		assert_true(r.over);
		carrier_run_end(&r);
	}
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_not_recognised),
		cmocka_unit_test(test_tds_goes_on_without_tls),
		cmocka_unit_test(test_tds_refuses),
		cmocka_unit_test(test_tds_loses),
		cmocka_unit_test(test_ftp_loses),
		cmocka_unit_test(test_ftp_lines),
		cmocka_unit_test(test_jxta_hostile),
		cmocka_unit_test(test_jxta_refuses),
	};

	return cmocka_run_group_tests(tests, build_talks, free_talks);
}
