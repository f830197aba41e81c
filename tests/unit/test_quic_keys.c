/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of RFC 9001 appendix A and RFC 9369 appendix A; packet headers; packet numbers. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/hex.h"
#include "tests/unit/quic_seal.h"

#define DCID "\x83\x94\xc8\xf0\x3e\x51\x57\x08"

static struct quic_crypto *crypto;

static int setup(void **state)
{
	(void)state;
	crypto = quic_crypto_new();
	return crypto ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	quic_crypto_free(crypto);
	return 0;
}

static const struct initial_case {
	uint32_t version;
	enum quic_role role;
	const char *key, *iv, *hp;
} initial_cases[] = {
	/* RFC 9001 appendix A.1 */
	{ QUIC_V1, QUIC_CLIENT, "1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c",
	  "9f50449e04a0e810283a1e9933adedd2" },
	{ QUIC_V1, QUIC_SERVER, "cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e",
	  "c206b8d9b9f0f37644430b490eeaa314" },
	/* RFC 9369 appendix A.1 */
	{ QUIC_V2, QUIC_CLIENT, "8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f",
	  "45b95e15235d6f45a6b19cbcb0294ba9" },
	{ QUIC_V2, QUIC_SERVER, "82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652",
	  "edf6d05c83121201b436e16877593c3a" },
	/* draft-ietf-quic-tls-29 appendix A.1 */
	{ QUIC_DRAFT_29, QUIC_CLIENT, "175257a31eb09dea9366d8bb79ad80ba",
	  "6b26114b9cba2b63a9e8dd4f", "9ddd12c994c0698b89374a9c077a3077" },
};

static void test_initial_keys(void **state)
{
	struct quic_keys keys;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(initial_cases); i++) {
		const struct initial_case *c = &initial_cases[i];

		assert_true(quic_keys_initial(crypto, c->version, bytes_of(DCID, 8), c->role,
					      &keys));
		assert_hex(keys.key, 16, c->key);
		assert_hex(keys.iv, 12, c->iv);
		assert_hex(keys.hp, 16, c->hp);
	}
	assert_false(quic_keys_initial(crypto, 0xff000016, bytes_of(DCID, 8), QUIC_CLIENT, &keys));
}

/* RFC 9001 appendix A.5, RFC 9369 appendix A.5 */
static void test_secret_keys(void **state)
{
	struct quic_keys keys;
	uint8_t secret[49] = { 0 };

	(void)state;
	hex_read("9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b", secret, 32);
	assert_true(quic_keys_derive(crypto, QUIC_V1, 0x1303, bytes_of(secret, 32), &keys));
	assert_hex(keys.key, 32, "c6d98ff3441c3fe1b2182094f69caa2e"
			      "d4b716b65488960a7a984979fb23e1c8");
	assert_hex(keys.iv, 12, "e0459b3474bdd0e44a41c144");
	assert_hex(keys.hp, 32, "25a282b9e82f06f21f488917a4fc8f1b73573685608597d0efcb076b0ab7a7a4");
	assert_true(quic_keys_derive(crypto, QUIC_V2, 0x1303, bytes_of(secret, 32), &keys));
	assert_hex(keys.key, 32, "3bfcddd72bcf02541d7fa0dd1f5f9eee"
			      "a817e09a6963a0e6c7df0f9a1bab90f2");
	assert_hex(keys.iv, 12, "a6b5bc6ab7dafce30ffff5dd");
	assert_hex(keys.hp, 32, "d659760d2ba434a226fd37b35c69e2da8211d10c4f12538787d65645d5d1b8e2");

	assert_int_equal(quic_secret_len(crypto, 0x1301), 32);
	assert_int_equal(quic_secret_len(crypto, 0x1302), 48);
	assert_int_equal(quic_secret_len(crypto, 0x1305), 0);
	assert_int_equal(quic_secret_len(crypto, 0xc02f), 0);
	assert_false(quic_keys_derive(crypto, QUIC_V1, 0x1302, bytes_of(secret, 32), &keys));
	assert_false(quic_keys_derive(crypto, QUIC_V1, 0x1301, bytes_of(secret, 48), &keys));
	assert_false(quic_keys_derive(crypto, QUIC_V1, 0x1305, bytes_of(secret, 32), &keys));
	assert_false(quic_keys_derive(crypto, 0x0a0a0a0a, 0x1301, bytes_of(secret, 32), &keys));
}

/* Appendix A.2's CRYPTO frame: a ClientHello for example.com. */
static const char client_frame[] =
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c0000"
	"0413011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d0017"
	"0018001000070005" "04616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf455"
	"9fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e04030503060302030804"
	"08050806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801"
	"1001048000" "75300901100f088394c8f03e51570806048000ffff";

static const char server_frames[] =
	"02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf73988cfc79825df566dc5430b9a"
	"045a1200130100002e00330024001d00209d3c940d89690b84d08a60993c144eca684d1081287c834d5311bc"
	"f32bb9da1a002b00020304";

/* Sealing gives the RFC's packet (its front and tag stand for the rest), opening its text. */
static void client_vector(uint32_t version, const char *front, const char *tag)
{
	struct seal s = { .version = version, .dcid = bytes_of(DCID, 8), .number = 2,
			  .number_len = 4, .pad_to = 1162 };
	struct buffer datagram = { 0 };
	struct bytes in, payload;
	struct quic_packet packet;
	struct quic_keys keys;
	uint8_t text[245];
	uint64_t number;

	hex_read(client_frame, text, sizeof(text));
	assert_true(quic_keys_initial(crypto, version, s.dcid, QUIC_CLIENT, &keys));
	seal_packet(&datagram, &keys, &s, bytes_of(text, sizeof(text)));
	assert_int_equal(datagram.len, 1200);
	assert_hex(datagram.data, strlen(front) / 2, front);
	assert_hex(datagram.data + 1184, 16, tag);

	in = buffer_bytes(&datagram);
	assert_true(quic_begins(in));
	assert_true(quic_packet_next(&in, &packet));
	assert_int_equal(in.len, 0);
	assert_true(quic_keys_open(crypto, &keys, &packet, 0, &number, &payload));
	assert_int_equal(number, 2);
	assert_int_equal(payload.len, 1162);
	assert_memory_equal(payload.data, text, sizeof(text));
	buffer_free(&datagram);
}

static void test_client_vectors(void **state)
{
	(void)state;
	client_vector(QUIC_V1,
		      "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11"
		      "d242b123dc9bd8bab936b47d92ec356c0bab7df5976d27cd449f63300099f399",
		      "e221af44860018ab0856972e194cd934");
	client_vector(QUIC_V2, "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
		      "a18b2faa745b6fe189cf772a9f84cbfc");
}

static void server_vector(uint32_t version, const char *hex)
{
	struct quic_packet packet;
	struct bytes in, payload;
	struct quic_keys keys;
	uint8_t data[135];
	uint64_t number;

	hex_read(hex, data, sizeof(data));
	in = bytes_of(data, sizeof(data));
	assert_true(quic_keys_initial(crypto, version, bytes_of(DCID, 8), QUIC_SERVER, &keys));
	assert_true(quic_packet_next(&in, &packet));
	assert_int_equal(packet.type, QUIC_INITIAL);
	assert_int_equal(packet.dcid.len, 0);
	assert_int_equal(packet.scid.len, 8);
	assert_true(quic_keys_open(crypto, &keys, &packet, 0, &number, &payload));
	assert_int_equal(number, 1);
	assert_hex(payload.data, payload.len, server_frames);
	/* One bit wrong anywhere, and it does not open. */
	for (size_t i = 20; i < sizeof(data); i += 7) {
		data[i] ^= 0x10;
		assert_false(quic_keys_open(crypto, &keys, &packet, 0, &number, &payload));
		data[i] ^= 0x10;
	}
	assert_true(quic_keys_open(crypto, &keys, &packet, 0, &number, &payload));
}

static void test_server_vectors(void **state)
{
	(void)state;
	server_vector(QUIC_V1,
		      "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a"
		      "5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3"
		      "dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84"
		      "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4"
		      "2158407dd074ee");
	server_vector(QUIC_V2,
		      "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698"
		      "baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17"
		      "f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2"
		      "c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8"
		      "4bed8521e2e140");
}

/* RFC 9000 appendix A.3 and its edges: each is sealed, and opened knowing `expected`. */
static void test_packet_numbers(void **state)
{
	static const struct {
		uint64_t number;
		unsigned int len;
		uint64_t expected;
	} cases[] = {
		{ 0xa82f9b32, 2, 0xa82f30eb },
		{ 0, 1, 0 }, { 127, 1, 0 }, { 128, 1, 1 }, { 255, 1, 128 }, { 256, 1, 256 },
		{ 256, 1, 200 }, { 200, 1, 300 }, { 0xff, 1, 0x17e }, { 0x10001, 2, 0xffff },
		{ 0xffffffff, 4, 0 }, { 0x100000000, 4, 0xffffffff },
		{ (1ull << 62) - 1, 4, (1ull << 62) - 2 },
	};
	struct quic_packet packet;
	struct quic_keys keys;

	(void)state;
	assert_true(quic_keys_initial(crypto, QUIC_V1, bytes_of(DCID, 8), QUIC_SERVER, &keys));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seal s = { .version = QUIC_V1, .number = cases[i].number,
				  .number_len = cases[i].len };
		struct buffer datagram = { 0 };
		struct bytes in, payload;
		uint64_t number = 1;

		seal_packet(&datagram, &keys, &s, bytes_of("\1", 1));
		in = buffer_bytes(&datagram);
		assert_true(quic_packet_next(&in, &packet));
		assert_true(quic_keys_open(crypto, &keys, &packet, cases[i].expected, &number,
					   &payload));
		assert_int_equal(number, cases[i].number);
		buffer_free(&datagram);
	}
}

static void test_varints(void **state)
{
	/* RFC 9000 appendix A.1 */
	struct bytes in = bytes_of("\xc2\x19\x7c\x5e\xff\x14\xe8\x8c" "\x9d\x7f\x3e\x7d"
				   "\x7b\xbd" "\x25" "\x40\x25", 17);
	static const uint64_t values[] = { 151288809941952652u, 494878333, 15293, 37, 37 };
	struct bytes before;
	uint64_t value;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		for (size_t cut = 0; cut < (size_t)1 << (in.data[0] >> 6); cut++) {
			before = bytes_of(in.data, cut);
			assert_false(quic_varint(&before, &value));
			assert_int_equal(before.len, cut);
		}
		assert_true(quic_varint(&in, &value));
		assert_int_equal(value, values[i]);
	}
	assert_int_equal(in.len, 0);
}

static const struct begins_case {
	const char *name;
	const char *hex;
	bool begins;
} begins_cases[] = {
	{ "initial, cut off", "c000000001088394c8f03e5157080000449e7b9aec34", true },
	{ "handshake", "e0000000010001aa14" "0000000000000000000000000000000000000000", true },
	{ "draft 27", "c0ff00001b08" "0000000000000000" "000014"
	  "0000000000000000000000000000000000000000", true },
	{ "draft 22", "c0ff00001608" "0000000000000000" "000014"
	  "0000000000000000000000000000000000000000", false },
	{ "reserved version", "c00a0a0a0a088394c8f03e5157080000449e7b9aec34", false },
	{ "version negotiation", "c0000000000008f067a5502a4262b5000000016b3343cf", false },
	{ "retry", "ff000000010008f067a5502a4262b5746f6b656e"
	  "04a265ba2eff4d829058fb3f0f2496ba", false },
	{ "no fixed bit", "8000000001088394c8f03e5157080000449e7b9aec34", false },
	{ "short header", "4cfe4189655e5cd55c41f69080575d7999c25a5bfb", false },
	{ "connection ID of 21",
	  "c00000000115" "000000000000000000000000000000000000000000" "000014"
	  "0000000000000000000000000000000000000000", false },
	{ "length of 19", "c00000000108" "0102030405060708" "000013"
	  "00000000000000000000000000000000000000", false },
	{ "token beyond the end", "c000000001080102030405060708004fff00", false },
	{ "token of 2^62-1", "c00000000108010203040506070800ffffffffffffffff00", false },
	{ "length of 2^62-1", "c0000000010801020304050607080000ffffffffffffffff00", false },
	{ "dns query", "c01201000001000000000000"
	  "03777777076578616d706c6503636f6d0000010001", false },
	{ "dtls", "16feff0000000000000000003601000100000000000000360303", false },
	{ "stun", "000100002112a442b7e7a701bc34d686fa87dfae", false },
	{ "rtp", "80e0000100000001000000015555555555555555", false },
	{ "ntp", "e30003fa0001000000010000000000000000000000000000", false },
	{ "wireguard", "0100000012345678aabbccddeeff00112233445566778899", false },
	{ "zeros", "0000000000000000000000000000000000000000000000", false },
	{ "ones", "ffffffffffffffffffffffffffffffffffffffffffffff", false },
};

static void test_begins(void **state)
{
	(void)state;
	assert_false(quic_begins(bytes_of(NULL, 0)));
	for (size_t i = 0; i < ARRAY_SIZE(begins_cases); i++) {
		size_t len = strlen(begins_cases[i].hex) / 2;
		uint8_t *data = malloc(len);

		assert_non_null(data);
		hex_read(begins_cases[i].hex, data, len);
		if (quic_begins(bytes_of(data, len)) != begins_cases[i].begins)
			fail_msg("%s", begins_cases[i].name);
		free(data);
	}
}

/* Every prefix of a datagram of two packets, in memory of exactly that size. */
static void test_prefixes(void **state)
{
	struct seal s = {
		.version = QUIC_V1,
		.dcid = bytes_of(DCID, 8),
		.token = bytes_of("token", 5),
	};
	struct buffer datagram = { 0 };
	struct quic_packet packet;
	struct quic_keys keys;
	struct bytes payload;
	uint64_t number;
	size_t first;

	(void)state;
	assert_true(quic_keys_initial(crypto, QUIC_V1, s.dcid, QUIC_CLIENT, &keys));
	seal_packet(&datagram, &keys, &s, bytes_of("\1\1\1\1", 4));
	first = datagram.len;
	s.type = QUIC_HANDSHAKE;
	seal_packet(&datagram, &keys, &s, bytes_of("\1\1\1\1", 4));
	for (size_t len = 0; len <= datagram.len; len++) {
		uint8_t *copy = bytes_copy(bytes_of(datagram.data, len));
		struct bytes in = bytes_of(copy, len);
		unsigned int opened = 0;

		while (quic_packet_next(&in, &packet)) {
			bool whole = quic_keys_open(crypto, &keys, &packet, 0, &number, &payload);

			assert_true(whole == !packet.cut);
			opened += whole;
		}
		assert_int_equal(opened, (len >= first) + (len == datagram.len));
		free(copy);
	}
	buffer_free(&datagram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initial_keys),
		cmocka_unit_test(test_secret_keys),
		cmocka_unit_test(test_client_vectors),
		cmocka_unit_test(test_server_vectors),
		cmocka_unit_test(test_packet_numbers),
		cmocka_unit_test(test_varints),
		cmocka_unit_test(test_begins),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
