/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in the shape of Suricata's EVE events of type "tls": every name, value and format. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/peer_rows.h"
#include "userspace/output/output_peer.h"

static struct chain_table *table;
static struct bytes leaf, issuer;
static const struct chain *chain;

static int setup(void **state)
{
	static const struct chain_limits limits = CHAIN_LIMITS_DEFAULT;
	struct bytes both[2];

	(void)state;
	leaf = peer_cert_make(&(struct peer_cert){
		.serial = "C7D4288B80E01E25",
		.organization = "Example, Inc. + \"Sons\"",
		.common_name = "pool\\example",
		.san = "DNS:pool.example,IP:192.0.2.7,email:a@b.example,URI:https://pool.example/,"
		       "otherName:1.2.3;UTF8:x",
		.not_before = NOT_BEFORE });
	issuer = peer_cert_make(&(struct peer_cert){ .curve = "P-256",
						     .serial = "-80",
						     .organization = "CA",
						     .common_name = "Issuing CA",
						     .not_before = -86400 });
	both[0] = leaf;
	both[1] = issuer;
	table = chain_table_new(&limits, NULL, NULL);
	assert_non_null(table);
	chain = peer_chain(table, both, 2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	chain_table_free(table);
	OPENSSL_free((void *)leaf.data);
	OPENSSL_free((void *)issuer.data);
	return 0;
}

/* The one line of the row. */
static struct peer_lines line_of(const struct sighting *s, enum role role, enum action action)
{
	struct ledger_row row;
	struct output_event e = { .action = action, .row = &row };
	struct peer_lines got;

	ledger_row_single(&row, s, role);
	if (action == ACTION_REFUSED)
		e.refusal = ledger_row_find_alert(&row, s);
	got = peer_lines(&output_eve, &e, 1);
	ledger_row_fini(&row);
	assert_int_equal(got.num, 1);
	return got;
}

static const char *base64(struct bytes der, char out[4096])
{
	assert_true(der.len < 3000);
	EVP_EncodeBlock((unsigned char *)out, der.data, (int)der.len);
	return out;
}

static const char *sha1_colons(struct bytes der, char out[64])
{
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	size_t i;

	peer_hash(der, EVP_sha1(), hex);
	for (i = 0; i < 20; i++)
		snprintf(out + 3 * i, 4, "%.2s:", hex + 2 * i);
	out[59] = '\0';
	return out;
}

static json_t *leaf_object(void)
{
	char sha1[64], first[4096], second[4096];

	/* Names in the order of encoding, only a backslash escaped; the serial with its zero. */
	return json_pack("{s:s, s:s, s:[s,s,s,s], s:s, s:s, s:s, s:s, s:s, s:[s,s]}", "subject",
			 "C=DE, O=Example, Inc. + \"Sons\", CN=pool\\\\example", "issuerdn",
			 "C=DE, CN=Issuing CA", "subjectaltname", "pool.example", "192.0.2.7",
			 "a@b.example", "https://pool.example/", "serial",
			 "00:C7:D4:28:8B:80:E0:1E:25", "fingerprint", sha1_colons(leaf, sha1),
			 "notbefore", "2020-01-01T00:00:00", "notafter", "2040-01-01T00:00:00",
			 "certificate", base64(leaf, first), "chain", base64(leaf, first),
			 base64(issuer, second));
}

static void test_event(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;
	json_t *line;

	(void)state;
	s.chain[ROLE_SERVER] = chain;
	got = line_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	line = got.lines[0];
	assert_true(json_integer_value(json_object_get(line, "flow_id")) > 0);
	assert_true(json_integer_value(json_object_get(line, "flow_id")) < 1ll << 51);
	json_object_del(line, "flow_id");
	json_object_del(line, "tls");
	peer_expect(line,
		    json_pack("{s:s, s:i, s:s, s:s, s:i, s:s, s:i, s:s, s:s, s:{s:s, s:s, s:i}}",
			      "timestamp", "2025-11-24T22:10:23.123450+0000", "pcap_cnt", 7,
			      "event_type", "tls", "src_ip", "10.0.0.1", "src_port", 51244,
			      "dest_ip", "10.0.0.5", "dest_port", 9808, "proto", "TCP",
			      "community_id", "1:Ij2nNpRbjoMNfmIi6sWJOZkchz8=", "certtap", "action",
			      "certificate-presented", "role", "server", "sightings", 1));
	peer_lines_free(&got);
}

static void test_server_chain(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;
	json_t *want = leaf_object();

	(void)state;
	s.chain[ROLE_SERVER] = chain;
	got = line_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	json_object_update_new(want, json_pack("{s:s, s:s, s:[s]}", "sni", "pool.example",
					       "version", "TLS 1.2", "server_alpns", "h2"));
	peer_expect(json_object_get(got.lines[0], "tls"), want);
	peer_lines_free(&got);
}

static void test_client_chain(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;

	(void)state;
	s.chain[ROLE_CLIENT] = chain;
	got = line_of(&s, ROLE_CLIENT, ACTION_PRESENTED);
	peer_expect(json_object_get(got.lines[0], "tls"),
		    json_pack("{s:s, s:s, s:[s], s:o}", "sni", "pool.example", "version", "TLS 1.2",
			      "server_alpns", "h2", "client", leaf_object()));
	peer_lines_free(&got);
}

/* A time before 1970, a negative serial of one byte, no names of other kinds. */
static void test_issuer_as_leaf(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;
	json_t *tls;

	(void)state;
	s.chain[ROLE_SERVER] = peer_chain(table, &issuer, 1);
	got = line_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	tls = json_object_get(got.lines[0], "tls");
	assert_string_equal(json_string_value(json_object_get(tls, "notbefore")),
			    "1969-12-31T00:00:00");
	assert_string_equal(json_string_value(json_object_get(tls, "serial")), "80");
	assert_string_equal(json_string_value(json_object_get(tls, "subject")),
			    "C=DE, O=CA, CN=Issuing CA");
	assert_null(json_object_get(tls, "subjectaltname"));
	peer_lines_free(&got);
}

static void test_resumed(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;

	(void)state;
	s.reason = REASON_RESUMED;
	s.version = 0x0301;
	s.alpn_len = 0;
	s.server_name = NULL;
	s.transport = TRANSPORT_UDP;
	got = line_of(&s, ROLE_SERVER, ACTION_NOT_SEEN);
	peer_expect(json_object_get(got.lines[0], "tls"),
		    json_pack("{s:s, s:b}", "version", "TLSv1", "session_resumed", 1));
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "proto")), "UDP");
	assert_string_equal(json_string_value(json_object_get(
				    json_object_get(got.lines[0], "certtap"), "reason")),
			    "resumed");
	peer_lines_free(&got);
}

static void test_refused(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got, before;

	(void)state;
	s.chain[ROLE_SERVER] = chain;
	before = line_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	s.alert = (struct alert){
		.seen = true, .level = 2, .description = 45, .sender = ROLE_CLIENT
	};
	got = line_of(&s, ROLE_SERVER, ACTION_REFUSED);
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "timestamp")),
			    "2025-11-24T22:10:23.128450+0000");
	assert_true(json_equal(json_object_get(got.lines[0], "flow_id"),
			       json_object_get(before.lines[0], "flow_id")));
	peer_lines_free(&got);
	peer_lines_free(&before);
}

/* What is no certificate has its hash and its bytes; strangers' bytes arrive as safe text. */
static void test_hostile(void **state)
{
	static const uint8_t junk[] = "no certificate at all";
	static char name[] = "a\"\n\x1b[31m\xff";
	struct bytes der = bytes_of(junk, sizeof(junk) - 1);
	struct sighting s = peer_sighting();
	char sha1[64], text[4096];
	struct peer_lines got;

	(void)state;
	s.server_name = name;
	s.server_name_len = sizeof(name) - 1;
	s.chain[ROLE_SERVER] = peer_chain(table, &der, 1);
	got = line_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	peer_expect(json_object_get(got.lines[0], "tls"),
		    json_pack("{s:s, s:s, s:[s], s:s, s:s, s:[s]}", "fingerprint",
			      sha1_colons(der, sha1), "certificate", base64(der, text), "chain",
			      base64(der, text), "sni", "a\"\\x0A\\x1B[31m\\xFF", "version",
			      "TLS 1.2", "server_alpns", "h2"));
	peer_lines_free(&got);
}

/* A name longer than its text: what is cut off is what the encoding begins with. */
static void test_long_name(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;
	const char *subject;
	struct bytes der;
	size_t len;

	(void)state;
	der = peer_cert_make(&(struct peer_cert){ .curve = "P-256",
						  .serial = "0",
						  .organization = "O",
						  .common_name = "a,b",
						  .units = 12 });
	s.chain[ROLE_SERVER] = peer_chain(table, &der, 1);
	got = line_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	subject =
		json_string_value(json_object_get(json_object_get(got.lines[0], "tls"), "subject"));
	len = strlen(subject);
	assert_memory_equal(subject, "OU=,,,", 6);
	assert_non_null(strstr(subject, "..., OU=" PEER_COMMAS ", OU="));
	assert_string_equal(subject + len - 8, ", CN=a,b");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(got.lines[0], "tls"), "serial")),
		"00");
	peer_lines_free(&got);
	OPENSSL_free((void *)der.data);
}

static void test_versions(void **state)
{
	static const struct {
		uint16_t version;
		const char *name;
	} cases[] = {
		{ 0, "UNDETERMINED" },	{ 0x0002, "SSLv2" },	{ 0x0300, "SSLv3" },
		{ 0x0301, "TLSv1" },	{ 0x0302, "TLS 1.1" },	{ 0x0304, "TLS 1.3" },
		{ 0xfeff, "DTLS 1.0" }, { 0xfefd, "DTLS 1.2" }, { 0x0505, "0x0505" },
	};
	struct sighting s = peer_sighting();
	struct peer_lines got;
	size_t i;

	(void)state;
	s.reason = REASON_ENCRYPTED;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s.version = cases[i].version;
		got = line_of(&s, ROLE_SERVER, ACTION_NOT_SEEN);
		assert_string_equal(json_string_value(json_object_get(
					    json_object_get(got.lines[0], "tls"), "version")),
				    cases[i].name);
		peer_lines_free(&got);
	}
}

static void test_fingerprints(void **state)
{
	struct sighting s = peer_sighting();
	struct ledger_row row;
	struct output_event e = { .action = ACTION_NOT_SEEN, .row = &row };
	struct peer_lines got;

	(void)state;
	s.reason = REASON_ENCRYPTED;
	s.server_name = NULL;
	s.alpn_len = 0;
	ledger_row_single(&row, &s, ROLE_SERVER);
	snprintf(row.ja3, sizeof(row.ja3), "ada70206e40642a3e4461f35503241d5");
	snprintf(row.ja3s, sizeof(row.ja3s), "5d79edf64e03689ff559a54e9d9487bc");
	snprintf(row.ja4, sizeof(row.ja4), "t13d1516h2_8daaf6152771_e5627efa2ab1");
	got = peer_lines(&output_eve, &e, 1);
	peer_expect(json_object_get(got.lines[0], "tls"),
		    json_pack("{s:s, s:{s:s}, s:{s:s}, s:s}", "version", "TLS 1.2", "ja3", "hash",
			      row.ja3, "ja3s", "hash", row.ja3s, "ja4", row.ja4));
	ledger_row_fini(&row);
	peer_lines_free(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event),	     cmocka_unit_test(test_server_chain),
		cmocka_unit_test(test_client_chain), cmocka_unit_test(test_issuer_as_leaf),
		cmocka_unit_test(test_resumed),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hostile),	     cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_fingerprints),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
