/* SPDX-License-Identifier: Apache-2.0 */
/* What people type for `certtap show`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "parsers/text.h"
#include "userspace/ledger/findings.h"
#include "userspace/show/show_what.h"

#define NOW_S 1794997600ull      /* 2026-11-18T10:26:40Z */
#define NS 1000000000ull

static void test_times(void **state)
{
	static const struct { const char *text; uint64_t ns; } good[] = {
		{ "90s", (NOW_S - 90) * NS }, { "2h", (NOW_S - 7200) * NS }, { "3d", (NOW_S - 3 * 86400) * NS },
		{ "1w", (NOW_S - 7 * 86400) * NS }, { "5m", (NOW_S - 300) * NS },
		{ "1970-01-01", 0 }, { "2026-11-18", 1794960000 * NS }, { "2026-11-18T10:26", 1794997560 * NS },
		{ "2026-11-18 10:26:40", NOW_S * NS }, { "2026-11-18T10:26:40Z", NOW_S * NS },
		{ "2026-11-18T11:26:40+01:00", NOW_S * NS }, { "2026-11-18T04:56:40-0530", NOW_S * NS },
		{ "2026-11-18T10:26:40.5Z", NOW_S * NS + NS / 2 },
		{ "2026-11-18T10:26:40.123456789123Z", NOW_S * NS + 123456789 },
		{ "2024-02-29", 1709164800 * NS },
	};
	static const char *const bad[] = {
		"", "h", "2", "2x", "2hh", "-2h", " 2h", "yesterday", "2026", "2026-11", "2026-13-01", "2026-02-29",
		"2026-11-31", "2026-11-18T", "2026-11-18T10", "2026-11-18T24:00", "2026-11-18T10:60", "2026-11-18Tx",
		"2026-11-18T10:26:40.", "2026-11-18T10:26+1", "2026-11-18T10:26Zx", "1969-12-31", "99999999999999999999h",
		"1970-01-01T00:00+01:00",
	};
	uint64_t ns;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		if (!show_parse_time(good[i].text, NOW_S * NS, &ns))
			fail_msg("%s is refused", good[i].text);
		if (ns != good[i].ns)
			fail_msg("%s is %llu", good[i].text, (unsigned long long)ns);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (show_parse_time(bad[i], NOW_S * NS, &ns))
			fail_msg("'%s' is taken", bad[i]);
}

static void test_places(void **state)
{
	static const struct { const char *text, *address; uint16_t port; int transport; int64_t zone; } good[] = {
		{ "192.0.2.1:443", "192.0.2.1", 443, -1, -1 }, { "192.0.2.1:0/udp", "192.0.2.1", 0, TRANSPORT_UDP, -1 },
		{ "[2001:db8::1]:9808/tcp", "2001:db8::1", 9808, TRANSPORT_TCP, -1 },
		{ "[::ffff:192.0.2.1]:1", "192.0.2.1", 1, -1, -1 }, { "127.0.0.1%7:443", "127.0.0.1", 443, -1, 7 },
		{ "[::1%4294967295]:443/udp", "::1", 443, TRANSPORT_UDP, 4294967295 },
		{ "02:00:5e:10:00:01", "02:00:5e:10:00:01", 0, TRANSPORT_EAPOL, -1 },
	};
	static const char *const bad[] = {
		"", ":", ":443", "192.0.2.1", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:443/", "192.0.2.1:443/x",
		"192.0.2.1:-1", "192.0.2.1: 1", "192.0.2:443", "2001:db8::1:443", "[2001:db8::1]", "[2001:db8::1:443",
		"2001:db8::1]:443", "host:443", "[]:443", "[:443", "02:00:5e:10:00:01:02", "02:00:5e:10:00",
		"127.0.0.1%:443", "127.0.0.1%x:443", "127.0.0.1%-1:443", "127.0.0.1%4294967296:443", "%7:443",
	};
	struct ip_address address;
	struct show_port port;
	char text[48];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		if (!show_parse_place(good[i].text, &address, &port))
			fail_msg("%s is refused", good[i].text);
		text_address(address.octets, text, sizeof(text));
		assert_string_equal(text, good[i].address);
		assert_int_equal(port.port, good[i].port);
		assert_int_equal(port.by_zone ? (int64_t)port.zone : -1, good[i].zone);
		assert_int_equal(port.by_transport ? (int)port.transport : -1, good[i].transport);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (show_parse_place(bad[i], &address, &port))
			fail_msg("'%s' is taken", bad[i]);
}

static void test_findings(void **state)
{
	unsigned int bits;

	(void)state;
	assert_true(show_parse_findings("expired", &bits));
	assert_int_equal(bits, 1u << FINDING_EXPIRED);
	assert_true(show_parse_findings("weak-key,expired-now", &bits));
	assert_int_equal(bits, 1u << FINDING_WEAK_KEY | 1u << FINDING_EXPIRED_NOW);
	assert_false(show_parse_findings("", &bits));
	assert_false(show_parse_findings("expired,", &bits));
	assert_false(show_parse_findings("expire", &bits));
	assert_false(show_parse_findings("Expired", &bits));
}

static void test_hex(void **state)
{
	struct show_hex h;

	(void)state;
	assert_true(show_parse_hex("0A:b", &h));
	assert_int_equal(h.num_digits, 3);
	assert_int_equal(h.first[0], 0x0a);
	assert_int_equal(h.first[1], 0xb0);
	assert_int_equal(h.last[1], 0xbf);
	assert_int_equal(h.first[31], 0);
	assert_int_equal(h.last[31], 0xff);
	assert_int_equal(h.serial_len, 1);
	assert_int_equal(h.serial[0], 0xab);
	assert_true(show_parse_hex("00001234", &h));
	assert_int_equal(h.serial_len, 2);
	assert_memory_equal(h.serial, "\x12\x34", 2);
	assert_true(show_parse_hex("0", &h));
	assert_int_equal(h.serial_len, 1);
	assert_true(show_parse_hex("123", &h));
	assert_memory_equal(h.serial, "\x01\x23", 2);
	assert_true(show_parse_hex("ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", &h));
	assert_memory_equal(h.first, h.last, 32);
	assert_int_equal(h.serial_len, 32);
	assert_false(show_parse_hex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", &h));
	assert_false(show_parse_hex("", &h));
	assert_false(show_parse_hex(":", &h));
	assert_false(show_parse_hex("ab:", &h));
	assert_false(show_parse_hex("pool.example", &h));
}

static size_t certificates(const char *text, uint8_t *der, struct bytes *out, size_t max)
{
	return show_parse_certificates(bytes_of(text, strlen(text)), der, out, max);
}

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

static void test_certificates(void **state)
{
	struct bytes out[3];
	uint8_t der[256];

	(void)state;
	assert_int_equal(certificates("text\n" BEGIN "\nMAMC\r\nAQU=\n" END "\n" BEGIN "\nMAA=\n" END, der, out, 3), 2);
	assert_int_equal(out[0].len, 5);
	assert_memory_equal(out[0].data, "\x30\x03\x02\x01\x05", 5);
	assert_int_equal(out[1].len, 2);
	assert_int_equal(certificates("\x30\x03\x02\x01\x05", der, out, 3), 1);
	assert_int_equal(out[0].len, 5);
	assert_int_equal(certificates(BEGIN "\nMAA=\n", der, out, 3), 0);
	assert_int_equal(certificates(BEGIN END, der, out, 3), 0);
	assert_int_equal(certificates(BEGIN "MAA=" END BEGIN "MAA=" END, der, out, 1), 1);
	assert_int_equal(certificates("", der, out, 3), 0);
	assert_int_equal(certificates("-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n", der, out, 3), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
