/* SPDX-License-Identifier: Apache-2.0 */
/* What was said before TLS names the carrier; whatever else was said, TLS is found without it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/starttls.h"
#include "tests/unit/buffer.h"

/* One chunk: who said it ('>' the opener, '<' the other), and what. */
struct chunk {
	char who;
	const char *text;
	size_t len;
};

#define OPENER(s) { '>', s, sizeof(s) - 1 }
#define ANSWER(s) { '<', s, sizeof(s) - 1 }

static const struct {
	const char *name;
	struct chunk chunks[6];
} talks[] = {
	{ "plain", { { 0 } } },
	{ "unknown", { OPENER("\x01\x02\x03") } },
	{ "unknown", { OPENER("hello\r\n"), ANSWER("who are you\r\n") } },
	{ "smtp", { ANSWER("220 mx.example ESMTP\r\n") } },
	{ "smtp", { ANSWER("220 mx.example\r\n"), OPENER("EHLO a\r\n"), ANSWER("250 STARTTLS\r\n"),
		    OPENER("STARTTLS\r\n"), ANSWER("220 go ahead\r\n") } },
	{ "smtp", { ANSWER("250-mx.example\r\n250-PIPELINING\r\n250-STARTTLS\r\n250 DSN\r\n") } },
	{ "smtp", { OPENER("ehlo a\r\nstarttls\r\n") } },
	{ "smtp", { ANSWER("220-ftp.example has SMTP\r\n"), OPENER("HELO ftp\r\n") } },
	{ "lmtp", { ANSWER("220 mx LMTP\r\n"), OPENER("LHLO a\r\n") } },
	{ "ftp", { ANSWER("220 (vsFTPd 3.0.3)\r\n") } },
	{ "ftp", { ANSWER("220 welcome\r\n"), OPENER("AUTH TLS\r\n"), ANSWER("234 proceed\r\n") } },
	{ "ftp", { ANSWER("220 welcome\r\n"), OPENER("auth ssl\r\n") } },
	{ "imap", { ANSWER("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n"),
		    OPENER("a1 STARTTLS\r\n"), ANSWER("a1 OK begin\r\n") } },
	{ "imap", { OPENER("a.001 starttls\r\n") } },
	{ "pop3", { ANSWER("+OK ready\r\n"), OPENER("STLS\r\n"), ANSWER("+OK begin\r\n") } },
	{ "pop3", { OPENER("CAPA\r\n"), OPENER("STLS\r\n") } },
	{ "nntp", { ANSWER("200 news\r\n"), OPENER("CAPABILITIES\r\n"), OPENER("STARTTLS\r\n"),
		    ANSWER("382 continue\r\n") } },
	{ "irc", { OPENER("CAP LS 302\r\n"), ANSWER(":irc.example 670 * :STARTTLS begins\r\n") } },
	{ "sieve", { ANSWER("\"IMPLEMENTATION\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\n"),
		     OPENER("STARTTLS\r\n") } },
	{ "xmpp", { OPENER("<?xml version='1.0'?><stream:stream to='a' xmlns='jabber:client'>"),
		    ANSWER("<stream:features><starttls/></stream:features>"),
		    OPENER("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>") } },
	{ "http-connect", { OPENER("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"),
			    ANSWER("HTTP/1.1 200 OK\r\n\r\n") } },
	{ "http-connect", { ANSWER("HTTP/1.0 200 Connection established\r\n\r\n") } },
	{ "http-upgrade", { OPENER("OPTIONS * HTTP/1.1\r\nHost: a\r\nUpgrade: TLS/1.0\r\n\r\n"),
			    ANSWER("HTTP/1.1 101 Switching\r\nUpgrade: TLS/1.0\r\n\r\n") } },
	{ "ldap", { OPENER("\x30\x1d\x02\x01\x01\x77\x18\x80\x16" "1.3.6.1.4.1.1466.20037"),
		    ANSWER("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00") } },
	{ "ldap", { OPENER("\x30\x84\x00\x00\x00\x10\x02\x02\x01\x01\x60\x00") } },
	{ "postgresql", { OPENER("\0\0\0\x08\x04\xd2\x16\x2f"), ANSWER("S") } },
	{ "postgresql", { ANSWER("S") } },
	{ "mysql", { ANSWER("\x4a\0\0\0\x0a" "5.7.16\0rest"),
		     OPENER("\x20\0\0\x01\x8f\xaa\x3a\0\0\0\0\x01") } },
	{ "rdp", { OPENER("\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\x0b\0\0\0"),
		   ANSWER("\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\2\x1f\x08\0\x08\0\0\0") } },
	{ "socks4", { OPENER("\4\1\1\xbb\x0a\0\0\1user\0"), ANSWER("\0\x5a\0\0\0\0\0\0") } },
	{ "socks5", { OPENER("\5\1\0"), ANSWER("\5\0"), OPENER("\5\1\0\1\x0a\0\0\1\1\xbb") } },
	/* Only the answer was heard. */
	{ "socks4", { ANSWER("\0\x5a\0\0\0\0\0\0") } },
	{ "socks5", { ANSWER("\5\0\0\1\0\0\0\0\0\0") } },
	{ "http-connect", { ANSWER("HTTP/1.1 200 Connection established\r\n\r\n") } },
	{ "sieve", { OPENER("STARTTLS\r\n"), ANSWER("OK \"Begin\"\r\n") } },
	{ "vnc", { ANSWER("RFB 003.008\n"), OPENER("RFB 003.008\n"), ANSWER("\1\x13") } },
	{ "telnet", { ANSWER("\xff\xfd\x2e") } },
	{ "nats", { ANSWER("INFO {\"tls_required\":true}\r\n") } },
	{ "nbd", { ANSWER("NBDMAGICIHAVEOPT\0\3") } },
	{ "amqp", { OPENER("AMQP\2\1\0\0"), ANSWER("AMQP\2\1\0\0") } },
	{ "tcpcl", { OPENER("dtn!\4\1"), ANSWER("dtn!\4\1") } },
	{ "pcep", { OPENER("\x20\x0d\0\4") } },
	{ "adb", { OPENER("CNXN\1\0\0\1\0\0\x10\0"), ANSWER("STLS\0\0\0\1\0\0\0\0") } },
	{ "nomachine", { OPENER("NXSH-8.10.1\n"), ANSWER("NXD-8.10.1\n") } },
	{ "proxy-protocol", { OPENER("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n") } },
	{ "smtp", { OPENER("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"), ANSWER("220 ESMTP\r\n") } },
};

static void look(struct starttls_hint *hint, char who, bool known, struct bytes in)
{
	uint8_t *copy = bytes_copy(in);

	starttls_look(hint, !known ? STARTTLS_SPEAKER_UNKNOWN :
			    who == '>' ? STARTTLS_OPENER : STARTTLS_ANSWERER,
		      bytes_of(copy, in.len));
	free(copy);
}

/* Whether it is known who opened the connection or not. */
static void test_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(talks); i++) {
		struct starttls_hint hint = { 0 };
		const struct chunk *c = talks[i / 2].chunks;

		for (; c->text; c++)
			look(&hint, c->who, i % 2, bytes_of(c->text, c->len));
		if (strcmp(starttls_name(&hint), talks[i / 2].name) != 0)
			fail_msg("talk %zu: %s, not %s", i / 2, starttls_name(&hint),
				 talks[i / 2].name);
	}
}

/* Every prefix, and cut in two: no crash, no step beyond, and something was said. */
static void test_splits(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(talks); i++)
		for (const struct chunk *c = talks[i].chunks; c->text; c++)
			for (size_t at = 1; at <= c->len; at++) {
				struct starttls_hint hint = { 0 };

				look(&hint, c->who, true, bytes_of(c->text, at));
				assert_string_not_equal(starttls_name(&hint), "plain");
				look(&hint, c->who, true, bytes_of(c->text + at, c->len - at));
				assert_string_not_equal(starttls_name(&hint), "plain");
			}
}

/* An answer that a client sends is none, nor is a command from a server. */
static void test_speakers(void **state)
{
	struct starttls_hint hint = { 0 };

	(void)state;
	look(&hint, '>', true, bytes_of("220 ESMTP\r\n", 11));
	assert_string_equal(starttls_name(&hint), "unknown");
	look(&hint, '<', true, bytes_of("AUTH TLS\r\n", 10));
	assert_string_equal(starttls_name(&hint), "unknown");
	look(&hint, '<', true, bytes_of("", 0));
	assert_string_equal(starttls_name(&hint), "unknown");
	look(&hint, '<', false, bytes_of("220 ESMTP\r\n", 11));
	assert_string_equal(starttls_name(&hint), "smtp");
}

/* In every connection: two bytes, and any two bytes have a name. */
static void test_hint(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct starttls_hint), 2);
	for (unsigned int i = 0; i < 256; i++) {
		struct starttls_hint hint = { .protocol = (uint8_t)i };

		assert_true(strlen(starttls_name(&hint)) > 0);
	}
}

/* A long talk without newlines costs no more than a short one: only its beginning is searched. */
static void test_beginning_only(void **state)
{
	struct starttls_hint hint = { 0 };
	struct buffer b = { 0 };

	(void)state;
	buffer_add(&b, "220 ", 4);
	for (int i = 0; i < 4096; i++)
		buffer_number(&b, 1, 'x');
	buffer_add(&b, "FTP\r\n", 5);
	look(&hint, '<', true, buffer_bytes(&b));
	assert_string_equal(starttls_name(&hint), "smtp");
	for (int i = 0; i < 10; i++)
		buffer_add(&b, "\n", 1);
	buffer_add(&b, "AUTH TLS\r\n", 10);
	look(&hint, '>', true, buffer_bytes(&b));
	assert_string_equal(starttls_name(&hint), "smtp");
	buffer_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),    cmocka_unit_test(test_splits),
		cmocka_unit_test(test_speakers), cmocka_unit_test(test_hint),
		cmocka_unit_test(test_beginning_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
