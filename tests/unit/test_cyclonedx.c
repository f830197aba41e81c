/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With an argument it writes the sample there, for tests/formats/cyclonedx.test, which has it judged by the official
 * schema.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "userspace/output/cyclonedx.h"

static const uint8_t serial[] = { 0x01, 0xab, 0xcd };

static const struct cyclonedx_certificate certificates[] = {
	{ .sha256 = { 1 }, .spki_known = true, .spki_sha256 = { 2 }, .subject = "CN=pool.example,O=Example",
	  .subject_cn = "pool.example", .issuer = "CN=Issuing CA", .serial = serial, .serial_len = sizeof(serial),
	  .not_before = { true, 1700000000 }, .not_after = { true, 1790000000 }, .key = X509_KEY_RSA, .key_bits = 2048,
	  .signature_algorithm = "sha256WithRSAEncryption" },
	/* Its renewal with the same key, and the same algorithms. */
	{ .sha256 = { 3 }, .spki_known = true, .spki_sha256 = { 2 }, .subject = "CN=pool.example,O=Example",
	  .subject_cn = "pool.example", .issuer = "CN=Issuing CA", .serial = serial, .serial_len = 1,
	  .not_before = { true, 1780000000 }, .not_after = { true, 253402300799 }, .key = X509_KEY_RSA, .key_bits = 2048,
	  .signature_algorithm = "sha256WithRSAEncryption" },
	{ .sha256 = { 4 }, .spki_known = true, .spki_sha256 = { 5 }, .subject = "CN=\\x1B[2J\"<b>&\xc3\xa9",
	  .subject_cn = "\\x1B[2J\"<b>&\xc3\xa9", .issuer = "CN=Issuing CA", .not_before = { true, -62135596800 },
	  .key = X509_KEY_EC, .key_bits = 256, .curve = "secp256r1", .signature_algorithm = "ecdsa-with-SHA384" },
	{ .sha256 = { 6 }, .spki_known = true, .spki_sha256 = { 7 }, .subject = "CN=pq.example", .key = X509_KEY_ML_DSA,
	  .key_bits = 65, .signature_algorithm = "ML-DSA-65" },
	{ .sha256 = { 8 }, .spki_known = true, .spki_sha256 = { 9 }, .subject = "CN=ed.example",
	  .key = X509_KEY_ED25519, .key_bits = 256, .signature_algorithm = "ED25519" },
	/* Of which nothing but the hash is known. */
	{ .sha256 = { 10 } },
	{ .sha256 = { 11 }, .spki_known = true, .spki_sha256 = { 12 }, .subject_cn = "odd", .key_bits = 0,
	  .signature_algorithm = "1.2.3.4" },
};

static const struct cyclonedx_endpoint endpoints[] = {
	{ "tcp", "192.0.2.21", 9808, "server", "pool.example", "plain", "fabric", "fabric.service", "", 212, 1790000000,
	  1790000500 },
	{ "udp", "2001:db8::1", 443, "server", NULL, "quic", NULL, NULL, "4f2a", 1, 0, 0 },
};

struct sample {
	size_t certificate, endpoint;
	int fail;                        /* returned instead of the last endpoint of the first certificate */
};

static int next_certificate(void *context, struct cyclonedx_certificate *out)
{
	struct sample *s = context;

	if (s->certificate == ARRAY_SIZE(certificates))
		return 0;
	*out = certificates[s->certificate++];
	s->endpoint = 0;
	return 1;
}

/* The first has both, the second one, the others none. */
static int next_endpoint(void *context, struct cyclonedx_endpoint *out)
{
	struct sample *s = context;

	if (s->certificate + s->endpoint > ARRAY_SIZE(endpoints))
		return 0;
	if (s->fail && s->endpoint == 1)
		return s->fail;
	*out = endpoints[s->endpoint++];
	return 1;
}

static int write_sample(FILE *out, int fail)
{
	struct sample sample = { .fail = fail };
	const struct cyclonedx_source source = { &sample, next_certificate, next_endpoint };
	const struct cyclonedx_options options = {
		.version = "0.1.0", .host = "host.example", .now_s = 1790000000, .uuid = { 0xff, 1, 2, 3, 4, 5, 0xff, 7, 0xff },
	};

	return cyclonedx_write(&source, &options, out);
}

static json_t *sample(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	json_error_t error;
	json_t *root;

	assert_non_null(out);
	assert_int_equal(write_sample(out, 0), 0);
	fclose(out);
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s", error.text);
	free(text);
	return root;
}

static const char *string_at(const json_t *object, const char *path)
{
	char word[64];
	size_t len;

	for (; object && *path; path += len + (path[len] == '.')) {
		len = strcspn(path, ".");
		snprintf(word, sizeof(word), "%.*s", (int)len, path);
		object = json_is_array(object) ? json_array_get(object, (size_t)atoi(word)) : json_object_get(object, word);
	}
	return json_string_value(object);
}

static void test_shape(void **state)
{
	json_t *root = sample(), *components = json_object_get(root, "components"), *c = json_array_get(components, 0);

	(void)state;
	assert_string_equal(string_at(root, "serialNumber"), "urn:uuid:ff010203-0405-4f07-bf00-000000000000");
	assert_string_equal(string_at(root, "metadata.timestamp"), "2026-09-21T14:13:20Z");
	assert_string_equal(string_at(c, "name"), "pool.example");
	assert_string_equal(string_at(c, "cryptoProperties.certificateProperties.notValidAfter"), "2026-09-21T14:13:20Z");
	assert_string_equal(string_at(c, "evidence.occurrences.0.location"), "tcp://192.0.2.21:9808");
	assert_string_equal(string_at(c, "evidence.occurrences.0.additionalContext"),
			    "presented by the server, server name pool.example, process fabric, unit fabric.service, "
			    "carrier plain, sightings 212, first 2026-09-21T14:13:20Z, last 2026-09-21T14:21:40Z");
	assert_string_equal(string_at(c, "evidence.occurrences.1.location"), "udp://[2001:db8::1]:443");
	assert_string_equal(string_at(c, "properties.0.value"), "01abcd");
	/* 7 certificates, 5 keys, 5 of their algorithms, 3 more of signatures. */
	assert_int_equal(json_array_size(components), 20);
	json_decref(root);
}

/* Each bom-ref once, and none that leads nowhere. */
static void test_references(void **state)
{
	static const char *const paths[] = {
		"cryptoProperties.certificateProperties.signatureAlgorithmRef",
		"cryptoProperties.certificateProperties.subjectPublicKeyRef",
		"cryptoProperties.relatedCryptoMaterialProperties.algorithmRef",
	};
	json_t *root = sample(), *components = json_object_get(root, "components"), *refs = json_pack("{}"), *c;
	size_t i, k, found = 0;

	(void)state;
	json_array_foreach(components, i, c) {
		assert_null(json_object_get(refs, string_at(c, "bom-ref")));
		json_object_set_new(refs, string_at(c, "bom-ref"), json_true());
	}
	json_array_foreach(components, i, c) {
		for (k = 0; k < ARRAY_SIZE(paths); k++) {
			const char *to = string_at(c, paths[k]);

			if (!to)
				continue;
			assert_non_null(json_object_get(refs, to));
			found++;
		}
	}
	assert_int_equal(found, 6 + 6 + 5);
	json_decref(refs);
	json_decref(root);
}

static void test_failures(void **state)
{
	FILE *full = fopen("/dev/full", "w"), *out = tmpfile();

	(void)state;
	assert_true(full && out);
	assert_int_equal(write_sample(full, 0), -EIO);
	assert_int_equal(write_sample(out, -ENODATA), -ENODATA);
	fclose(full);
	fclose(out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_failures),
	};
	FILE *out;

	if (argc != 2)
		return cmocka_run_group_tests(tests, NULL, NULL);
	out = fopen(argv[1], "w");
	return out && write_sample(out, 0) == 0 && fclose(out) == 0 ? 0 : 1;
}
