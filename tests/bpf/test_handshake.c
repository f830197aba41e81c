/* SPDX-License-Identifier: Apache-2.0 */
/* What goes up and where it stops: the flow rules of bpf/flow.bpf.h and bpf/walk.bpf.h. */
#include "tests/bpf/rig.h"
#include "tests/bpf/messages.h"

static uint8_t got[16384];

static void expect_stream(const struct rig_conn *c, bool from_client,
			  const struct message_stream *s, size_t len)
{
	assert_int_equal(rig_received(c, from_client, got, sizeof(got)), len);
	assert_memory_equal(got, s->data, len);
}

static void send_hello(const struct rig_conn *c)
{
	struct message_stream s = { .len = 0 };

	put_message(&s, 1, 180);
	rig_segment(c, true, 0, s.data, s.len, TCP_ACK);
}

static void test_tls12(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	size_t clear;

	(void)state;
	rig_begin();
	c = rig_conn_new();
	send_hello(&c);
	put_flight(&s, 2900);
	put_message(&s, 4, 150);
	put_cipher_spec(&s);
	clear = s.len;
	put_record(&s, 22, 40);                 /* Finished, encrypted */
	put_record(&s, 23, 2000);
	rig_stream(&c, false, s.data, s.len, 1000);
	expect_stream(&c, false, &s, clear);
	rig_expect_end(&c, false, EVENT_REASON_RECORD, (uint32_t)clear);
	assert_int_equal(rig.events[1].head.start_seq, c.server_seq);
	assert_true(rig.events[1].head.flags & EVENT_START_KNOWN);
	assert_true(rig.events[1].head.flags & EVENT_ACK);
	assert_int_equal(rig.events[1].head.wire_len, 1000);
}

/* Behind the header of the first protected record: its length may tell an alert. */
static void test_tls13_stops_after_hello(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };

	(void)state;
	rig_begin();
	c = rig_conn_new();
	send_hello(&c);
	put_message(&s, 2, 118);
	put_cipher_spec(&s);
	put_record(&s, 23, 1500);
	rig_stream(&c, false, s.data, s.len, 2900);
	expect_stream(&c, false, &s, 5 + 4 + 118 + 6 + 5);
	rig_expect_end(&c, false, EVENT_REASON_RECORD, 5 + 4 + 118 + 6 + 5);
}

/* HelloRetryRequest: both sides say hello twice, with a ChangeCipherSpec between. */
static void test_second_hello(void **state)
{
	struct rig_conn c;
	struct message_stream client = { .len = 0 }, server = { .len = 0 };
	size_t client_first, server_first, clear;

	(void)state;
	rig_begin();
	c = rig_conn_new();
	put_message(&client, 1, 180);
	client_first = client.len;
	put_cipher_spec(&client);
	put_message(&client, 1, 220);
	put_message(&server, 2, 84);
	put_cipher_spec(&server);
	server_first = server.len;
	put_message(&server, 2, 118);
	clear = server.len + 5;                 /* with the protected record's header */
	put_record(&server, 23, 300);
	rig_segment(&c, true, 0, client.data, client_first, TCP_ACK);
	rig_segment(&c, false, 0, server.data, server_first, TCP_ACK);
	rig_segment(&c, true, (uint32_t)client_first, client.data + client_first,
		    client.len - client_first, TCP_ACK);
	rig_segment(&c, false, (uint32_t)server_first, server.data + server_first,
		    server.len - server_first, TCP_ACK);
	expect_stream(&c, true, &client, client.len);
	expect_stream(&c, false, &server, clear);
	rig_expect_end(&c, false, EVENT_REASON_RECORD, (uint32_t)clear);
}

/* certtap began in the middle of the handshake. */
static void test_opened_late(void **state)
{
	static const size_t skipped[] = { 0, 79 /* the ServerHello */ };

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(skipped); i++) {
		struct rig_conn c = rig_conn_new();
		struct message_stream s = { .len = 0 };

		put_flight(&s, 2000);
		c.server_seq -= (uint32_t)skipped[i];
		for (size_t at = skipped[i]; at < s.len; at += 500)
			rig_segment(&c, false, (uint32_t)at, s.data + at,
				    s.len - at < 500 ? s.len - at : 500, TCP_ACK);
		assert_int_equal(rig_received(&c, false, got, sizeof(got)), s.len);
		assert_memory_equal(got + skipped[i], s.data + skipped[i], s.len - skipped[i]);
		assert_int_equal(rig.events[rig.num_events - 1].head.flags & EVENT_START_KNOWN,
				 skipped[i] ? 0 : EVENT_START_KNOWN);
	}
}

/* Who refused: an alert in clear goes up, an encrypted one does not. */
static void test_alerts(void **state)
{
	struct rig_conn c;
	struct message_stream clear = { .len = 0 }, encrypted = { .len = 0 };

	(void)state;
	rig_begin();
	c = rig_conn_new();
	put_message(&clear, 1, 180);
	put_bytes(&clear, "\x15\x03\x03\x00\x02\x02\x2d", 7);
	rig_stream(&c, true, clear.data, clear.len, 100);
	expect_stream(&c, true, &clear, clear.len);

	c = rig_conn_new();
	put_message(&encrypted, 1, 180);
	put_record(&encrypted, 21, 26);
	rig_stream(&c, true, encrypted.data, encrypted.len, 100);
	expect_stream(&c, true, &encrypted, 5 + 4 + 180);
	rig_expect_end(&c, true, EVENT_REASON_RECORD, 5 + 4 + 180);
}

static void test_any_order(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	size_t mss = 700, num;

	(void)state;
	rig_begin();
	put_flight(&s, 4000);
	num = (s.len + mss - 1) / mss;
	for (size_t stride = 1; stride < num; stride++) {
		c = rig_conn_new();
		send_hello(&c);
		/* Every stride'th segment, from the last one down, then the others. */
		for (size_t from = 0; from < stride; from++)
			for (size_t i = num; i-- > 0;)
				if (i % stride == from)
					rig_segment(&c, false, (uint32_t)(i * mss), s.data + i * mss,
						    s.len - i * mss < mss ? s.len - i * mss : mss,
						    TCP_ACK);
		expect_stream(&c, false, &s, s.len);
	}
}

static void test_duplicates(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	unsigned int before;

	(void)state;
	rig_begin();
	c = rig_conn_new();
	send_hello(&c);
	put_flight(&s, 2500);
	rig_stream(&c, false, s.data, s.len, 800);
	rig_drain();
	before = rig.num_events;
	rig_stream(&c, false, s.data, s.len, 500);
	send_hello(&c);
	rig_drain();
	assert_int_equal(rig.num_events, before);

	/* An overlap is trimmed to what is new. */
	c = rig_conn_new();
	send_hello(&c);
	rig_segment(&c, false, 0, s.data, 1000, TCP_ACK);
	rig_segment(&c, false, 600, s.data + 600, 1000, TCP_ACK);
	expect_stream(&c, false, &s, 1600);
	assert_int_equal(rig.events[rig.num_events - 1].head.cap_len, 600);
	assert_int_equal(rig.events[rig.num_events - 1].head.seq, c.server_seq + 1000);
}

/* Tiny segments: no hello is ever seen whole, every record header is cut. */
static void test_tiny_segments(void **state)
{
	static const size_t sizes[] = { 1, 2, 3, 4, 7, 10, 13 };

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct rig_conn c = rig_conn_new();
		struct message_stream s = { .len = 0 };
		size_t clear;

		put_flight(&s, 300);
		put_cipher_spec(&s);
		clear = s.len;
		put_record(&s, 22, 40);
		put_record(&s, 23, 100);
		rig.num_events = 0;
		rig_stream(&c, false, s.data, s.len, sizes[i]);
		/* The encrypted Finished may come up: whether it is a hello could not be seen. */
		assert_in_range(rig_received(&c, false, got, sizeof(got)), clear, clear + 50);
		assert_memory_equal(got, s.data, clear);
		assert_non_null(rig_end(&c, false));
	}
}

static void test_syn_with_data(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };

	(void)state;
	rig_begin();
	c = rig_conn_new();
	put_message(&s, 1, 180);
	rig_segment(&c, true, (uint32_t)-1, s.data, s.len, TCP_SYN);
	expect_stream(&c, true, &s, s.len);
	assert_false(rig.events[0].head.flags & EVENT_ACK);
}

/* TLS offered in an SSLv2 hello; the server answers in TLS, or, to SSLv2 itself, in its own way. */
static void test_sslv2_hello(void **state)
{
	static const uint8_t lengths[] = { 0, 6, 0, 0, 0, 16 };

	(void)state;
	rig_begin();
	for (int tls = 0; tls < 2; tls++) {
		struct rig_conn c = rig_conn_new();
		struct message_stream hello = { .len = 0 }, s = { .len = 0 };
		uint8_t head[] = { 0x80, 9 + 6 + 16, 1, tls ? 3 : 0, tls ? 1 : 2 };

		put_bytes(&hello, head, sizeof(head));
		put_bytes(&hello, lengths, sizeof(lengths));
		put_bytes(&hello, "ciphers challenge.....", 22);
		rig_segment(&c, true, 0, hello.data, hello.len, TCP_ACK);
		if (tls)
			put_flight(&s, 1500);
		else
			put_bytes(&s, "\x84\x00\x04\x00\x01\x00\x02", 7);
		s.len = tls ? s.len : 1026;
		rig_stream(&c, false, s.data, s.len, 600);
		expect_stream(&c, true, &hello, hello.len);
		expect_stream(&c, false, &s, s.len);
	}
}

/* What a server says in clear after the ClientHello was sent already, before its records. */
static void test_preamble(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };

	(void)state;
	rig_begin();
	c = rig_conn_new();
	send_hello(&c);
	put_bytes(&s, "220 ready\r\n", 11);
	rig_segment(&c, false, 0, s.data, s.len, TCP_ACK);
	put_flight(&s, 1500);
	for (size_t at = 11; at < s.len; at += 400)
		rig_segment(&c, false, (uint32_t)at, s.data + at, s.len - at < 400 ? s.len - at : 400,
			    TCP_ACK);
	expect_stream(&c, false, &s, s.len);

	/* A server that never comes to speak TLS is left alone soon. */
	c = rig_conn_new();
	send_hello(&c);
	memset(s.data, 'x', sizeof(s.data));
	rig_stream(&c, false, s.data, 6000, 400);
	assert_in_range(rig_received(&c, false, got, sizeof(got)), 1024, 1500);
	assert_non_null(rig_end(&c, false));
}

static void test_closed(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	const struct event *e;

	(void)state;
	rig_begin();
	put_flight(&s, 1500);

	/* A FIN before what it follows: the end waits for the rest. */
	c = rig_conn_new();
	send_hello(&c);
	rig_segment(&c, false, 1000, s.data + 1000, s.len - 1000, TCP_ACK | TCP_FIN);
	assert_null(rig_end(&c, false));
	rig_segment(&c, false, 0, s.data, 1000, TCP_ACK);
	expect_stream(&c, false, &s, s.len);
	rig_expect_end(&c, false, EVENT_REASON_FIN, (uint32_t)s.len);
	assert_true(rig_end(&c, false)->flags & EVENT_FIN);

	/* A reset by the client ends both; a forged one, far from the window, ends nothing. */
	c = rig_conn_new();
	send_hello(&c);
	rig_segment(&c, false, 0, s.data, 1000, TCP_ACK);
	rig_segment(&c, true, 0x10000000, NULL, 0, TCP_RST);
	assert_null(rig_end(&c, true));
	rig_segment(&c, true, 189, NULL, 0, TCP_RST);
	rig_expect_end(&c, true, EVENT_REASON_RST, 189);
	assert_true(rig_end(&c, true)->flags & EVENT_RST);
	e = rig_end(&c, false);
	assert_non_null(e);
	assert_int_equal(e->reason, EVENT_REASON_NONE);
	assert_int_equal(e->sport, 9808);
	assert_int_equal(e->seq, c.server_seq + 1000);
}

static void test_budget(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	uint64_t cut = 0;

	(void)state;
	rig_begin();
	cut = RIG_COUNTER(budget_cut);
	c = rig_conn_new();
	send_hello(&c);
	put_flight(&s, 15000);
	rig_stream(&c, false, s.data, s.len, 1300);
	expect_stream(&c, false, &s, RIG_SERVER_BUDGET);
	rig_expect_end(&c, false, EVENT_REASON_BUDGET, RIG_SERVER_BUDGET);
	assert_int_equal(RIG_COUNTER(budget_cut), cut + 1);
}

/* The same ports again, with another handshake. */
static void test_tuple_used_again(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	uint64_t first_id;

	(void)state;
	rig_begin();
	put_flight(&s, 900);
	c = rig_conn_new();
	send_hello(&c);
	rig_stream(&c, false, s.data, s.len, 600);
	expect_stream(&c, false, &s, s.len);
	first_id = rig.events[1].head.flow_id;
	c.client_seq += 0x01000000;
	c.server_seq += 0x02000000;
	rig.num_events = 0;
	send_hello(&c);
	rig_stream(&c, false, s.data, s.len, 600);
	expect_stream(&c, false, &s, s.len);
	assert_true(rig.events[1].head.flow_id != first_id);
}

/* Nothing but handshakes goes up. */
static void test_other_traffic(void **state)
{
	static const struct { const char *data; size_t len; } others[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27 },
		{ "\x16\x03\x01\x00\x10\x05\x00\x00\x0c\x03\x03", 11 },   /* no such message */
		{ "\x16\x03\x05\x00\x80\x01\x00\x00\x7c\x03\x03", 11 },   /* no such version */
		{ "\x16\x03\x01\x7f\xff\x01\x00\x00\x7c\x03\x03", 11 },   /* too long a record */
		{ "\x16\x03\x01\x00\x80\x0b\x00\x10\x00\x00\xff", 11 },   /* lengths disagree */
		{ "\x17\x03\x03\x00\x20\x01\x00\x00\x1c\x03\x03", 11 },
		{ "\x80\x2e\x01\x03\x01\x00\x14\x00\x00\x00\x10", 11 },   /* ciphers not by threes */
		{ "\x15", 1 }, { "\x16\x04", 2 }, { "\x16\x03\x01\x00\x20\x05", 6 },
	};

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct rig_conn c = rig_conn_new();

		rig_segment(&c, true, 0, others[i].data, others[i].len, TCP_ACK);
		rig_drain();
		assert_int_equal(rig.num_events, 0);
	}
}

/* The ring is full: the direction is lost, that is told as soon as there is room, and counted. */
static void test_ring_full(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	uint64_t untold;

	(void)state;
	rig_begin();
	untold = RIG_COUNTER(ends_lost);
	put_flight(&s, 7000);
	do {
		c = rig_conn_new();
		send_hello(&c);
		/* Without draining: even the word that something was lost must not fit in the end. */
		for (size_t at = 0; at < s.len; at += 2900)
			rig_segment(&c, false, (uint32_t)at, s.data + at,
				    s.len - at < 2900 ? s.len - at : 2900, TCP_ACK);
	} while (RIG_COUNTER(ends_lost) == untold);
	rig_drain();
	rig.num_events = 0;
	rig_segment(&c, false, (uint32_t)s.len, "more", 4, TCP_ACK);
	assert_int_equal(rig_received(&c, false, got, sizeof(got)), 0);
	assert_non_null(rig_end(&c, false));
	assert_int_equal(rig_end(&c, false)->reason, EVENT_REASON_LOST);
	assert_int_equal(RIG_COUNTER(pieces),
			 RIG_COUNTER(pieces_delivered) + RIG_COUNTER(pieces_lost));
	assert_true(RIG_COUNTER(bytes_lost) > 0);
}

/* Words of loss that did not fit are counted until they are told, at either direction's next packet. */
static void test_loss_untold(void **state)
{
	struct rig_conn first, c;
	struct message_stream hello = { .len = 0 }, s = { .len = 0 };
	uint64_t before, lost, told = 0;

	(void)state;
	rig_begin();
	before = RIG_COUNTER(flows_untold);
	lost = RIG_COUNTER(flows_lost);
	put_message(&hello, 1, 180);
	put_flight(&s, 7000);
	/* Fill it to the last byte: with large pieces, then with the word of a loss. */
	do {
		first = rig_conn_new();
		send_hello(&first);
		rig_segment(&first, false, 0, s.data, 2900, TCP_ACK);
	} while (RIG_COUNTER(flows_untold) == before);
	/* Nothing of this connection comes up. */
	c = rig_conn_new();
	send_hello(&c);
	rig_segment(&c, false, 0, s.data, 2900, TCP_ACK);
	assert_true(RIG_COUNTER(flows_untold) - before >= 3);
	/* Each direction with loss was told, or is counted. */
	rig_drain();
	for (unsigned int i = 0; i < rig.num_events; i++)
		told += rig.events[i].head.kind == EVENT_END && rig.events[i].head.reason == EVENT_REASON_LOST;
	assert_int_equal(told + RIG_COUNTER(flows_untold) - before, RIG_COUNTER(flows_lost) - lost);
	rig.num_events = 0;
	/* One packet, of one direction: both are told. */
	before = RIG_COUNTER(flows_untold);
	rig_segment(&c, false, 2900, s.data + 2900, 100, TCP_ACK);
	assert_int_equal(RIG_COUNTER(flows_untold), before - 2);
	assert_int_equal(rig_end(&c, false)->reason, EVENT_REASON_LOST);
	assert_int_equal(rig_end(&c, true)->reason, EVENT_REASON_LOST);
	/* A reset tells the same. */
	rig_segment(&first, false, 2900, NULL, 0, TCP_RST | TCP_ACK);
	assert_int_equal(rig_end(&first, false)->reason, EVENT_REASON_LOST);
}

/* Without a socket: only where both SYNs were seen, and nothing since, it is known that nothing was said before. */
static void test_late(void **state)
{
	static const struct { bool syn, answer, words, late; } cases[] = {
		{ true, true, false, false },
		{ true, true, true, true },
		{ false, false, false, true },
		{ true, false, false, true },
		{ false, true, false, true },
	};
	struct rig_conn c;

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		c = rig_conn_new();
		if (cases[i].syn)
			rig_segment(&c, true, (uint32_t)-1, NULL, 0, TCP_SYN);
		if (cases[i].answer)
			rig_segment(&c, false, (uint32_t)-1, NULL, 0, TCP_SYN | TCP_ACK);
		if (cases[i].words) {
			rig_segment(&c, false, 0, "220 mx\r\n", 8, TCP_ACK);
			c.server_seq += 8;
		}
		send_hello(&c);
		rig_drain();
		assert_int_equal(rig.num_events, 1);
		assert_int_equal(rig.events[0].head.flags & EVENT_LATE ? 1 : 0, cases[i].late);
		rig.num_events = 0;
	}
}

/* When all directions have ended, the filter in front of the table is empty again. */
static void test_buckets_balance(void **state)
{
	struct rig_conn c;
	struct message_stream s = { .len = 0 };
	uint64_t open;

	(void)state;
	rig_begin();
	open = RIG_COUNTER(flows_opened) - RIG_COUNTER(flows_ended);
	put_flight(&s, 1000);
	for (int i = 0; i < 200; i++) {
		c = rig_conn_new();
		send_hello(&c);
		rig_stream(&c, false, s.data, s.len, 600);
		rig_segment(&c, true, 189, NULL, 0, TCP_ACK | TCP_FIN);
		rig_segment(&c, false, (uint32_t)s.len, NULL, 0, TCP_ACK | TCP_FIN);
		rig_drain();
		rig.num_events = 0;
	}
	assert_int_equal(RIG_COUNTER(flows_opened) - RIG_COUNTER(flows_ended), open);
	for (size_t i = 0; i < ARRAY_SIZE(rig.skel->bss->bucket_live); i++)
		open -= rig.skel->bss->bucket_live[i];
	assert_int_equal(open, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls12),
		cmocka_unit_test(test_tls13_stops_after_hello),
		cmocka_unit_test(test_second_hello),
		cmocka_unit_test(test_opened_late),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_tiny_segments),
		cmocka_unit_test(test_syn_with_data),
		cmocka_unit_test(test_sslv2_hello),
		cmocka_unit_test(test_preamble),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_tuple_used_again),
		cmocka_unit_test(test_other_traffic),
		cmocka_unit_test(test_ring_full),
		cmocka_unit_test(test_loss_untold),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_buckets_balance),
	};

	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
