/* SPDX-License-Identifier: Apache-2.0 */
/* Protocols that wrap TLS in a framing (bpf/carrier.bpf.h): what goes up of them, and what does not. */
#include "tests/bpf/rig.h"
#include "tests/bpf/messages.h"

#define DTLS "\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x40"
#define STUN(type, len) "\0" type "\0" len "\x21\x12\xa4\x42tttttttttttt"
#define PEER "\0\x12\0\x08\0\1\1\2\3\4\5\6"
#define AUTHENTICATOR "aaaaaaaaaaaaaaaa"
#define SIGNED "\x50\x12ssssssssssssssss"
#define EAP "\x4f\x08\2\1\0\6\x0d\0"
#define SESSION "\1\2\3\4\5\6\7\x08"
#define HMAC_SHA1 "hhhhhhhhhhhhhhhhhhhh"
#define REPLAY "\0\0\0\1\x65\0\0\0"

static uint8_t got[16384];

/* From either end; returns how many events came of it. */
static unsigned int datagram(const struct rig_conn *c, bool from_client, const void *data, size_t len)
{
	uint8_t frame[RIG_FRAME_MAX], *p = rig_ipv4(frame, from_client, IPPROTO_UDP, 8 + len);

	rig_drain();
	rig.num_events = 0;
	p = rig_put16(p, from_client ? c->client_port : 9808);
	p = rig_put16(p, from_client ? 9808 : c->client_port);
	p = rig_put(rig_put16(p, (uint16_t)(8 + len)), "\0", 2);
	rig_run(frame, (size_t)(rig_put(p, data, len) - frame));
	rig_drain();
	return rig.num_events;
}

struct sample {
	const char *name, *data;
	size_t len;
	enum { NOT, ANY, WHOLE } wanted; /* the last: not if it is cut */
};
#define BYTES(text) text, sizeof(text) - 1

static const struct sample samples[] = {
	{ "channel data", BYTES("\x40\1\0\x0d" DTLS), ANY },
	{ "channel data, padded", BYTES("\x40\1\0\x0d" DTLS "\0\0\0"), ANY },
	{ "channel data, more than padded", BYTES("\x40\1\0\x0d" DTLS "\0\0\0\0"), NOT },
	{ "channel data with RTP", BYTES("\x40\1\0\x0d\x80\0\1\2\3\4\5\6\7\x08\x09\0\1"), NOT },
	{ "a send indication", BYTES(STUN("\x16", "\x20") PEER "\0\x13\0\x0d" DTLS "\0\0\0"), WHOLE },
	{ "a data indication", BYTES(STUN("\x17", "\x20") PEER "\0\x13\0\x0d" DTLS "\0\0\0"), WHOLE },
	{ "a data indication with RTP",
	  BYTES(STUN("\x17", "\x20") PEER "\0\x13\0\x0d\x80\0\1\2\3\4\5\6\7\x08\x09\0\1\0\0\0"),
	  NOT },
	{ "a data indication that says too much", BYTES(STUN("\x17", "\x20") PEER "\0\x13\1\x0d" DTLS "\0\0\0"), NOT },
	{ "a binding request", BYTES(STUN("\1", "\x0c") PEER), NOT },
	{ "a binding request with DTLS",
	  BYTES("\0\1\0\x14\x21\x12\xa4\x42tttttttttttt\xc0\x70\0\x0d" DTLS "\0\0\0"), WHOLE },
	{ "capwap", BYTES("\1\0\0\0" DTLS), ANY },
	{ "capwap in clear", BYTES("\1\0\0\0\0\x10\2\0\0\0\0\0\0\0\0\0"), NOT },
	{ "radius with EAP", BYTES("\1\7\0\x2e" AUTHENTICATOR EAP SIGNED), WHOLE },
	{ "a challenge", BYTES("\x0b\7\0\x2e" AUTHENTICATOR EAP SIGNED), WHOLE },
	{ "radius, not signed", BYTES("\1\7\0\x1c" AUTHENTICATOR EAP), NOT },
	{ "radius without EAP", BYTES("\1\7\0\x26" AUTHENTICATOR SIGNED), NOT },
	{ "radius with a password", BYTES("\1\7\0\x38" AUTHENTICATOR "\2\x12pppppppppppppppp" SIGNED), NOT },
	{ "radius that is longer than it says", BYTES("\1\7\0\x2e" AUTHENTICATOR EAP SIGNED "x"), NOT },
	{ "radius, an attribute without length", BYTES("\1\7\0\x30" AUTHENTICATOR EAP SIGNED "\1\0"), NOT },
	{ "accounting", BYTES("\4\7\0\x2e" AUTHENTICATOR EAP SIGNED), NOT },
	{ "openvpn: a reset", BYTES("\x38" SESSION "\0\0\0\0\0"), WHOLE },
	{ "openvpn: the answer to it", BYTES("\x40" SESSION "\1\0\0\0\0" SESSION "\0\0\0\0"), WHOLE },
	{ "openvpn: with an HMAC", BYTES("\x38" SESSION HMAC_SHA1 REPLAY "\0\0\0\0\0"), WHOLE },
	{ "openvpn: another key", BYTES("\x39" SESSION "\0\0\0\0\0"), NOT },
	{ "openvpn: no session", BYTES("\x38\0\0\0\0\0\0\0\0\0\0\0\0\0"), NOT },
	{ "openvpn: something behind it", BYTES("\x38" SESSION "\0\0\0\0\0\0"), NOT },
	{ "openvpn: a later message", BYTES("\x38" SESSION "\0\0\0\0\1"), NOT },
	{ "openvpn: encrypted",
	  BYTES("\x38" SESSION REPLAY "\x91\x0e\x55\x1c\x37\xf0\x81\x9c\x2e\x6a\x48\xd3\x12\xbb\xc4\x70"
	  "\x5d\x08\xe2\x36\x7b\x94\xaf\x1d\x63\xc8\x0b\xf5\x29\x86\xd7\x4e" "\x3c\xa1\x75\x12\x99"), NOT },
	{ "openvpn: data", BYTES("\x30" SESSION "\0\0\0\0\0"), NOT },
	{ "dns", BYTES("\x38\7\1\0\0\1\0\0\0\0\0\0\3www\7example\0\0\1\0\1"), NOT },
	{ "rtp", BYTES("\x80\0\1\2\0\0\0\1\0\0\0\2payload"), NOT },
};

static void test_datagrams(void **state)
{
	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *s = &samples[i];
		struct rig_conn c = rig_conn_new();

		if (datagram(&c, true, s->data, s->len) != (s->wanted != NOT))
			fail_msg("%s", s->name);
		for (size_t len = 0; s->wanted == WHOLE && len < s->len; len++)
			if (datagram(&c, true, s->data, len))
				fail_msg("%s, its first %zu bytes", s->name, len);
	}
}

/* Control packets, between ends that began a session; within bounds. */
static void test_openvpn_session(void **state)
{
	static const char reset[] = "\x38" SESSION "\0\0\0\0\0";
	uint8_t control[1200] = "\x20" SESSION "\0\0\0\0\1\x16\3\1", data[1200] = "\x30" SESSION;
	struct rig_conn c, other;
	unsigned int both = 0;
	uint64_t cut;

	(void)state;
	rig_begin();
	c = rig_conn_new();
	other = rig_conn_new();
	assert_int_equal(datagram(&c, true, control, sizeof(control)), 0);
	assert_int_equal(datagram(&c, true, reset, 14), 1);
	assert_int_equal(datagram(&c, true, control, sizeof(control)), 1);
	assert_int_equal(datagram(&c, false, control, sizeof(control)), 1);
	assert_int_equal(datagram(&c, true, data, sizeof(data)), 0);
	assert_int_equal(datagram(&other, true, control, sizeof(control)), 0);
	cut = RIG_COUNTER(budget_cut);
	for (unsigned int i = 0; i < 100; i++)
		both += datagram(&c, false, control, sizeof(control));
	assert_int_equal(both, (64 << 10) / sizeof(control) - 1);
	assert_int_equal(RIG_COUNTER(budget_cut), cut + 1);
	/* The session begins anew. */
	assert_int_equal(datagram(&c, false, reset, 14), 1);
	assert_int_equal(datagram(&c, false, control, sizeof(control)), 1);
}

/* One direction of a conversation in a framing: what is sent, and how much of it goes up. */
static void run(const void *first, size_t first_len, bool from_client, const struct message_stream *s, size_t up,
		size_t mss)
{
	struct rig_conn c = rig_conn_new();

	rig.num_events = 0;
	rig_segment(&c, true, 0, first, first_len, TCP_ACK);
	if (from_client) {
		for (size_t at = first_len; at < s->len; at += mss) {
			rig_segment(&c, true, (uint32_t)at, s->data + at, s->len - at < mss ? s->len - at : mss,
				    TCP_ACK);
			rig_drain();
		}
	} else {
		rig_stream(&c, false, s->data, s->len, mss);
	}
	/* Of a header that comes in pieces, the first ones may come up: what it is could not be seen. */
	assert_in_range(rig_received(&c, from_client, got, sizeof(got)), up, up + 4);
	assert_memory_equal(got, s->data, up);
	assert_non_null(rig_end(&c, from_client));
	assert_int_equal(rig_end(&c, from_client)->reason, EVENT_REASON_RECORD);
}

#define PRELOGIN "\x12\1\0\x1a\0\0\1\0\0\0\x0b\0\6\1\0\x11\0\1\xff\x10\0\0\0\0\0\1"

static void put_tds(struct message_stream *s, uint8_t type, size_t len)
{
	uint8_t header[] = { type, 1, (uint8_t)((len + 8) >> 8), (uint8_t)(len + 8), 0, 0, 1, 0 };

	put_bytes(s, header, sizeof(header));
	for (size_t i = 0; i < len; i++)
		s->data[s->len++] = (uint8_t)(0x80 + i % 97);
}

/* The handshake, to where the records go on bare; and where there is none, nothing of the login. */
static void test_tds(void **state)
{
	static const size_t sizes[] = { 1, 3, 7, 500, 1460 };
	struct message_stream client = { .len = 0 }, server = { .len = 0 }, login = { .len = 0 };
	size_t clear, clear_server;

	(void)state;
	rig_begin();
	put_bytes(&client, PRELOGIN, 26);
	put_tds(&client, 0x12, 200);
	put_tds(&client, 0x12, 90);
	put_record(&client, 23, 400);
	clear = 26 + 208 + 98 + 5;
	put_tds(&server, 0x04, 30);
	put_tds(&server, 0x12, 2500);
	put_tds(&server, 0x12, 60);
	clear_server = server.len;
	put_tds(&server, 0x04, 700);            /* encryption was for the login only */
	put_bytes(&login, PRELOGIN, 26);
	put_tds(&login, 0x10, 200);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		run(PRELOGIN, 26, true, &client, clear, sizes[i]);
		run(PRELOGIN, 26, false, &server, clear_server, sizes[i]);
		run(PRELOGIN, 26, true, &login, 26, sizes[i]);
	}
}

static void put_openvpn(struct message_stream *s, uint8_t opcode, size_t len)
{
	uint8_t header[] = { (uint8_t)(len >> 8), (uint8_t)len, (uint8_t)(opcode << 3) };

	put_bytes(s, header, sizeof(header));
	for (size_t i = 1; i < len; i++)
		s->data[s->len++] = (uint8_t)(0x80 + i % 97);
}

static void test_openvpn_tcp(void **state)
{
	static const size_t sizes[] = { 1, 2, 5, 700, 1460 };
	static const char reset[] = "\0\x0e\x38" SESSION "\0\0\0\0\0";
	struct message_stream client = { .len = 0 }, server = { .len = 0 };
	size_t clear, clear_server;

	(void)state;
	rig_begin();
	put_bytes(&client, reset, 16);
	put_openvpn(&client, 4, 190);
	put_openvpn(&client, 5, 26);
	clear = client.len;
	put_openvpn(&client, 9, 400);
	put_openvpn(&server, 8, 26);
	put_openvpn(&server, 4, 1250);
	put_openvpn(&server, 4, 900);
	clear_server = server.len;
	put_openvpn(&server, 6, 100);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		run(reset, 16, true, &client, clear, sizes[i]);
		run(reset, 16, false, &server, clear_server, sizes[i]);
	}
}

/* Tokens, and no password that is said behind them. */
static void test_ftp_tokens(void **state)
{
	static const char auth[] = "AUTH GSSAPI\r\n";
	struct rig_conn c;
	struct message_stream client = { .len = 0 };
	size_t token;

	(void)state;
	rig_begin();
	c = rig_conn_new();
	put_bytes(&client, auth, 13);
	put_bytes(&client, "ADAT ", 5);
	for (size_t i = 0; i < 2000; i++)
		put_bytes(&client, "F", 1);
	put_bytes(&client, "\r\n", 2);
	token = client.len;
	put_bytes(&client, "PASS secret\r\n", 13);
	rig_segment(&c, true, 0, auth, 13, TCP_ACK);
	rig_segment(&c, false, 0, "334 go on\r\n", 11, TCP_ACK);
	rig_segment(&c, true, 13, client.data + 13, 1460, TCP_ACK);
	rig_segment(&c, true, 1473, client.data + 1473, token - 1473, TCP_ACK);
	rig_segment(&c, false, 11, "235 ADAT=F", 10, TCP_ACK);
	rig_segment(&c, false, 21, "FF\r\n", 4, TCP_ACK);
	rig_segment(&c, true, (uint32_t)token, client.data + token, 13, TCP_ACK);
	rig_segment(&c, false, 25, "331 and now\r\n", 13, TCP_ACK);
	assert_int_equal(rig_received(&c, true, got, sizeof(got)), token);
	assert_memory_equal(got, client.data, token);
	rig_expect_end(&c, true, EVENT_REASON_RECORD, (uint32_t)token);
	assert_int_equal(rig_received(&c, false, got, sizeof(got)), 25);
	rig_expect_end(&c, false, EVENT_REASON_RECORD, 25);
}

/* The mechanism is refused, and TLS itself asked for: that is found as on any connection. */
static void test_ftp_goes_on(void **state)
{
	struct rig_conn c, tls;
	struct message_stream client = { .len = 0 }, server = { .len = 0 };

	(void)state;
	rig_begin();
	c = rig_conn_new();
	tls = (struct rig_conn){ .client_port = c.client_port, .client_seq = c.client_seq + 23,
				 .server_seq = c.server_seq + 24 };
	put_message(&client, 1, 180);
	put_flight(&server, 2900);
	rig_segment(&c, true, 0, "AUTH GSSAPI\r\n", 13, TCP_ACK);
	rig_segment(&c, false, 0, "504 unknown\r\n", 13, TCP_ACK);
	c.server_seq += 13;
	rig_segment(&c, true, 13, "AUTH TLS\r\n", 10, TCP_ACK);
	rig_segment(&c, false, 0, "234 go on\r\n", 11, TCP_ACK);
	rig_drain();
	rig.num_events = 0;
	rig_segment(&tls, true, 0, client.data, client.len, TCP_ACK);
	rig_stream(&tls, false, server.data, server.len, 700);
	assert_int_equal(rig_received(&tls, true, got, sizeof(got)), client.len);
	assert_int_equal(rig_received(&tls, false, got, sizeof(got)), server.len);
	assert_memory_equal(got, server.data, server.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_openvpn_session),
		cmocka_unit_test(test_tds),
		cmocka_unit_test(test_openvpn_tcp),
		cmocka_unit_test(test_ftp_tokens),
		cmocka_unit_test(test_ftp_goes_on),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
