/* SPDX-License-Identifier: Apache-2.0 */
/* Built headers: parsed again, and their checksums computed in another way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>

#include "parsers/packet_build.h"
#include "tests/unit/frame.h"

#define PAYLOAD_MAX 70000

static uint8_t payload[PAYLOAD_MAX], whole[PACKET_HEADERS_MAX + PAYLOAD_MAX];

static struct packet packet_of(int version, uint8_t protocol, size_t len)
{
	return (struct packet){
		.src = frame_address(version, 1), .dst = frame_address(version, 2),
		.sport = 40000, .dport = 443, .ip_protocol = protocol, .tcp_flags = TCP_ACK,
		.seq = 0xfffffff0, .ack = 77, .payload = bytes_of(payload, len),
	};
}

/* Builds, and puts the payload behind. Returns the whole packet, empty where there is none. */
static struct bytes build(const struct packet *packet)
{
	size_t len = packet_build_headers(packet, whole);

	if (len)
		memcpy(whole + len, packet->payload.data, packet->payload.len);
	return bytes_of(whole, len ? len + packet->payload.len : 0);
}

/*
 * By remainders: a checksum is right when all 16-bit words, as one large number, are divisible by 65535 (RFC 1071
 * section 1: the sum is that of the residues).
 */
static uint32_t residue(struct bytes in, uint32_t so_far)
{
	size_t i;

	for (i = 0; i < in.len; i++)
		so_far = (so_far + (i % 2 ? in.data[i] : in.data[i] * 256u)) % 65535;
	return so_far;
}

static void assert_checksums(struct bytes in, int version, uint8_t protocol)
{
	size_t ip_len = version == 4 ? 20 : 40;
	struct bytes transport = bytes_of(in.data + ip_len, in.len - ip_len);
	struct bytes addresses = version == 4 ? bytes_of(in.data + 12, 8) : bytes_of(in.data + 8, 32);
	size_t at = protocol == IPPROTO_TCP ? 16 : 6;

	if (version == 4)
		assert_int_equal(residue(bytes_of(in.data, ip_len), 0), 0);
	assert_int_equal(residue(transport, residue(addresses, (uint32_t)(protocol + transport.len) % 65535)), 0);
	/* A sum of residues 0 is also that of a field left empty: never here. */
	assert_true(transport.data[at] || transport.data[at + 1]);
}

static void assert_same(const struct packet *got, const struct packet *want, int version)
{
	assert_int_equal(got->ip_version, version);
	assert_memory_equal(&got->src, &want->src, sizeof(got->src));
	assert_memory_equal(&got->dst, &want->dst, sizeof(got->dst));
	assert_int_equal(got->sport, want->sport);
	assert_int_equal(got->dport, want->dport);
	assert_int_equal(got->payload.len, want->payload.len);
	assert_int_equal(got->payload_cut, want->payload_cut);
	if (want->ip_protocol != IPPROTO_TCP)
		return;
	assert_int_equal(got->seq, want->seq);
	assert_int_equal(got->ack, want->tcp_flags & TCP_ACK ? want->ack : 0);
	assert_int_equal(got->tcp_flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK), want->tcp_flags);
}

static void test_every_kind(void **state)
{
	static const size_t lens[] = { 0, 1, 2, 3, 1460, 4095, 4096, PACKET_BUILD_PAYLOAD_MAX };
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };
	struct packet want, got;
	struct bytes in;
	size_t i;
	int kind;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lens) * 4; i++) {
		kind = i % 2 ? 6 : 4;
		want = packet_of(kind, protocols[i / 2 % 2], lens[i / 4]);
		in = build(&want);
		assert_int_equal(packet_parse_ip(in, in.len, &got),
				 want.ip_protocol == IPPROTO_TCP ? PACKET_TCP : PACKET_UDP);
		assert_same(&got, &want, kind);
		assert_checksums(in, kind, want.ip_protocol);
	}
}

static void test_flags(void **state)
{
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_FIN | TCP_ACK, TCP_RST, TCP_RST | TCP_ACK };
	struct packet want = packet_of(4, IPPROTO_TCP, 0), got;
	struct bytes in;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		want.tcp_flags = flags[i];
		in = build(&want);
		assert_int_equal(packet_parse_ip(in, in.len, &got), PACKET_TCP);
		assert_same(&got, &want, 4);
		assert_checksums(in, 4, IPPROTO_TCP);
	}
}

/* UDP: a sum that comes out as 0 is written as 65535. */
static void test_udp_zero(void **state)
{
	struct packet want = packet_of(4, IPPROTO_UDP, 2);
	struct bytes in;
	uint32_t value, found = 0;

	(void)state;
	for (value = 0; value < 65536; value++) {
		payload[0] = (uint8_t)(value >> 8);
		payload[1] = (uint8_t)value;
		in = build(&want);
		assert_true(in.data[26] || in.data[27]);
		found += in.data[26] == 0xff && in.data[27] == 0xff;
	}
	assert_int_equal(found, 1);
}

static void test_mixed_addresses(void **state)
{
	struct packet want = packet_of(4, IPPROTO_TCP, 10), got;
	struct bytes in;

	(void)state;
	want.dst = frame_address(6, 2);
	in = build(&want);
	assert_int_equal(packet_parse_ip(in, in.len, &got), PACKET_TCP);
	assert_same(&got, &want, 6);
	assert_checksums(in, 6, IPPROTO_TCP);
}

static void test_cut(void **state)
{
	struct packet want = packet_of(6, IPPROTO_UDP, 4096), got;
	struct bytes in;

	(void)state;
	want.payload_cut = 5000;
	in = build(&want);
	assert_int_equal(packet_parse_ip(in, in.len + 5000, &got), PACKET_UDP);
	assert_same(&got, &want, 6);
	assert_true(in.data[46] == 0 && in.data[47] == 0);
}

static const struct { int version; uint8_t protocol; size_t most; } limits[] = {
	{ 4, IPPROTO_TCP, 65535 - 40 }, { 4, IPPROTO_UDP, 65535 - 28 },
	{ 6, IPPROTO_TCP, 65535 - 20 }, { 6, IPPROTO_UDP, 65535 - 8 },
};

static void test_limits(void **state)
{
	struct packet p, got;
	struct bytes in;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		p = packet_of(limits[i].version, limits[i].protocol, limits[i].most);
		in = build(&p);
		assert_true(packet_parse_ip(in, in.len, &got) <= PACKET_UDP);
		assert_int_equal(got.payload.len, limits[i].most);
		assert_checksums(in, limits[i].version, limits[i].protocol);
		p.payload.len++;
		assert_int_equal(build(&p).len, 0);
		p.payload.len = 100;
		p.payload_cut = (uint32_t)limits[i].most - 99;
		assert_int_equal(build(&p).len, 0);
		p.payload_cut = UINT32_MAX;
		assert_int_equal(build(&p).len, 0);
	}
}

static void test_refused(void **state)
{
	static const uint8_t mac[MAC_LEN] = { 2 };
	struct packet p = packet_of(4, IPPROTO_SCTP, 10);

	(void)state;
	assert_int_equal(build(&p).len, 0);
	p = packet_of(4, IPPROTO_TCP, 10);
	p.src = ip_address_of_mac(mac);
	assert_int_equal(build(&p).len, 0);
}

static int fill(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 37 + i / 251);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_kind, fill),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_mixed_addresses),
		cmocka_unit_test(test_cut),
		cmocka_unit_test_setup(test_limits, fill),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
