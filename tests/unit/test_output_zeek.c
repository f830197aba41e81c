/* SPDX-License-Identifier: Apache-2.0 */
/* Lines in the shapes of Zeek's logs: every name, value and number format. */
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
		.organization = "Example, Inc.",
		.common_name = "pool.example",
		.san = "DNS:pool.example,DNS:*.pool.example,IP:192.0.2.7,IP:2001:db8::7,"
		       "email:a@b.example,"
		       "URI:https://pool.example/,otherName:1.2.3;UTF8:x",
		.not_before = NOT_BEFORE });
	issuer = peer_cert_make(&(struct peer_cert){ .curve = "P-256",
						     .serial = "-80",
						     .organization = "CA",
						     .common_name = "Issuing CA",
						     .constraints = "critical,CA:TRUE,pathlen:0",
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

static struct peer_lines lines_of(const struct sighting *s, enum role role, enum action action)
{
	struct ledger_row row;
	struct output_event e = { .action = action, .row = &row };
	struct peer_lines got;

	ledger_row_single(&row, s, role);
	if (action == ACTION_REFUSED)
		e.refusal = ledger_row_find_alert(&row, s);
	got = peer_lines(&output_zeek, &e, 1);
	ledger_row_fini(&row);
	return got;
}

static json_t *ssl_line(const char *fps_key)
{
	char a[2 * EVP_MAX_MD_SIZE + 1], b[2 * EVP_MAX_MD_SIZE + 1];

	return json_pack("{s:s, s:f, s:s, s:i, s:s, s:i, s:s, s:s, s:s, s:b, s:s, s:b, s:[s,s]}",
			 "_path", "ssl", "ts", 1764022223.12345, "id.orig_h", "10.0.0.1",
			 "id.orig_p", 51244, "id.resp_h", "10.0.0.5", "id.resp_p", 9808, "version",
			 "TLSv12", "cipher", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "server_name",
			 "pool.example", "resumed", 0, "next_protocol", "h2", "established", 1,
			 fps_key, peer_hash(leaf, EVP_sha256(), a),
			 peer_hash(issuer, EVP_sha256(), b));
}

/* Takes out what the specification of another file decides, checking its shape. */
static void take_flow(json_t *line)
{
	const char *uid = json_string_value(json_object_get(line, "uid"));

	assert_non_null(uid);
	assert_int_equal(strlen(uid), PEER_UID_SIZE - 1);
	assert_int_equal(uid[0], 'C');
	/* By the specification's pseudo code, for tcp 10.0.0.1 10.0.0.5 51244 9808. */
	assert_string_equal(json_string_value(json_object_get(line, "community_id")),
			    "1:Ij2nNpRbjoMNfmIi6sWJOZkchz8=");
	json_object_del(line, "uid");
	json_object_del(line, "community_id");
}

static void test_presented(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;
	json_t *want = ssl_line("cert_chain_fps");

	(void)state;
	s.chain[ROLE_SERVER] = chain;
	got = lines_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	assert_int_equal(got.num, 4);
	take_flow(got.lines[0]);
	json_object_set_new(want, "sni_matches_cert", json_true());
	json_object_set_new(want, "certtap",
			    json_pack("{s:s, s:s, s:i}", "action", "certificate-presented", "role",
				      "server", "sightings", 1));
	peer_expect(got.lines[0], want);
	peer_expect(got.lines[3],
		    json_pack("{s:s, s:f, s:s, s:i, s:s, s:s, s:s}", "_path", "known_certs", "ts",
			      1764022223.12345, "host", "10.0.0.5", "port_num", 9808, "subject",
			      "CN=pool.example,O=Example\\, Inc.,C=DE", "issuer_subject",
			      "CN=Issuing CA,C=DE", "serial", "C7D4288B80E01E25"));
	peer_lines_free(&got);
}

static void test_x509(void **state)
{
	struct sighting s = peer_sighting();
	char hash[2 * EVP_MAX_MD_SIZE + 1];
	struct peer_lines got;

	(void)state;
	s.chain[ROLE_SERVER] = chain;
	got = lines_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	peer_expect(
		got.lines[1],
		json_pack("{s:s, s:f, s:s, s:i, s:s, s:s, s:s, s:f, s:f, s:s, s:s, s:s, s:i, s:s,"
			  " s:[s,s], s:[s], s:[s], s:[s,s], s:b, s:b}",
			  "_path", "x509", "ts", 1764022223.12345, "fingerprint",
			  peer_hash(leaf, EVP_sha256(), hash), "certificate.version", 3,
			  "certificate.serial", "C7D4288B80E01E25", "certificate.subject",
			  "CN=pool.example,O=Example\\, Inc.,C=DE", "certificate.issuer",
			  "CN=Issuing CA,C=DE", "certificate.not_valid_before", (double)NOT_BEFORE,
			  "certificate.not_valid_after", (double)NOT_AFTER, "certificate.key_alg",
			  "rsaEncryption", "certificate.sig_alg", "sha256WithRSAEncryption",
			  "certificate.key_type", "rsa", "certificate.key_length", 2048,
			  "certificate.exponent", "65537", "san.dns", "pool.example",
			  "*.pool.example", "san.uri", "https://pool.example/", "san.email",
			  "a@b.example", "san.ip", "192.0.2.7", "2001:db8::7", "host_cert", 1,
			  "client_cert", 0));
	peer_expect(
		got.lines[2],
		json_pack("{s:s, s:f, s:s, s:i, s:s, s:s, s:s, s:f, s:f, s:s, s:s, s:s, s:i, s:s,"
			  " s:b, s:i, s:b, s:b}",
			  "_path", "x509", "ts", 1764022223.12345, "fingerprint",
			  peer_hash(issuer, EVP_sha256(), hash), "certificate.version", 3,
			  "certificate.serial", "-80", "certificate.subject",
			  "CN=Issuing CA,O=CA,C=DE", "certificate.issuer", "CN=Issuing CA,C=DE",
			  "certificate.not_valid_before", -86400.0, "certificate.not_valid_after",
			  (double)NOT_AFTER, "certificate.key_alg", "id-ecPublicKey",
			  "certificate.sig_alg", "ecdsa-with-SHA256", "certificate.key_type",
			  "ecdsa", "certificate.key_length", 256, "certificate.curve", "prime256v1",
			  "basic_constraints.ca", 1, "basic_constraints.path_len", 0, "host_cert",
			  0, "client_cert", 0));
	peer_lines_free(&got);
}

static void test_client_chain(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;
	json_t *want = ssl_line("client_cert_chain_fps");

	(void)state;
	s.chain[ROLE_CLIENT] = chain;
	got = lines_of(&s, ROLE_CLIENT, ACTION_PRESENTED);
	assert_int_equal(got.num, 3); /* known_certs is about servers */
	take_flow(got.lines[0]);
	json_object_set_new(want, "certtap",
			    json_pack("{s:s, s:s, s:i}", "action", "certificate-presented", "role",
				      "client", "sightings", 1));
	peer_expect(got.lines[0], want);
	assert_true(json_is_true(json_object_get(got.lines[1], "client_cert")));
	peer_lines_free(&got);
}

static void test_reason(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got;

	(void)state;
	s.reason = REASON_RESUMED;
	s.version = TLS_1_3;
	s.cipher = 0xfffe;
	s.alpn_len = 0;
	s.server_name = NULL;
	s.established = false;
	got = lines_of(&s, ROLE_SERVER, ACTION_NOT_SEEN);
	assert_int_equal(got.num, 1);
	take_flow(got.lines[0]);
	peer_expect(got.lines[0],
		    json_pack("{s:s, s:f, s:s, s:i, s:s, s:i, s:s, s:s, s:b,"
			      " s:{s:s, s:s, s:s, s:i}}",
			      "_path", "ssl", "ts", 1764022223.12345, "id.orig_h", "10.0.0.1",
			      "id.orig_p", 51244, "id.resp_h", "10.0.0.5", "id.resp_p", 9808,
			      "version", "TLSv13", "cipher", "unknown-65534", "resumed", 1,
			      "certtap", "action", "certificate-not-seen", "role",
			      "server", "reason", "resumed", "sightings", 1));
	peer_lines_free(&got);
}

/* A refusal is one more ssl line of the same connection; its certificates are told already. */
static void test_refused(void **state)
{
	struct sighting s = peer_sighting();
	struct peer_lines got, before;

	(void)state;
	s.chain[ROLE_SERVER] = chain;
	before = lines_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	assert_null(json_object_get(before.lines[0], "last_alert"));
	s.alert = (struct alert){
		.seen = true, .level = 2, .description = 45, .sender = ROLE_CLIENT
	};
	got = lines_of(&s, ROLE_SERVER, ACTION_REFUSED);
	assert_int_equal(got.num, 1);
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "last_alert")),
			    "certificate_expired");
	assert_true(json_real_value(json_object_get(got.lines[0], "ts")) == 1764022223.12845);
	assert_true(json_equal(json_object_get(got.lines[0], "uid"),
			       json_object_get(before.lines[0], "uid")));
	peer_lines_free(&got);
	peer_lines_free(&before);
	s.alert.description = 200;
	got = lines_of(&s, ROLE_SERVER, ACTION_REFUSED);
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "last_alert")),
			    "unknown-200");
	peer_lines_free(&got);
}

/* Strangers' bytes arrive as safe text, and a name that is none matches nothing. */
static void test_hostile(void **state)
{
	static const uint8_t junk[] = "no certificate at all";
	static char name[] = "pool.example\0\"\n\x1b[31m";
	struct bytes der = bytes_of(junk, sizeof(junk) - 1);
	struct sighting s = peer_sighting();
	char hash[2 * EVP_MAX_MD_SIZE + 1];
	struct peer_lines got;

	(void)state;
	s.server_name = name;
	s.server_name_len = sizeof(name) - 1;
	s.chain[ROLE_SERVER] = chain;
	got = lines_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "server_name")),
			    "pool.example\\x00\"\\x0A\\x1B[31m");
	assert_true(json_is_false(json_object_get(got.lines[0], "sni_matches_cert")));
	peer_lines_free(&got);
	s.chain[ROLE_SERVER] = peer_chain(table, &der, 1);
	got = lines_of(&s, ROLE_SERVER, ACTION_PRESENTED);
	assert_int_equal(got.num, 3);
	assert_null(json_object_get(got.lines[0], "sni_matches_cert"));
	peer_expect(got.lines[1],
		    json_pack("{s:s, s:f, s:s, s:b, s:b}", "_path", "x509", "ts", 1764022223.12345,
			      "fingerprint", peer_hash(der, EVP_sha256(), hash), "host_cert", 1,
			      "client_cert", 0));
	peer_expect(got.lines[2],
		    json_pack("{s:s, s:f, s:s, s:i}", "_path", "known_certs", "ts",
			      1764022223.12345, "host", "10.0.0.5", "port_num", 9808));
	peer_lines_free(&got);
}

/* OpenSSL's view of the same serial numbers. */
static void test_serials(void **state)
{
	static const char *const serials[] = { "00",  "7F",  "80",  "FF01",  "-01",
					       "-7F", "-81", "-FF", "-0100", "-C7D4288B80E01E25" };
	struct sighting s = peer_sighting();
	struct peer_lines got;
	struct bytes der;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(serials); i++) {
		der = peer_cert_make(&(struct peer_cert){ .curve = "P-256",
							  .serial = serials[i],
							  .organization = "O",
							  .common_name = "cn" });
		s.chain[ROLE_SERVER] = peer_chain(table, &der, 1);
		got = lines_of(&s, ROLE_SERVER, ACTION_PRESENTED);
		assert_string_equal(
			json_string_value(json_object_get(got.lines[1], "certificate.serial")),
			serials[i]);
		peer_lines_free(&got);
		OPENSSL_free((void *)der.data);
	}
}

static void test_versions(void **state)
{
	static const struct {
		uint16_t version;
		const char *name;
	} cases[] = {
		{ 0x0002, "SSLv2" },   { 0x0300, "SSLv3" },	   { 0x0301, "TLSv10" },
		{ 0x0302, "TLSv11" },  { 0x0304, "TLSv13" },	   { 0xfeff, "DTLSv10" },
		{ 0xfefd, "DTLSv12" }, { 0x0505, "unknown-1285" },
	};
	struct sighting s = peer_sighting();
	struct peer_lines got;
	size_t i;

	(void)state;
	s.reason = REASON_ENCRYPTED;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s.version = cases[i].version;
		got = lines_of(&s, ROLE_SERVER, ACTION_NOT_SEEN);
		assert_string_equal(json_string_value(json_object_get(got.lines[0], "version")),
				    cases[i].name);
		peer_lines_free(&got);
	}
}

/* With --every the same chain comes again and again: its certificates are told once. */
static void test_certificates_once(void **state)
{
	struct sighting s = peer_sighting();
	struct output_event events[3];
	struct ledger_row rows[3];
	struct peer_lines got;
	size_t i;

	(void)state;
	s.chain[ROLE_SERVER] = chain;
	for (i = 0; i < 3; i++) {
		if (i == 2)
			s.server.port = 443; /* another endpoint: known_certs tells it */
		ledger_row_single(&rows[i], &s, ROLE_SERVER);
		events[i] = (struct output_event){ .action = ACTION_PRESENTED, .row = &rows[i] };
	}
	got = peer_lines(&output_zeek, events, 3);
	assert_int_equal(got.num, 4 + 1 + 2);
	assert_string_equal(json_string_value(json_object_get(got.lines[4], "_path")), "ssl");
	assert_string_equal(json_string_value(json_object_get(got.lines[5], "_path")), "ssl");
	assert_int_equal(json_integer_value(json_object_get(got.lines[6], "port_num")), 443);
	for (i = 0; i < 3; i++)
		ledger_row_fini(&rows[i]);
	peer_lines_free(&got);
}

static void test_fingerprints(void **state)
{
	struct sighting s = peer_sighting();
	struct ledger_row row;
	struct output_event e = { .action = ACTION_NOT_SEEN, .row = &row };
	struct peer_lines got;

	(void)state;
	s.reason = REASON_ENCRYPTED;
	ledger_row_single(&row, &s, ROLE_SERVER);
	snprintf(row.ja3, sizeof(row.ja3), "ada70206e40642a3e4461f35503241d5");
	snprintf(row.ja3s, sizeof(row.ja3s), "5d79edf64e03689ff559a54e9d9487bc");
	snprintf(row.ja4, sizeof(row.ja4), "t13d1516h2_8daaf6152771_e5627efa2ab1");
	got = peer_lines(&output_zeek, &e, 1);
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "ja3")), row.ja3);
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "ja3s")), row.ja3s);
	assert_string_equal(json_string_value(json_object_get(got.lines[0], "ja4")), row.ja4);
	ledger_row_fini(&row);
	peer_lines_free(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_presented),	  cmocka_unit_test(test_x509),
		cmocka_unit_test(test_client_chain),	  cmocka_unit_test(test_reason),
		cmocka_unit_test(test_refused),		  cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_serials),		  cmocka_unit_test(test_versions),
		cmocka_unit_test(test_certificates_once),
		cmocka_unit_test(test_fingerprints),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
