/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to go over to TLS (bpf/upgrade.bpf.h): what goes up with the handshake, and what does not. */
#include "tests/bpf/rig.h"
#include "tests/bpf/messages.h"

enum goes_up { REQUEST_AND_ANSWER, ANSWER, REQUEST, NOTHING };

struct request {
	const char *name;
	const char *text;
	size_t len;
	enum goes_up up;
};

#define TEXT(text) text, sizeof(text) - 1
#define MYSQL_REST "\0\0\0\x01\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define PROXY_LINE "PROXY TCP4 192.0.2.1 192.0.2.2 4000 443\r\n"
#define PROXY_V2 "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\1\2\3\4\5\6\7\x08\x0f\xa0\1\xbb"

static const struct request requests[] = {
	{ "smtp", TEXT("STARTTLS\r\n"), REQUEST_AND_ANSWER },
	{ "nntp, as some type it", TEXT("StartTLS\r\n"), REQUEST_AND_ANSWER },
	{ "imap", TEXT("a001 STARTTLS\r\n"), REQUEST_AND_ANSWER },
	{ "imap, a short tag", TEXT(". STARTTLS\r\n"), REQUEST_AND_ANSWER },
	{ "pop3", TEXT("STLS\r\n"), REQUEST_AND_ANSWER },
	{ "ftp", TEXT("AUTH TLS\r\n"), REQUEST_AND_ANSWER },
	{ "ftp, old", TEXT("AUTH SSL\r\n"), REQUEST_AND_ANSWER },
	{ "postgresql", TEXT("\0\0\0\x08\x04\xd2\x16\x2f"), REQUEST_AND_ANSWER },
	{ "ldap", TEXT("\x30\x1d\2\1\1\x77\x18\x80\x16" "1.3.6.1.4.1.1466.20037"), REQUEST_AND_ANSWER },
	{ "ldap, long lengths", TEXT("\x30\x84\0\0\0\x1d\2\1\1\x77\x18\x80\x16" "1.3.6.1.4.1.1466.20037"),
	  REQUEST_AND_ANSWER },
	{ "rdp", TEXT("\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0"), REQUEST_AND_ANSWER },
	{ "xmpp", TEXT("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"), REQUEST_AND_ANSWER },
	{ "mysql", TEXT("\x20\0\0\1\x85\xae\x7f" MYSQL_REST "\0\0"), REQUEST },
	{ "proxy", TEXT(PROXY_LINE), REQUEST },
	{ "proxy, binary", TEXT(PROXY_V2), REQUEST },
	{ "connect", TEXT("CONNECT pool.example:443 HTTP/1.1\r\nProxy-Authorization: Basic c2VjcmV0\r\n\r\n"), ANSWER },
	{ "socks 5", TEXT("\5\1\0\3\x0cpool.example\1\xbb"), ANSWER },
	{ "socks 5, an address", TEXT("\5\1\0\1\x7f\0\0\1\1\xbb"), ANSWER },
	{ "socks 4, no name", TEXT("\4\1\1\xbb\x7f\0\0\1\0"), ANSWER },
	{ "socks 4", TEXT("\4\1\1\xbb\x7f\0\0\1me\0"), ANSWER },
	/* Likenesses. */
	{ "a word in a mail", TEXT("STARTTLS is a command\r\n"), NOTHING },
	{ "no end of line", TEXT("STARTTLS"), NOTHING },
	{ "a server offers it", TEXT("250-mx.example\r\n250 STARTTLS\r\n"), NOTHING },
	{ "a server offers it, in a segment of its own", TEXT("250 STARTTLS\r\n"), NOTHING },
	{ "a server offers it, line by line", TEXT("250-STARTTLS\r\n"), NOTHING },
	{ "a server offers it, imap", TEXT("* CAPABILITY IMAP4rev1 STARTTLS\r\n"), NOTHING },
	{ "a login", TEXT("a002 LOGIN me secret\r\n"), NOTHING },
	{ "a password", TEXT("AUTH PLAIN AG1lAHNlY3JldA==\r\n"), NOTHING },
	{ "http", TEXT("GET / HTTP/1.1\r\nAuthorization: Basic c2VjcmV0\r\n\r\n"), NOTHING },
	{ "a bind of ldap", TEXT("\x30\x1c\2\1\1\x60\x17\2\1\3\4\4" "cn=x" "\x80\x0c" "secretsecret"), NOTHING },
	{ "mysql without tls", TEXT("\x20\0\0\1\x85\xa6\x7f" MYSQL_REST "\0\0"), NOTHING },
	{ "proxy, and http behind it", TEXT(PROXY_LINE "GET / HTTP/1.1\r\n\r\n"), NOTHING },
	{ "proxy without an end", TEXT("PROXY TCP4 192.0.2.1 192.0.2.2"), NOTHING },
};

static uint8_t got[16384];

static void expect(const struct rig_conn *c, bool from_client, const void *bytes, size_t at, size_t len)
{
	assert_int_equal(rig_received(c, from_client, got, sizeof(got)), at + len);
	assert_memory_equal(got + at, bytes, len);
	while (at-- > 0)                     /* and nothing in front of it */
		assert_int_equal(got[at], 0xee);
}

/* The connection as it stands after so many bytes. */
static struct rig_conn further(const struct rig_conn *c, size_t client, size_t server)
{
	return (struct rig_conn){ .client_port = c->client_port, .client_seq = c->client_seq + (uint32_t)client,
				  .server_seq = c->server_seq + (uint32_t)server };
}

static void run(const struct request *r, const char *answer, size_t answer_len)
{
	struct rig_conn c = rig_conn_new(), tls = further(&c, r->len, answer_len);
	struct message_stream client = { .len = 0 }, server = { .len = 0 };
	bool asked = r->up == REQUEST_AND_ANSWER || r->up == REQUEST;
	bool answered = answer_len && (r->up == REQUEST_AND_ANSWER || r->up == ANSWER);

	put_bytes(&client, r->text, r->len);
	put_message(&client, 1, 180);
	put_bytes(&server, answer, answer_len);
	put_flight(&server, 2900);
	rig_segment(&c, true, 0, r->text, r->len, TCP_ACK);
	if (answer_len)
		rig_segment(&c, false, 0, answer, answer_len, TCP_ACK);
	rig_segment(&tls, true, 0, client.data + r->len, client.len - r->len, TCP_ACK);
	rig_stream(&tls, false, server.data + answer_len, server.len - answer_len, 700);
	if (asked)
		expect(&c, true, client.data, 0, client.len);
	else
		expect(&c, true, client.data + r->len, r->len, client.len - r->len);
	if (answered)
		expect(&c, false, server.data, 0, server.len);
	else
		expect(&c, false, server.data + answer_len, answer_len, server.len - answer_len);
	rig.num_events = 0;
}

/* With an answer long and short, also of one byte, and where TLS follows at once. */
static void test_requests(void **state)
{
	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		run(&requests[i], "220 2.0.0 ready\r\n", 17);
		run(&requests[i], "S", 1);
		run(&requests[i], "", 0);
	}
}

/* What is asked for is refused, and the talk goes on in clear: nothing more of it goes up from the client. */
static void test_refused(void **state)
{
	static const char goes_on[] = "AUTH PLAIN AG1lAHNlY3JldA==\r\n";

	(void)state;
	rig_begin();
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		struct rig_conn c = rig_conn_new(), later = further(&c, requests[i].len, 22);
		size_t up = requests[i].up == REQUEST_AND_ANSWER || requests[i].up == REQUEST ? requests[i].len : 0;

		rig_segment(&c, true, 0, requests[i].text, requests[i].len, TCP_ACK);
		rig_segment(&c, false, 0, "454 4.7.0 not today!\r\n", 22, TCP_ACK);
		rig_segment(&later, true, 0, goes_on, sizeof(goes_on) - 1, TCP_ACK);
		rig_segment(&later, true, sizeof(goes_on) - 1, goes_on, sizeof(goes_on) - 1, TCP_ACK);
		assert_int_equal(rig_received(&c, true, got, sizeof(got)), up);
		rig.num_events = 0;
	}
}

static bool may_come_with_a_hello(const struct request *r)
{
	return r->up == REQUEST ||
	       (r->up == REQUEST_AND_ANSWER && !strstr(r->name, "ldap") && strcmp(r->name, "rdp") != 0);
}

/* The hello comes in the same segment as what stands in front of it, and so does the server's behind its answer. */
static void run_in_one_segment(const struct request *r, const char *answer, size_t answer_len)
{
	struct rig_conn c = rig_conn_new();
	struct message_stream client = { .len = 0 }, server = { .len = 0 };
	size_t hello_end;

	put_bytes(&client, r->text, r->len);
	put_message(&client, 1, 180);
	hello_end = client.len;
	put_message(&client, 16, 64);
	put_cipher_spec(&client);
	put_bytes(&server, answer, answer_len);
	put_flight(&server, 2900);
	rig_segment(&c, true, 0, client.data, hello_end, TCP_ACK);
	rig_stream(&c, false, server.data, server.len, 700);
	rig_segment(&c, true, (uint32_t)hello_end, client.data + hello_end, client.len - hello_end, TCP_ACK);
	expect(&c, true, client.data, 0, client.len);
	expect(&c, false, server.data, 0, server.len);
	assert_int_equal(rig.events[0].head.start_seq, c.client_seq);
	rig.num_events = 0;
}

static void test_in_one_segment(void **state)
{
	char header[600] = "HTTP/1.1 200 Connection established\r\n";
	size_t num = 0;

	(void)state;
	rig_begin();
	memset(header + strlen(header), 'x', sizeof(header) - strlen(header) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		if (!may_come_with_a_hello(&requests[i]))
			continue;
		num++;
		run_in_one_segment(&requests[i], "", 0);
		run_in_one_segment(&requests[i], "S", 1);
		run_in_one_segment(&requests[i], "220 2.0.0 ready\r\n", 17);
		run_in_one_segment(&requests[i], header, sizeof(header) - 1);
	}
	assert_int_equal(num, 12);
}

/* A hello that is sent again does not throw the walk back to where the server began. */
static void test_hello_again(void **state)
{
	struct rig_conn c;
	struct message_stream hello = { .len = 0 }, server = { .len = 0 };
	size_t clear;

	(void)state;
	rig_begin();
	c = rig_conn_new();
	put_message(&hello, 1, 180);
	put_message(&server, 2, 70);
	put_message(&server, 11, 500);
	put_message(&server, 14, 0);
	put_cipher_spec(&server);
	clear = server.len;
	put_record(&server, 22, 40);
	rig_segment(&c, true, 0, hello.data, hello.len, TCP_ACK);
	rig_segment(&c, false, 0, server.data, 300, TCP_ACK);
	rig_segment(&c, true, 0, hello.data, hello.len, TCP_ACK);
	rig_segment(&c, false, 300, server.data + 300, server.len - 300, TCP_ACK);
	expect(&c, false, server.data, 0, clear);
	rig_expect_end(&c, false, EVENT_REASON_RECORD, (uint32_t)clear);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_in_one_segment),
		cmocka_unit_test(test_hello_again),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
